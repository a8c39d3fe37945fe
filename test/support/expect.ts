import { expect } from "vitest";
import type { Truth } from "./truth.js";
import type { SeenFrame } from "./viewer.js";

declare module "vitest" {
  interface Matchers<T> {
    /** Epochs never decrease, and within one no frame is lost, repeated or out of order. */
    toHaveConsecutiveSeqs(): T;
    /** Each frame equals the recorded bytes, or the correct merge of the frames that it replaces. */
    toBeOfTape(truth: Truth): T;
    /** The seqs of the frames, in order. */
    toHaveSeqs(seqs: readonly number[]): T;
  }
}

/** Describes the first gap or repetition in a run of frames. */
export function breakIn(frames: readonly SeenFrame[]): string | undefined {
  for (const [index, frame] of frames.entries()) {
    const before = frames[index - 1];
    if (!before) continue;
    const place = `frame ${index}, (${frame.prev}, ${frame.seq}] of epoch ${frame.epoch} by ${frame.from}`;
    if (frame.epoch < before.epoch) return `${place} comes after epoch ${before.epoch}`;
    if (frame.epoch === before.epoch && frame.prev !== before.seq) return `${place} follows ${before.seq}`;
  }
  return undefined;
}

expect.extend({
  toHaveConsecutiveSeqs(frames: readonly SeenFrame[]) {
    const broken = breakIn(frames);
    return {
      pass: broken === undefined && frames.length > 0,
      message: () => broken ?? (frames.length > 0 ? "the seqs are consecutive" : "there are no frames"),
    };
  },
  toBeOfTape(frames: readonly SeenFrame[], truth: Truth) {
    let flaw: string | undefined;
    for (const frame of frames) {
      flaw = truth.flaw(frame);
      if (flaw !== undefined) break;
    }
    return {
      pass: flaw === undefined && frames.length > 0,
      message: () => flaw ?? (frames.length > 0 ? `all are frames of ${truth.tape.id}` : "there are no frames"),
    };
  },
  toHaveSeqs(frames: readonly SeenFrame[], seqs: readonly number[]) {
    const actual = frames.map(({ seq }) => seq);
    return {
      pass: this.equals(actual, seqs),
      message: () => `expected the frames ${seqs.join(" ")}, got ${actual.join(" ")}`,
    };
  },
});
