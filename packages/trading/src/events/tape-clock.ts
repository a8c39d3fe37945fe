import { DamagedBlock, type Seq, type Tape } from "@tapedeck/tape";

/** What is needed of a tape for the times of its frames. */
export type ClockTape = Pick<Tape, "startNs" | "span" | "index" | "nsOf" | "seqAt">;

/** When a frame is shown at the earliest, in nanoseconds since 1970. Frames that can't be read share the time of the last of them. */
export async function frameTime(tape: ClockTape, seq: Seq): Promise<bigint> {
  try {
    return tape.startNs + BigInt(await tape.nsOf(seq));
  } catch (error) {
    if (!(error instanceof DamagedBlock)) throw error;
    return tape.startNs + BigInt(tape.index.lastNs(tape.index.blockOf(seq)));
  }
}

/** The first frame at or after a time; the one after the tape's last if there is none. */
export async function firstFrameFrom(tape: ClockTape, ns: bigint): Promise<Seq> {
  const before = Number(ns - tape.startNs) - 1;
  if (before < tape.span.firstNs) return tape.span.firstSeq;
  return (await tape.seqAt(before)) + 1;
}

/**
 * The time of an event on the tape's clock, by which the playhead moves: the venue's, but after the frame before the first one that shows
 * the event, and not after that one. So what a viewer has seen has happened, and what happened later was not to be seen, whatever the
 * venue's clock said.
 */
export function tapeTime(venueNs: bigint, before: bigint, shown: bigint): bigint {
  if (venueNs < before) return before;
  return venueNs > shown ? shown : venueNs;
}
