import type { WallMs } from "@tapedeck/protocol";
import type { RedisConnection } from "@tapedeck/runtime";
import { type FeedUser, flattenHash, type Keys, orUnavailable, unflattenHash } from "@tapedeck/sessions";
import { decodeFeedRecord, type FeedRecord } from "./feed-record.js";
import type { LiveInstrument } from "./live-tape-id.js";
import { defineLiveScripts } from "./scripts/scripts.js";

/** How a feed is named in sorted sets. */
export function feedNameOf({ source, symbol }: LiveInstrument): string {
  return `${source}:${symbol}`;
}

export function parseFeedName(name: string): LiveInstrument {
  const at = name.indexOf(":");
  return { source: name.slice(0, at), symbol: name.slice(at + 1) };
}

/** How long a wish holds, and how many one owner has: at a time, and of feeds that nobody wanted before, in a period. */
export interface DemandLimits {
  readonly lingerMs: number;
  readonly maxFeeds?: number | undefined;
  readonly newFeeds?: { readonly points: number; readonly seconds: number } | undefined;
}

/** What became of a wish; `waitMs` until its owner may have another feed begun. */
export type DemandOutcome = "wanted" | "too many" | "not listed" | { readonly waitMs: number };

/** What a change needs to find: who has to hold the feed, or which revision has to be the newest (0: there is no hash). */
export interface Expected {
  readonly owner?: string;
  readonly rev?: number;
}

/** The hashes of feeds in Redis, and who wants them. Rejects with `UNAVAILABLE` while Redis is away. */
export class FeedStore {
  readonly redis: RedisConnection;
  readonly keys: Keys;

  constructor(redis: RedisConnection, keys: Keys) {
    this.redis = defineLiveScripts(redis);
    this.keys = keys;
  }

  async read({ source, symbol }: LiveInstrument): Promise<{ record: FeedRecord | undefined; now: WallMs }> {
    const [fields, time] = await orUnavailable(this.redis.liveRead(this.keys.liveTape(source, symbol)));
    const now = Number(time[0]) * 1000 + Number(time[1]) / 1000;
    return { record: decodeFeedRecord(unflattenHash(fields)), now };
  }

  /** Changes the hash and tells all who follow. Nothing is changed where it is not as expected, or gone. */
  async change(
    { source, symbol }: LiveInstrument,
    { owner = "", rev }: Expected,
    fields: Readonly<Record<string, string | number>>,
    after: "" | "clear" | "remove" = "",
  ): Promise<FeedRecord | "other" | "gone"> {
    const { keys } = this;
    const changed = await orUnavailable(
      this.redis.liveChange(
        keys.live(source, symbol),
        keys.liveTape(source, symbol),
        owner,
        rev ?? "",
        after,
        ...flattenHash(fields),
      ),
    );
    if (changed === 0) return "other";
    return (changed !== -1 && decodeFeedRecord(unflattenHash(changed))) || "gone";
  }

  /**
   * Has a feed wanted for some time from now, on behalf of a session, which leaves what it wanted before. Not where the venue lists
   * no such symbol, the owner wants as many others as it may, or has had too many begun: then for so many ms.
   */
  async request(
    feed: LiveInstrument,
    { session, owner }: FeedUser,
    { lingerMs, maxFeeds = 0, newFeeds = { points: 0, seconds: 0 } }: DemandLimits,
  ): Promise<DemandOutcome> {
    const { liveWanted, liveLeft, ...keys } = this.keys;
    const name = feedNameOf(feed);
    const demanded = await orUnavailable(
      this.redis.liveWant(
        liveWanted,
        liveLeft,
        keys.liveWishesOf(owner),
        keys.liveWishesFor(name),
        keys.liveListed(feed.source),
        keys.liveBegun(owner),
        name,
        feed.symbol,
        session,
        lingerMs,
        maxFeeds,
        newFeeds.points,
        newFeeds.seconds * 1000,
      ),
    );
    if (demanded <= -2) return { waitMs: -2 - demanded };
    return demanded === 1 ? "wanted" : demanded === 0 ? "too many" : "not listed";
  }

  /** The session wants no feed any more, unless it has wanted one for longer than `until`. */
  async release({ session, owner }: FeedUser, until?: WallMs): Promise<void> {
    const { liveWanted, liveLeft, ...keys } = this.keys;
    const [wishesOf, wishesFor] = [keys.liveWishesOf(owner), keys.liveWishesFor("")];
    await orUnavailable(this.redis.liveLeave(liveWanted, liveLeft, wishesOf, wishesFor, session, until ?? ""));
  }

  /** Forgets a wish that was left. @returns whether nobody wants the feed now */
  async dropLingering(feed: LiveInstrument): Promise<boolean> {
    return (await orUnavailable(this.redis.liveDrop(this.keys.liveWanted, this.keys.liveLeft, feedNameOf(feed)))) === 1;
  }

  /** Feeds that nobody asks for any more, by the time until which they were wanted then. */
  async lingering(): Promise<Map<string, WallMs>> {
    return scores(await orUnavailable(this.redis.zrange(this.keys.liveLeft, "0", "-1", "WITHSCORES")));
  }

  /** The symbols that a venue lists; the list is good for some time. */
  async storeSymbols(source: string, symbols: readonly string[], forMs: number): Promise<void> {
    const key = this.keys.liveListed(source);
    await orUnavailable(
      this.redis
        .multi()
        .del(key)
        .sadd(key, ...symbols)
        .pexpire(key, forMs)
        .exec(),
    );
  }

  /** How long a venue's list is still good for, in ms; 0 or less without one. */
  async symbolListTtlMs(source: string): Promise<number> {
    return await orUnavailable(this.redis.pttl(this.keys.liveListed(source)));
  }

  /** Notes that a feed is claimed, where upkeep and listings look for those that have a hash. */
  async noteClaim(feed: LiveInstrument, claim: number): Promise<void> {
    await orUnavailable(this.redis.zadd(this.keys.liveFeeds, "GT", claim, feedNameOf(feed)));
  }

  /** Takes a feed from the index, unless it was claimed since. */
  async dropClaim(feed: LiveInstrument, claim: number): Promise<void> {
    const { record } = await this.read(feed);
    if (record === undefined || (record.claim === claim && record.owner === "" && record.tape === "")) {
      await orUnavailable(this.redis.zrem(this.keys.liveFeeds, feedNameOf(feed)));
    }
  }

  /** Until when somebody wants the feed, on Redis's clock; 0 where nobody has for long. */
  async demandedUntil(feed: LiveInstrument): Promise<WallMs> {
    return Number((await orUnavailable(this.redis.zscore(this.keys.liveWanted, feedNameOf(feed)))) ?? 0);
  }

  /** Until when it was wanted when the last one who asked for it left it; 0 where it has not been left. */
  async lingeringUntil(feed: LiveInstrument): Promise<WallMs> {
    return Number((await orUnavailable(this.redis.zscore(this.keys.liveLeft, feedNameOf(feed)))) ?? 0);
  }

  /** Forgets that a feed was wanted, unless it was wanted for longer since. */
  async dropDemand(feed: LiveInstrument, wantedUntil: WallMs): Promise<void> {
    if ((await this.demandedUntil(feed)) > wantedUntil) return;
    await orUnavailable(this.redis.zrem(this.keys.liveWanted, feedNameOf(feed)));
  }

  /** Feeds by the time until which they are wanted; those of long ago too. */
  async wanted(): Promise<Map<string, WallMs>> {
    return scores(await orUnavailable(this.redis.zrange(this.keys.liveWanted, "0", "-1", "WITHSCORES")));
  }

  /** Feeds that have a hash, or had one a moment ago, by their last claim. */
  async claimed(): Promise<Map<string, WallMs>> {
    return scores(await orUnavailable(this.redis.zrange(this.keys.liveFeeds, "0", "-1", "WITHSCORES")));
  }
}

function scores(flat: readonly string[]): Map<string, WallMs> {
  return new Map(Object.entries(unflattenHash(flat)).map(([name, score]) => [name, Number(score)]));
}
