import { type Refusal, refuse } from "@tapedeck/protocol";
import type { Position, Timeline } from "@tapedeck/tape";
import { wallMsOf } from "./instruction.js";

/** A shorter loop would be a storm of epochs. Wall time. */
export const leastLoopMs = 250;

export function loopRefusal(timeline: Timeline, start: Position, end: Position, speed: number): Refusal | undefined {
  const ms = wallMsOf(timeline, start.ns, end.ns, speed);
  if (ms >= leastLoopMs) return undefined;
  const least = Math.ceil(leastLoopMs * speed);
  const is = Math.floor(ms * speed);
  return refuse(
    "LOOP_TOO_SHORT",
    `A loop at speed ${speed} must last at least ${least} ms of tape, and this one would last ${is} ms. Nothing was changed.`,
  );
}
