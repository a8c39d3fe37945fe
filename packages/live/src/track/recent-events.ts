import type { RedisConnection } from "@tapedeck/runtime";
import { orUnavailable } from "@tapedeck/sessions";

/** A batch of events as Redis has it. */
interface RecentBatch {
  /** The tape that they belong to. */
  readonly tape: string;
  /** One more than the number of the last event. */
  readonly nextN: number;
  readonly lines: readonly string[];
}

/** Batches read at a time. */
const chunkSize = 32;

/** The batches of a stream of events that have any event from `n` on, in order. Rejects with `UNAVAILABLE`. */
export async function* readBatches(
  redis: RedisConnection,
  stream: string,
  n: number,
): AsyncGenerator<RecentBatch, void, undefined> {
  for (let from = n + 1; ; ) {
    const entries = await orUnavailable(redis.xrange(stream, `${from}`, "+", "COUNT", chunkSize));
    for (const [id, fields] of entries) {
      const [, tape = "", , text = ""] = fields;
      const nextN = Number(id.split("-")[0]);
      from = nextN + 1;
      yield { tape, nextN, lines: text.split("\n") };
    }
    if (entries.length < chunkSize) return;
  }
}

/** Whether a stream of events has any of a tape. Rejects with `UNAVAILABLE`. */
export async function hasEvents(redis: RedisConnection, stream: string, tape: string): Promise<boolean> {
  const [newest] = await orUnavailable(redis.xrevrange(stream, "+", "-", "COUNT", 1));
  return newest?.[1][1] === tape;
}
