import type { RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "../redis/keys.js";
import { orUnavailable } from "../redis/unavailable.js";
import type { SessionRecord } from "../rules/record.js";

/** What is kept of a session's trading: an index and its parts, whose meaning packages/trading knows. Losing it costs time only. */
export interface KeptCheckpoints {
  /** Rises by one with each write. */
  readonly number: number;
  readonly index: string;
}

export interface CheckpointChange {
  readonly record: Pick<SessionRecord, "id" | "createdAt">;
  /** Of the index that was read; 0 if there was none. */
  readonly number: number;
  readonly index: string;
  /** Parts that the new index does not name; `all`: whatever there is. */
  readonly dropped: readonly string[] | "all";
  readonly parts: ReadonlyMap<string, Buffer>;
}

/** A session's checkpoints in Redis, which expire with it. */
export class CheckpointStore {
  readonly #redis: RedisConnection;
  readonly #keys: Pick<Keys, "session" | "checkpoints">;

  /** @param redis with the scripts of sessions */
  constructor(redis: RedisConnection, keys: Pick<Keys, "session" | "checkpoints">) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** Rejects with `UNAVAILABLE`. */
  async read(id: string): Promise<KeptCheckpoints | undefined> {
    const [number, index] = await orUnavailable(this.#redis.hmget(this.#keys.checkpoints(id), "number", "index"));
    return number && index ? { number: Number(number), index } : undefined;
  }

  /** Parts in the order of their names; null where one is gone. Rejects with `UNAVAILABLE`. */
  async parts(id: string, names: readonly string[]): Promise<(Buffer | null)[]> {
    return await orUnavailable(this.#redis.hmgetBuffer(this.#keys.checkpoints(id), ...names));
  }

  /** False if another process wrote since the index was read, or if the session is gone. Rejects with `UNAVAILABLE`. */
  async keep({ record, number, index, dropped, parts }: CheckpointChange): Promise<boolean> {
    const { session, checkpoints } = this.#keys;
    const names = dropped === "all" ? [] : dropped;
    const written = await orUnavailable(
      this.#redis.sessionKeepCheckpoint(
        session(record.id),
        checkpoints(record.id),
        record.createdAt,
        number,
        index,
        dropped === "all" ? "all" : names.length,
        ...names,
        ...[...parts].flat(),
      ),
    );
    return written === 1;
  }
}
