import type { Seq, TapePosition } from "@tapedeck/tape";
import { z } from "zod";
import type { SessionRecord } from "./record.js";

/** An epoch that is over: frames `first` to `last` of `tape` were shown in it. */
const endedEpoch = z.object({ epoch: z.int(), tape: z.string(), first: z.int(), last: z.int() });
export interface EndedEpoch {
  readonly epoch: number;
  /** `id@version` */
  readonly tape: string;
  readonly first: Seq;
  readonly last: Seq;
}

/** The epoch that a change ends, whose playhead had come to `here`; undefined if it ends none that anyone could resume. */
export function epochEndedBy(before: SessionRecord, after: SessionRecord, here: TapePosition): EndedEpoch | undefined {
  if (after.epoch === before.epoch || before.tape === "") return undefined;
  const { epoch, tape, epochFromSeq } = before;
  return { epoch, tape, first: epochFromSeq, last: Math.max(here.seq, before.publishedSeq) };
}

export function decodeEpoch(text: string): EndedEpoch {
  return endedEpoch.parse(JSON.parse(text));
}
