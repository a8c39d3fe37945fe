import type { TapeView } from "@tapedeck/client";
import type { FrameLog } from "../playback/frame-log";

/** The stretch of tape that the scrubber spans, in ms since 1970. */
export interface Extent {
  readonly from: number;
  readonly to: number;
}

/** What is spanned of a market without an end, and in which steps it moves on. */
const endlessMs = 1_800_000;
const stepMs = 900_000;

/** Whether a tape is made as it is played. */
export function isSimulated(tape: Pick<TapeView, "source">): boolean {
  return tape.source === "SIMULATION";
}

/** The whole tape; of a simulated market half an hour that holds the playhead and stands still until that leaves its middle. */
export function extentOf(tape: TapeView | undefined, log: FrameLog): Extent | undefined {
  if (!tape) return undefined;
  const [from, to] = [Date.parse(tape.from), Date.parse(tape.to)];
  if (!isSimulated(tape)) {
    const end = Math.max(to, log.last?.ms ?? 0);
    if (!tape.growing) return { from, to: end };
    // A growing tape's end moves on by a few pixels at a time: its line is drawn anew each time.
    const step = Math.max(100, (end - from) / 300);
    return { from, to: from + Math.ceil((end - from) / step) * step };
  }
  const played = (log.last?.ms ?? from) - from;
  const begin = from + Math.max(0, Math.floor((played - stepMs / 2) / stepMs)) * stepMs;
  return { from: begin, to: begin + endlessMs };
}
