import type { WallMs } from "@tapedeck/protocol";
import type { Logger, RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import { readManifest, type TapeStore, tapeName } from "@tapedeck/tape";
import { type FeedRecord, feedStateOf, unclaimedFeed } from "../feed-store/feed-record.js";
import { type FeedState, isClaimed } from "../feed-store/feed-state.js";
import { FeedStore, parseFeedName } from "../feed-store/feed-store.js";
import { type LiveInstrument, parseLiveTapeId } from "../feed-store/live-tape-id.js";
import { finishTape } from "../segments/finish-tape.js";
import { contiguousSegments } from "../segments/segment-name.js";
import { isShort, removeTape, tapesInUse } from "./short-tapes.js";

/** A feed as upkeep looks at it. */
export interface FeedSummary {
  readonly state: FeedState;
  /** On Redis's clock; 0 where nobody has wanted it for long. */
  readonly demandedUntil: WallMs;
  readonly demanded: boolean;
  /** Wanted only because somebody may come back: all who asked for it have left it. */
  readonly lingering: boolean;
  /** A writer holds it and lives. */
  readonly claimed: boolean;
}

export interface LiveMaintenanceOptions {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly store: TapeStore;
  readonly log: Logger;
  /** Parts younger than this may be followed by another one of a writer that has lost its feed; 2 minutes by default. */
  readonly orphanAfterMs?: number;
  /** A tape of fewer seconds is not kept when its feed ends; 0, the default, keeps all. */
  readonly keepSeconds?: number;
}

const defaultOrphanMs = 120_000;
/** A tape that could not be finished is tried again after this long. */
const retryMs = 60_000;
/** Nobody asks any more when a feed was wanted that nobody wants. */
const forgottenMs = 3_600_000;
/** How long a venue's list of instruments is believed, and after which time it is asked for again. */
const listGoodMs = 3_600_000;
const listAnewMs = 900_000;

/** What has to be looked after now and then, by any node that runs feeds. Nothing here needs a claim. */
export class LiveMaintenance {
  readonly #options: LiveMaintenanceOptions;
  readonly #feeds: FeedStore;
  /** Tapes that could not be finished, and when that is tried again. */
  readonly #notBefore = new Map<string, number>();
  /** Short tapes that a session stood on when they were left, and until when that is waited for. */
  readonly #stoodOn = new Map<string, number>();

  constructor(options: LiveMaintenanceOptions) {
    this.#options = options;
    this.#feeds = new FeedStore(options.redis, options.keys);
  }

  /** One feed: with `state.rev` 0 and `wantedUntil` 0 where there is nothing of it. */
  async inspect(source: string, symbol: string): Promise<FeedSummary> {
    const feed = { source, symbol };
    const [wantedUntil, leftUntil, { record, now }] = await Promise.all([
      this.#feeds.demandedUntil(feed),
      this.#feeds.lingeringUntil(feed),
      this.#feeds.read(feed),
    ]);
    return summaryOf(feed, record, { demandedUntil: wantedUntil, lingeringUntil: leftUntil }, now);
  }

  /** All feeds that are wanted, or have something in Redis. Indexes are tidied on the way. */
  async inspectAll(): Promise<FeedSummary[]> {
    const wanted = await this.#feeds.wanted();
    const claimed = await this.#feeds.claimed();
    const left = await this.#feeds.lingering();
    const standings = [...new Set([...wanted.keys(), ...claimed.keys()])].map(async (name) => {
      const feed = parseFeedName(name);
      const { record, now } = await this.#feeds.read(feed);
      const wantedUntil = wanted.get(name) ?? 0;
      if (record === undefined && wantedUntil <= now) {
        await this.#tidy(name, { claim: claimed.get(name), wantedUntil, now, left: left.has(name) });
        return [];
      }
      return [summaryOf(feed, record, { demandedUntil: wantedUntil, lingeringUntil: left.get(name) ?? 0 }, now)];
    });
    return (await Promise.all(standings)).flat();
  }

  /** Forgets that a feed was wanted by those who have left it. @returns whether nobody wants it now */
  async dropLingering(source: string, symbol: string): Promise<boolean> {
    return await this.#feeds.dropLingering({ source, symbol });
  }

  /** Venues of which somebody wants something, and whose list of instruments is missing or old. */
  async sourcesWithOldLists(): Promise<string[]> {
    const sources = new Set([...(await this.#feeds.wanted()).keys()].map((name) => parseFeedName(name).source));
    const old = [...sources].map(async (source) =>
      (await this.#feeds.symbolListTtlMs(source)) > listGoodMs - listAnewMs ? [] : [source],
    );
    return (await Promise.all(old)).flat();
  }

  /** The symbols that a venue lists from now on; others are refused. */
  async storeSymbols(source: string, symbols: readonly string[]): Promise<void> {
    await this.#feeds.storeSymbols(source, symbols, listGoodMs);
  }

  /** Whether the tape that a feed makes is too short to be kept. */
  async isShort(source: string, symbol: string): Promise<boolean> {
    const { keepSeconds = 0 } = this.#options;
    if (keepSeconds === 0) return false;
    const { record } = await this.#feeds.read({ source, symbol });
    return record !== undefined && (await isShort(this.#feeds, record, keepSeconds));
  }

  /**
   * Removes the tapes that nobody kept watching: feeds that nobody wants or holds have left them, they are short, and no session
   * stands on them. One that a session stands on is looked at again for as long as a tape has to be to be kept: a session that goes
   * from market to market stands on each for a moment. Resolves to the names of those that are removed or looked at again.
   */
  async removeShortTapes(standings: readonly FeedSummary[]): Promise<ReadonlySet<string>> {
    const { store, log, keepSeconds = 0 } = this.#options;
    const settled = new Set<string>();
    if (keepSeconds === 0) return settled;
    const short: FeedRecord[] = [];
    for (const { state, demanded, claimed } of standings) {
      if (demanded || claimed || state.tape === "") continue;
      const { record } = await this.#feeds.read(state);
      if (record?.owner === "" && (await isShort(this.#feeds, record, keepSeconds))) short.push(record);
    }
    for (const tape of this.#stoodOn.keys())
      if (!short.some((record) => record.tape === tape)) this.#stoodOn.delete(tape);
    if (short.length === 0) return settled;
    const inUse = await tapesInUse(this.#feeds);
    for (const record of short) {
      if (inUse.has(record.tape)) {
        if (this.#isAwaited(record.tape, keepSeconds * 1000)) settled.add(record.tape);
      } else if (await removeTape(this.#feeds, store, record)) {
        log.debug({ tape: record.tape, frames: record.lastSeq + 1 }, "a tape that nobody kept watching is removed");
        settled.add(record.tape);
      }
    }
    return settled;
  }

  #isAwaited(tape: string, ms: number): boolean {
    const now = performance.now();
    const until = this.#stoodOn.get(tape) ?? now + ms;
    this.#stoodOn.set(tape, until);
    return now < until;
  }

  /**
   * Makes ordinary tapes of parts that no feed goes on with: a feed has ended, or Redis has lost its tape. Resolves to their names.
   * Safe to do anywhere at any time. A tape that cannot be finished is left for the next time.
   */
  async finishOrphans(): Promise<string[]> {
    const { store, log } = this.#options;
    const finished: string[] = [];
    const there = await store.tapesWithSegments();
    for (const id of this.#notBefore.keys()) if (!there.includes(id)) this.#notBefore.delete(id);
    for (const id of there) {
      const name = tapeName(id, 1);
      if (performance.now() < (this.#notBefore.get(id) ?? 0)) continue;
      try {
        if ((await this.#isOrphan(id)) && (await finishTape(store, name))) finished.push(name);
      } catch (error) {
        // A full disk, or a damaged part: what there is stays as it is, and can be played.
        log.warn({ err: error, tape: name }, "live tape without a feed not finished, trying again in a minute");
        this.#notBefore.set(id, performance.now() + retryMs);
      }
    }
    return finished;
  }

  /** Its feed has another tape or none, and all that was on its way to the store has had time to get there. */
  async #isOrphan(id: string): Promise<boolean> {
    const feed = parseLiveTapeId(id);
    if (feed === undefined) return false;
    const { record } = await this.#feeds.read(feed);
    if (record?.tape === tapeName(id, 1)) return false;
    const parts = this.#options.store.segments(id);
    const last = contiguousSegments(await parts.ids()).at(-1);
    if (last === undefined) return true;
    const { created_at } = await readManifest(parts, last.id, 1);
    return Date.now() - Date.parse(created_at) >= (this.#options.orphanAfterMs ?? defaultOrphanMs);
  }

  async #tidy(
    name: string,
    at: { claim: number | undefined; wantedUntil: WallMs; now: WallMs; left: boolean },
  ): Promise<void> {
    const feed = parseFeedName(name);
    if (at.left) await this.#feeds.dropLingering(feed);
    // Whoever claims it at this moment has put it there just now.
    if (at.claim !== undefined && at.now - at.claim > forgottenMs) await this.#feeds.dropClaim(feed, at.claim);
    if (at.wantedUntil > 0 && at.now - at.wantedUntil > forgottenMs)
      await this.#feeds.dropDemand(feed, at.now - forgottenMs);
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
  return {
    state,
    demandedUntil,
    demanded,
    lingering: demanded && lingeringUntil >= demandedUntil,
    claimed: isClaimed(state, now),
  };
}
