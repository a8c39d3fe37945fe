import { type Refusal, refuse } from "@tapedeck/protocol";
import type { TapePosition, Timeline } from "@tapedeck/tape";
import { wallMsBetween } from "./playhead.js";

/** Shorter loops are refused: each round begins an epoch. Wall time. */
const minLoopMs = 250;

/** Why a loop must not be that short at this speed; undefined if it is long enough. */
export function loopRefusal(
  timeline: Timeline,
  start: TapePosition,
  end: TapePosition,
  speed: number,
): Refusal | undefined {
  const ms = wallMsBetween(timeline, start.ns, end.ns, speed);
  if (ms >= minLoopMs) return undefined;
  const least = Math.ceil(minLoopMs * speed);
  const tapeMs = Math.floor(ms * speed);
  return refuse(
    "LOOP_TOO_SHORT",
    `A loop at speed ${speed} must last at least ${least} ms of tape; this one would last ${tapeMs} ms. Nothing was changed.`,
  );
}
