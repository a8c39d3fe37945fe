import type { Seq } from "@tapedeck/tape";

/**
 * A replay has gone past frames of a growing tape whose events came only then: what it says lacks them. A feed sends events some time after the frame
 * that shows them, and frames wait for them for a second at most.
 */
export class EventsCameLate extends Error {
  /** The first frame of which there are some. */
  readonly seq: Seq;

  constructor(seq: Seq) {
    super(`events of frame ${seq} came after it was read`);
    this.seq = seq;
  }
}
