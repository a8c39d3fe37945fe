import type { Truth } from "./truth.js";
import type { SeenFrame } from "./viewer.js";

/** Tape time per wall time over a run of frames of one epoch. */
export function paceOf(frames: readonly SeenFrame[], truth: Truth): number {
  const first = frames[0];
  const last = frames.at(-1);
  if (!first || !last || first === last) return Number.NaN;
  return (truth.ns(last.seq) - truth.ns(first.seq)) / 1e6 / (last.at - first.at);
}

/** How late each frame arrived, in milliseconds. `anchor` ties a tape time to a wall time. */
export function lateness(
  frames: readonly SeenFrame[],
  truth: Truth,
  anchor: { readonly ns: number; readonly wallMs: number; readonly speed: number },
): number[] {
  return frames.map(({ seq, at }) => at - anchor.wallMs - (truth.ns(seq) - anchor.ns) / 1e6 / anchor.speed);
}

/** By how many milliseconds the longest wait for a frame exceeded the time on the tape. */
export function longestGap(frames: readonly SeenFrame[], truth: Truth, speed: number): number {
  let longest = 0;
  for (const [index, frame] of frames.entries()) {
    const before = frames[index - 1];
    if (!before || before.epoch !== frame.epoch) continue;
    const expected = (truth.ns(frame.seq) - truth.ns(before.seq)) / 1e6 / speed;
    longest = Math.max(longest, frame.at - before.at - expected);
  }
  return longest;
}
