import type { WallMs } from "@tapedeck/protocol";
import type { Logger, RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import { readManifest, type TapeStore, tapeName } from "@tapedeck/tape";
import type { FeedQueue } from "../feed-store/feed-queue.js";
import type { FeedRecord } from "../feed-store/feed-record.js";
import { type FeedSummary, feedStateOf, isClaimed, unclaimedFeed } from "../feed-store/feed-state.js";
import { FeedStore, parseFeedName } from "../feed-store/feed-store.js";
import { type LiveInstrument, parseLiveTapeId } from "../feed-store/live-tape-id.js";
import { finishAlone } from "../segments/finish-alone.js";
import { contiguousSegments } from "../segments/segment-name.js";
import { readNewestFrame } from "../stream/read-frames.js";
import { tapeOfSegments } from "../track/track-parts.js";
import { ShortTapes } from "./short-tapes.js";

export interface LiveMaintenanceOptions {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly store: TapeStore;
  readonly log: Logger;
  /** A fenced writer may still store a segment for this long after the last one; 2 minutes by default. */
  readonly orphanAfterMs?: number;
  /** A tape shorter than this is removed when its feed ends; 0, the default, keeps all. */
  readonly keepSeconds?: number;
}

const defaultOrphanMs = 120_000;
/** Wait before another attempt to finish a tape. */
const retryMs = 60_000;
/** Demand and claims older than this are removed from their indexes. */
const obsoleteMs = 3_600_000;
/** How long a venue's list of symbols is valid, and the age at which it is fetched again. */
const symbolListTtlMs = 3_600_000;
const symbolListRefreshMs = 900_000;

/** Periodic maintenance of feeds and live tapes, on any node that runs feeds. None of it needs a claim. */
export class LiveMaintenance {
  readonly #options: LiveMaintenanceOptions;
  readonly #feeds: FeedStore;
  readonly #shortTapes: ShortTapes;
  /** Tapes that could not be finished, and when to try again. */
  readonly #retryAt = new Map<string, number>();
  #finishing: Promise<void> | undefined;

  constructor(options: LiveMaintenanceOptions) {
    const { redis, keys, store, log, keepSeconds = 0 } = options;
    this.#options = options;
    this.#feeds = new FeedStore(redis, keys);
    this.#shortTapes = new ShortTapes(this.#feeds, store, keepSeconds, log);
  }

  /** One feed. Without anything about it in Redis, `state.rev` and `demandedUntil` are 0. */
  async inspect(source: string, symbol: string): Promise<FeedSummary> {
    const feed = { source, symbol };
    const [demandedUntil, lingeringUntil, { record, now }] = await Promise.all([
      this.#feeds.demandedUntil(feed),
      this.#feeds.lingeringUntil(feed),
      this.#feeds.read(feed),
    ]);
    return summaryOf(feed, record, { demandedUntil, lingeringUntil }, now);
  }

  /** The time of the newest frame of a feed's tape, in nanoseconds since 1970; undefined without one. */
  async newestNs(source: string, symbol: string): Promise<bigint | undefined> {
    const { redis, keys } = this.#options;
    const [{ record }, newest] = await Promise.all([
      this.#feeds.read({ source, symbol }),
      readNewestFrame(redis, keys.live(source, symbol)),
    ]);
    return record && newest && record.startNs + BigInt(newest.frame.ns);
  }

  /** All feeds that are in demand or have a hash. Removes obsolete index entries on the way. */
  async inspectAll(): Promise<FeedSummary[]> {
    const demanded = await this.#feeds.demanded();
    const claimed = await this.#feeds.claimed();
    const lingering = await this.#feeds.lingering();
    const summaries = [...new Set([...demanded.keys(), ...claimed.keys()])].map(async (name) => {
      const feed = parseFeedName(name);
      const { record, now } = await this.#feeds.read(feed);
      const demandedUntil = demanded.get(name) ?? 0;
      if (record === undefined && demandedUntil <= now) {
        await this.#removeObsolete(feed, {
          ...{ claim: claimed.get(name), demandedUntil, now },
          lingering: lingering.has(name),
        });
        return [];
      }
      return [summaryOf(feed, record, { demandedUntil, lingeringUntil: lingering.get(name) ?? 0 }, now)];
    });
    return (await Promise.all(summaries)).flat();
  }

  /**
   * Requests a worker for each feed without one: to record it if it is in demand, else to finish its tape, unless the tape is too
   * short to be kept. Requesting twice adds one job.
   */
  async requestWorkers(queue: Pick<FeedQueue, "requestWorker">): Promise<void> {
    const summaries = await this.inspectAll();
    const settled = await this.removeShortTapes(summaries);
    for (const { state, claimed } of summaries) {
      if (!claimed && !settled.has(state.tape)) await queue.requestWorker(state, state.rev);
    }
  }

  /** Removes the demand of a feed that only lingers. @returns whether it is out of demand now */
  async dropLingering(source: string, symbol: string): Promise<boolean> {
    return await this.#feeds.dropLingering({ source, symbol });
  }

  /** Venues with a feed in demand whose symbol list is missing or old. */
  async sourcesWithOldLists(): Promise<string[]> {
    const sources = new Set([...(await this.#feeds.demanded()).keys()].map((name) => parseFeedName(name).source));
    const old = [...sources].map(async (source) =>
      (await this.#feeds.symbolListTtlMs(source)) > symbolListTtlMs - symbolListRefreshMs ? [] : [source],
    );
    return (await Promise.all(old)).flat();
  }

  /** The symbols that a venue trades; requests for others are refused. */
  async storeSymbols(source: string, symbols: readonly string[]): Promise<void> {
    await this.#feeds.storeSymbols(source, symbols, symbolListTtlMs);
  }

  /** Whether the growing tape of a feed is too short to be kept. */
  isShort(source: string, symbol: string): Promise<boolean> {
    return this.#shortTapes.isShort({ source, symbol });
  }

  /** Removes tapes that are too short to be kept. @returns the names of those that are removed or will be checked again */
  removeShortTapes(summaries: readonly FeedSummary[]): Promise<ReadonlySet<string>> {
    return this.#shortTapes.remove(summaries);
  }

  /**
   * Finishes tapes that no feed continues: the feed has ended, or Redis has lost the tape. Safe anywhere at any time. A tape that
   * cannot be finished is left for the next attempt. Resolves to the names of the finished ones.
   */
  async finishOrphans(): Promise<string[]> {
    const { store, log } = this.#options;
    const finished: string[] = [];
    const ids = [...new Set((await store.tapesWithSegments()).map(tapeOfSegments))];
    for (const id of this.#retryAt.keys()) if (!ids.includes(id)) this.#retryAt.delete(id);
    for (const id of ids) {
      const name = tapeName(id, 1);
      if (performance.now() < (this.#retryAt.get(id) ?? 0)) continue;
      try {
        if ((await this.#isOrphan(id)) && (await finishAlone(this.#feeds, store, name))) finished.push(name);
      } catch (error) {
        // A full disk, or a damaged segment: the segments stay as they are, and can be played.
        log.warn({ err: error, tape: name }, "orphaned live tape not finished, retrying in a minute");
        this.#retryAt.set(id, performance.now() + retryMs);
      }
    }
    return finished;
  }

  /** Begins to do so, unless it is at it: a long tape takes minutes, and a round of maintenance has more to do. */
  startFinishing(): void {
    this.#finishing ??= this.finishOrphans()
      .then(() => undefined)
      .catch((error: unknown) => {
        this.#options.log.warn({ err: error }, "orphaned live tapes not found; the next round repeats it");
      })
      .finally(() => {
        this.#finishing = undefined;
      });
  }

  /** The feed has another tape or none, and no writer can still be storing a segment of this one. */
  async #isOrphan(id: string): Promise<boolean> {
    const feed = parseLiveTapeId(id);
    if (feed === undefined) return false;
    const { record } = await this.#feeds.read(feed);
    if (record?.tape === tapeName(id, 1)) return false;
    const segments = this.#options.store.segments(id);
    const last = contiguousSegments(await segments.ids()).at(-1);
    if (last === undefined) return true;
    const { created_at } = await readManifest(segments, last.id, 1);
    return Date.now() - Date.parse(created_at) >= (this.#options.orphanAfterMs ?? defaultOrphanMs);
  }

  async #removeObsolete(
    feed: LiveInstrument,
    at: { claim: number | undefined; demandedUntil: WallMs; now: WallMs; lingering: boolean },
  ): Promise<void> {
    if (at.lingering) await this.#feeds.dropLingering(feed);
    // A writer that is claiming the feed right now has just added it.
    if (at.claim !== undefined && at.now - at.claim > obsoleteMs) await this.#feeds.dropClaim(feed, at.claim);
    if (at.demandedUntil > 0 && at.now - at.demandedUntil > obsoleteMs) {
      await this.#feeds.dropDemand(feed, at.now - obsoleteMs);
    }
  }
}

function summaryOf(
  feed: LiveInstrument,
  record: FeedRecord | undefined,
  { demandedUntil, lingeringUntil }: { readonly demandedUntil: WallMs; readonly lingeringUntil: WallMs },
  now: WallMs,
): FeedSummary {
  const state = record === undefined ? unclaimedFeed(feed, now) : feedStateOf(record, now);
  const demanded = demandedUntil > now;
  const lingering = demanded && lingeringUntil >= demandedUntil;
  return { state, demandedUntil, demanded, lingering, claimed: isClaimed(state, now), lastSeq: record?.lastSeq ?? -1 };
}
