import { type Refusal, refuse } from "@tapedeck/protocol";
import type { TapePosition, Timeline } from "@tapedeck/tape";
import { wallMsBetween } from "./commands.js";

/** A shorter loop would be a storm of epochs. Wall time. */
export const minLoopMs = 250;

export function loopRefusal(
  timeline: Timeline,
  start: TapePosition,
  end: TapePosition,
  speed: number,
): Refusal | undefined {
  const ms = wallMsBetween(timeline, start.ns, end.ns, speed);
  if (ms >= minLoopMs) return undefined;
  const least = Math.ceil(minLoopMs * speed);
  const is = Math.floor(ms * speed);
  return refuse(
    "LOOP_TOO_SHORT",
    `A loop at speed ${speed} must last at least ${least} ms of tape, and this one would last ${is} ms. Nothing was changed.`,
  );
}
