import type { WallMs } from "@tapedeck/protocol";
import { corkWrites } from "@tapedeck/runtime";
import { hasLiveTicker } from "./rules/record.js";
import type { SessionField } from "./store/record-codec.js";
import type { IndexedSession } from "./store/session-index.js";
import type { SessionStore } from "./store/store.js";
import type { TickerQueue } from "./ticker-queue.js";

export interface SessionMaintenanceOptions {
  readonly store: SessionStore;
  readonly tickerQueue: Pick<TickerQueue, "request">;
}

/** Sessions looked at in one go. */
const chunk = 200;
const claimFields = [
  "rev",
  "state",
  "tape",
  "parked",
  "edge",
  "ticker",
  "ticker_seen_ms",
] as const satisfies readonly SessionField[];

/** What has to be done again and again, by one node in the cluster at a time; doing it twice does no harm. */
export class SessionMaintenance {
  readonly #store: SessionStore;
  readonly #tickerQueue: Pick<TickerQueue, "request">;

  constructor({ store, tickerQueue }: SessionMaintenanceOptions) {
    this.#store = store;
    this.#tickerQueue = tickerQueue;
  }

  /**
   * Counts the sessions that have expired, at most `limit` of them, cleans up after them and tells whoever still listens. One
   * whose hash lives on has its entry mended instead. Returns how many it counted.
   */
  async sweepExpired(limit = 10_000): Promise<number> {
    const now = await this.#store.now();
    const due = await this.#store.index.expired(now, limit);
    let counted = 0;
    for (const entries of chunksOf(due)) {
      const swept = await Promise.all(entries.map((entry) => this.#sweep(entry, now)));
      counted += swept.filter(Boolean).length;
    }
    return counted;
  }

  /**
   * Asks for tickers for all sessions that need one and have none that lives, and drops the index's entries of sessions that
   * are gone without having expired. Returns how many it asked for.
   */
  async requeueOrphans(): Promise<number> {
    let requeued = 0;
    for await (const entries of this.#pages({ state: "PLAYING" })) {
      const now = await this.#store.now();
      const asked = corkWrites(this.#store.redis, () => entries.map((entry) => this.#requeue(entry, now)));
      const results = await Promise.all(asked);
      requeued += results.filter(Boolean).length;
    }
    return requeued;
  }

  async #sweep(entry: IndexedSession, now: number): Promise<boolean> {
    const stored = await this.#store.read(entry.id);
    if (stored === undefined) return await this.#store.expire(entry, now);
    const { lastActivity, ttl } = stored.record;
    await this.#store.index.repairExpiry(entry.id, lastActivity + ttl * 1000);
    return false;
  }

  /** Every few seconds for every playing session, so it reads only what it looks at. */
  async #requeue({ id, score }: IndexedSession, now: WallMs): Promise<boolean> {
    const { redis, keys, index } = this.#store;
    const [rev, state, tape, parked, edge, ticker, seen] = await redis.hmget(keys.session(id), ...claimFields);
    if (!rev) {
      if ((await index.expiryOf(id)) === undefined) await index.remove(id, score);
      return false;
    }
    const served = hasLiveTicker({ ticker: ticker ?? "", tickerSeenMs: Number(seen) }, now);
    const plays = state === "PLAYING" && tape !== "" && parked !== "1" && edge !== "1";
    if (served || !plays) return false;
    await this.#tickerQueue.request({ id, rev: Number(rev) });
    return true;
  }

  async *#pages(filter: { state?: string; mode?: string }): AsyncIterable<IndexedSession[]> {
    let cursor: IndexedSession | undefined;
    do {
      const page = await this.#store.index.page(filter, cursor, chunk);
      if (page.length > 0) yield page;
      cursor = page.length === chunk ? page.at(-1) : undefined;
    } while (cursor !== undefined);
  }
}

function* chunksOf<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let at = 0; at < items.length; at += chunk) yield items.slice(at, at + chunk);
}
