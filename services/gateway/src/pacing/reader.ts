import type { CloseCode } from "@tapedeck/protocol";
import type { SessionRecord } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";

/** The names by which clients come back as the reader that they were, through whichever node. */
const readerName = /^[A-Za-z0-9_-]{1,64}$/;

export function isReaderName(text: string): boolean {
  return readerName.test(text);
}

/** A socket that acknowledges frames. */
export interface Reader {
  readonly name: string;
  /** The epoch and the last frame of it that the client is done with. */
  readonly epoch: number;
  readonly acked: Seq;
  /** Since when it has made no progress though it has frames, on the monotonic clock. */
  readonly idleSince: number;
  close(code: CloseCode, reason: string): void;
}

/** What a reader is done with in the session's present epoch. Of an epoch that has just begun, nothing. */
export function ackedIn(
  { epoch, epochFromSeq }: Pick<SessionRecord, "epoch" | "epochFromSeq">,
  reader: Pick<Reader, "epoch" | "acked">,
): Seq {
  return reader.epoch === epoch ? reader.acked : epochFromSeq - 1;
}
