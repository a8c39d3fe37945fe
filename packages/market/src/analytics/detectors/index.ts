import type { Detector } from "../scene.js";
import type { Thresholds } from "../thresholds.js";
import { Spoofing } from "./spoofing.js";

/** One of each, in the order in which their alerts stand in a frame. */
export function detectors(_thresholds: Thresholds): { readonly spoofing: Spoofing; readonly all: readonly Detector[] } {
  const spoofing = new Spoofing();
  return { spoofing, all: [spoofing] };
}
