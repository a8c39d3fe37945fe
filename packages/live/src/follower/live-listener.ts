import type { Seq } from "@tapedeck/tape";
import type { FeedState } from "../feed-store/feed-state.js";
import type { GrowingTape } from "../growing-tape/growing-tape.js";

export interface FeedListener {
  /**
   * HOT. The frame's JSON as bytes, after `tape.span` has grown to it: `tape.block(seq)` is in memory. In order, each once, and
   * none is left out but after an absence so long that the missing ones are no more in Redis: then the tape has them.
   */
  frame(tape: GrowingTape, seq: Seq, body: Buffer): void;
  /** Called once as soon as the present state is known, then for each change. */
  state(state: FeedState): void;
}
