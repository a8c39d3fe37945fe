import type { WallMs } from "@tapedeck/protocol";
import { corkWrites } from "@tapedeck/runtime";
import { hasLiveTicker, needsTicker } from "./rules/record.js";
import { expiresAt } from "./store/expiry.js";
import type { SessionField } from "./store/record-codec.js";
import type { IndexedSession } from "./store/session-index.js";
import type { SessionStore } from "./store/store.js";
import type { TickerQueue } from "./ticker-queue.js";

interface SessionMaintenanceOptions {
  readonly store: SessionStore;
  readonly tickerQueue: Pick<TickerQueue, "request">;
}

/** Sessions per batch. */
const chunk = 200;
const claimFields = [
  "rev",
  "state",
  "tape",
  "parked",
  "edge",
  "ticker",
  "ticker_seen_ms",
  "pace",
] as const satisfies readonly SessionField[];

/** Periodic work on all sessions, by one node in the cluster at a time; doing it twice does no harm. */
export class SessionMaintenance {
  readonly #store: SessionStore;
  readonly #tickerQueue: Pick<TickerQueue, "request">;

  constructor({ store, tickerQueue }: SessionMaintenanceOptions) {
    this.#store = store;
    this.#tickerQueue = tickerQueue;
  }

  /**
   * Cleans up after sessions that have expired, at most `limit` of them (see `expireSession`). If the hash of one still exists,
   * repairs its index entry instead. Returns how many it cleaned up after.
   */
  async sweepExpired(limit = 10_000): Promise<number> {
    const now = await this.#store.now();
    const due = await this.#store.index.expired(now, limit);
    let expired = 0;
    for (const entries of chunksOf(due)) {
      const swept = await Promise.all(entries.map((entry) => this.#sweep(entry, now)));
      expired += swept.filter(Boolean).length;
    }
    return expired;
  }

  /**
   * Requests a ticker for each session that needs one and has none that is alive, and removes index entries of sessions that are
   * gone without having expired. Returns how many it requested.
   */
  async requeueOrphans(): Promise<number> {
    let requeued = 0;
    for await (const entries of this.#pages({ state: "PLAYING" })) {
      const now = await this.#store.now();
      const requests = corkWrites(this.#store.redis, () => entries.map((entry) => this.#requeue(entry, now)));
      const results = await Promise.all(requests);
      requeued += results.filter(Boolean).length;
    }
    return requeued;
  }

  async #sweep(entry: IndexedSession, now: number): Promise<boolean> {
    const stored = await this.#store.read(entry.id);
    if (stored === undefined) return await this.#store.expire(entry, now);
    await this.#store.index.repairExpiry(entry.id, expiresAt(stored.record));
    return false;
  }

  /** Runs every few seconds for every playing session, so it reads only the fields that it needs. */
  async #requeue({ id, score }: IndexedSession, now: WallMs): Promise<boolean> {
    const { redis, keys, index } = this.#store;
    const [rev, state, tape, parked, edge, ticker, seen, pace] = await redis.hmget(keys.session(id), ...claimFields);
    if (!rev) {
      if ((await index.expiryOf(id)) === undefined) await index.remove(id, score);
      return false;
    }
    const served = hasLiveTicker({ ticker: ticker ?? "", tickerSeenMs: Number(seen) }, now);
    const session = { state: state ?? "", tape: tape ?? "", parked: parked === "1", edge: edge === "1" };
    if (pace === "lossless" || served || !needsTicker({ ...session, lossless: null })) return false;
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
