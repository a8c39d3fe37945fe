import type { Severity } from "@tapedeck/client";
import { createStore } from "zustand/vanilla";
import { persisted } from "../../design/persisted";
import { rankOf } from "../../playback/frame-values";

export interface AnomalyFilter {
  readonly least: Severity;
  /** A type, or empty for all. */
  readonly type: string;
}

const kept = persisted<AnomalyFilter>("tapedeck_anomalies", { least: "medium", type: "" });

/** Which anomalies the feed lists, charts and scrubber mark, and the event keys jump to. */
export const anomalyFilter = createStore<AnomalyFilter>(() => kept.get());
anomalyFilter.subscribe((filter) => kept.set(filter));

export const everything: AnomalyFilter = { least: "low", type: "" };

export function passes(
  { least, type }: AnomalyFilter,
  anomaly: { readonly type: string; readonly severity: string },
): boolean {
  return rankOf(anomaly.severity) >= rankOf(least) && (type === "" || anomaly.type === type);
}
