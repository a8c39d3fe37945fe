import { type Mode, mode, type WallMs } from "@tapedeck/protocol";
import type { RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "../redis/keys.js";

const minuteMs = 60_000;

/** Counts since the cluster's beginning. */
interface Totals {
  readonly created: number;
  readonly expired: number;
  readonly deleted: number;
  /** Summed over deleted and expired sessions. */
  readonly livedMs: number;
}

/** Counts created, expired and deleted sessions, in total and by minute. */
export class SessionTotals {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;

  constructor(redis: RedisConnection, keys: Keys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async created(itsMode: Mode, now: WallMs): Promise<void> {
    await this.#add({ created: 1, [`created_${itsMode}`]: 1 }, now, "created");
  }

  async expired(livedMs: number, now: WallMs): Promise<void> {
    await this.#add({ expired: 1, lived_ms: livedMs }, now, "cleaned_up");
  }

  async deleted(livedMs: number, now: WallMs): Promise<void> {
    await this.#add({ deleted: 1, lived_ms: livedMs }, now, "cleaned_up");
  }

  async read(): Promise<Totals> {
    const hash = await this.#redis.hgetall(this.#keys.stats);
    const number = (field: string): number => Number(hash[field] ?? 0);
    return {
      created: number("created"),
      expired: number("expired"),
      deleted: number("deleted"),
      livedMs: number("lived_ms"),
    };
  }

  /** Over the last 60 s: the current minute, and the part of the previous one that lies within 60 s. */
  async perMinute(now: WallMs): Promise<{ created: number; cleanedUp: number }> {
    const minute = Math.floor(now / minuteMs);
    const [last = {}, current = {}] = await Promise.all(
      [minute - 1, minute].map((each) => this.#redis.hgetall(this.#keys.statsOfMinute(each))),
    );
    const share = 1 - (now % minuteMs) / minuteMs;
    const rate = (field: string): number =>
      Math.round((Number(last[field] ?? 0) * share + Number(current[field] ?? 0)) * 10) / 10;
    return { created: rate("created"), cleanedUp: rate("cleaned_up") };
  }

  async #add(sums: Record<string, number>, now: WallMs, event: "created" | "cleaned_up"): Promise<void> {
    const minute = this.#keys.statsOfMinute(Math.floor(now / minuteMs));
    await Promise.all([
      ...Object.entries(sums).map(([field, by]) => this.#redis.hincrby(this.#keys.stats, field, Math.round(by))),
      this.#redis.hincrby(minute, event, 1),
      this.#redis.expire(minute, 180),
    ]);
  }
}

/** Fields of the stats hash. */
export const totalFields: readonly string[] = [
  "created",
  ...mode.options.map((each) => `created_${each}`),
  "expired",
  "deleted",
  "lived_ms",
];
