import type { WallMs } from "@tapedeck/protocol";
import type { RedisConnection } from "@tapedeck/runtime";
import type { Seq } from "@tapedeck/tape";
import type { Keys } from "../redis/keys.js";
import { orUnavailable } from "../redis/unavailable.js";
import type { PacedPlace } from "../rules/pace.js";
import type { SessionRecord } from "../rules/record.js";

/** A reader's place is kept for this long, in ms, when its gateway does not report it any more: it may come back through another one. */
export const readerForgottenMs = 10_000;
/** A command that finds a session in lossless pace must be written within this time, in ms; until then the playhead stands. */
export const holdMs = 1_000;

/**
 * With a speed as bound, the clock of a session that has waited for a reader is caught up with as far as this, in ms: so short delays change no
 * times, and long ones are followed by no burst.
 */
export const caughtUpMs = 1_000;

/** What a gateway reports of one of its readers; `left`: it does not count any more. */
export type ReaderReport = { readonly name: string } & (
  | { readonly left: true }
  | { readonly epoch: number; readonly acked: Seq; readonly reach: PacedPlace }
);

export interface AdvanceRequest {
  /** The session as the gateway plays it. */
  readonly record: Pick<SessionRecord, "id" | "rev">;
  readonly node: string;
  readonly readers: readonly ReaderReport[];
  /** The playhead does not pass it. */
  readonly bound: PacedPlace;
}

export type AdvanceReply =
  /** `acked`: the last frame that all readers of the session have acknowledged; -1 if it has none, or one that has acknowledged nothing. */
  | { readonly outcome: "moved" | "same"; readonly place: PacedPlace & { wallMs: WallMs }; readonly acked: Seq }
  | { readonly outcome: "held"; readonly until: WallMs }
  /** The session has another revision, or is gone. */
  | { readonly outcome: "changed" | "gone" };

/** Reports readers and moves the playhead of a session in lossless pace as far as all its readers allow. Rejects with `UNAVAILABLE`. */
export async function advance(redis: RedisConnection, keys: Keys, request: AdvanceRequest): Promise<AdvanceReply> {
  const { record, node, readers, bound } = request;
  const [outcome, seq, ns, wall, acked] = await orUnavailable(
    redis.sessionAdvance(
      keys.session(record.id),
      keys.readers(record.id),
      record.rev,
      node,
      readerForgottenMs,
      caughtUpMs,
      bound.seq,
      bound.ns,
      bound.wallMs ?? "-",
      ...readers.flatMap((reader) =>
        "left" in reader
          ? [reader.name, -1, 0, 0, 0, "-"]
          : [reader.name, reader.epoch, reader.acked, reader.reach.seq, reader.reach.ns, reader.reach.wallMs ?? "-"],
      ),
    ),
  );
  if (outcome === "changed" || outcome === "gone") return { outcome };
  if (outcome === "held") return { outcome, until: Number(wall) };
  return { outcome, place: { seq: Number(seq), ns: Number(ns), wallMs: Number(wall) }, acked: Number(acked) };
}
