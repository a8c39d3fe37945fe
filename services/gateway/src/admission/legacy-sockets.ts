import type { WallMs } from "@tapedeck/protocol";
import { legacyEntryTtlMs, legacySocketEntry, type RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";

/** A page that lost its socket opens another one within seconds, and means the same session meanwhile. */
const keepAfterCloseMs = 10_000;

/**
 * Notes in Redis which sessions the open legacy sockets of a browser page are on: `POST /mode` without an id acts on that session if
 * there is only one. The notes are a sorted set by deadline, so those of a node that crashed soon expire. Each node writes its own,
 * since a page may have sockets on several nodes.
 */
export class LegacySockets {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #node: string;
  readonly #now: () => WallMs;
  /** How many sockets this node has, by fingerprint and session. */
  readonly #open = new Map<string, Map<string, number>>();

  constructor(redis: RedisConnection, keys: Keys, node: string, now: () => WallMs) {
    this.#redis = redis;
    this.#keys = keys;
    this.#node = node;
    this.#now = now;
  }

  async add(fingerprint: string, id: string): Promise<void> {
    const sessions = this.#open.get(fingerprint) ?? new Map<string, number>();
    this.#open.set(fingerprint, sessions);
    sessions.set(id, (sessions.get(id) ?? 0) + 1);
    await this.#write(fingerprint, [id]);
  }

  async remove(fingerprint: string, id: string): Promise<void> {
    const sessions = this.#open.get(fingerprint);
    const left = (sessions?.get(id) ?? 0) - 1;
    if (sessions === undefined) return;
    if (left > 0) {
      sessions.set(id, left);
      return;
    }
    sessions.delete(id);
    if (sessions.size === 0) this.#open.delete(fingerprint);
    const deadline = Math.round(this.#now()) + keepAfterCloseMs;
    await this.#redis.zadd(this.#keys.legacy(fingerprint), "XX", deadline, legacySocketEntry(id, this.#node));
  }

  /** Extends all notes of this node. Has to be called several times per deadline. */
  async refresh(): Promise<void> {
    for (const [fingerprint, sessions] of this.#open) await this.#write(fingerprint, [...sessions.keys()]);
  }

  async #write(fingerprint: string, ids: readonly string[]): Promise<void> {
    const key = this.#keys.legacy(fingerprint);
    const now = Math.round(this.#now());
    const deadline = now + legacyEntryTtlMs;
    await this.#redis
      .multi()
      .zadd(key, ...ids.flatMap((id) => [deadline, legacySocketEntry(id, this.#node)]))
      .zremrangebyscore(key, 0, now)
      .pexpire(key, legacyEntryTtlMs)
      .pexpire(this.#keys.legacyPages(fingerprint), legacyEntryTtlMs)
      .exec();
  }
}
