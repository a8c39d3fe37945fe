import type { Seq, Tape } from "@tapedeck/tape";
import type { LiveInstrument } from "./live-tape-id.js";

/**
 * A live tape while it grows, as one process follows it. The same object as long as the process has it open; it goes on
 * working when it is finished (`span.growing` turns false, and blocks come from the recorded version).
 */
export interface GrowingTape extends Tape {
  readonly live: LiveInstrument;
  /** Told after `span` has changed: grown, cut by retention, or finished. Returns the function that ends the telling. */
  onGrown(listener: () => void): () => void;
  /**
   * Resolves true when `span.lastSeq` is at least `seq`, reading what this process has not heard of; false when the tape will
   * not get there: it was finished or lost before.
   */
  grownTo(seq: Seq): Promise<boolean>;
}
