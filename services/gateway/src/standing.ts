import { limits } from "@tapedeck/protocol";
import type { FrameHead, SessionRecord } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";
import { isNews } from "./reception.js";

/** Everything up to here was published, or is to be shown by whoever reads it. */
export function standing(record: SessionRecord): Seq {
  return Math.max(record.anchorSeq, record.publishedSeq);
}

/** The frame after which a viewer from another epoch goes on. One that missed very much begins where the deck stands. */
export function epochStart(record: SessionRecord): Seq {
  const from = record.epochFromSeq - 1;
  return standing(record) - from > limits.resumeFrames ? standing(record) - 1 : from;
}

/** The later one of two frames that came before a state could tell of them. */
export function newer(known: FrameHead | undefined, head: FrameHead): FrameHead {
  if (known === undefined || isNews(known, head)) return head;
  return isNews(head, known) || known.seq >= head.seq ? known : head;
}
