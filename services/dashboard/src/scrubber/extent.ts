import type { TapeView } from "@tapedeck/client";
import type { FrameLog } from "../deck/frame-log";

/** The stretch of tape that the scrubber spans, in ms since 1970. */
export interface Extent {
  readonly from: number;
  readonly to: number;
}

/** Half of what is spanned of a tape without an end. */
const endlessMs = 900_000;

/** The whole tape; of a simulated market, which has no end, the time about the playhead in steps, so that it stands still. */
export function extentOf(tape: TapeView | undefined, log: FrameLog): Extent | undefined {
  if (tape) return { from: Date.parse(tape.from), to: Math.max(Date.parse(tape.to), log.last?.ms ?? 0) };
  const at = log.last?.ms;
  if (at === undefined) return undefined;
  const middle = Math.round(at / endlessMs) * endlessMs;
  return { from: middle - endlessMs, to: middle + endlessMs };
}

export function placeIn({ from, to }: Extent, ms: number): number {
  return to > from ? Math.min(1, Math.max(0, (ms - from) / (to - from))) : 0;
}
