import type { WallMs } from "@tapedeck/protocol";
import type { RedisConnection } from "@tapedeck/runtime";
import { type FeedUser, flattenHash, type Keys, orUnavailable, unflattenHash } from "@tapedeck/sessions";
import type { EventBatch } from "../track/event-batches.js";
import { decodeFeedRecord, type FeedRecord, noTape, tapeFields } from "./feed-record.js";
import type { LiveInstrument } from "./live-tape-id.js";
import { defineLiveScripts } from "./scripts/scripts.js";

/** The member that stands for a feed in sorted sets: `SOURCE:SYMBOL`. */
export function feedNameOf({ source, symbol }: LiveInstrument): string {
  return `${source}:${symbol}`;
}

export function parseFeedName(name: string): LiveInstrument {
  const at = name.indexOf(":");
  return { source: name.slice(0, at), symbol: name.slice(at + 1) };
}

/** How long a request lasts, and how many feeds one owner may request: at a time, and newly started ones in a period. */
export interface DemandLimits {
  readonly lingerMs: number;
  readonly maxFeeds?: number | undefined;
  readonly newFeeds?: { readonly points: number; readonly seconds: number } | undefined;
}

/** The reply to a request; `waitMs` is the time until the owner may start another feed. */
export type DemandOutcome = "accepted" | "too many" | "not listed" | { readonly waitMs: number };

/** The condition of a change: who holds the claim, or the present revision (0: there is no hash). */
interface Expected {
  readonly owner?: string;
  readonly rev?: number;
}

/** Releases that know nothing of events remove a feed without them: then they go a day later. */
const eventsTtlMs = 86_400_000;

/** The feeds' hashes in Redis, and their demand. Rejects with `UNAVAILABLE` while Redis is away. */
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

  /** Changes the hash and publishes it to all followers, unless it is not as expected (`other`) or gone. */
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
   * Ends the feed's tape: its writer's next frame is refused as `lost`, and the writer begins another tape. Nothing changes if the
   * feed is not as expected.
   */
  clearTape(feed: LiveInstrument, expected: Expected, after: "clear" | "remove" = "clear") {
    return this.change(feed, expected, tapeFields(noTape), after);
  }

  /** Appends a batch of events to the feed's track. `other`: another writer has claimed the feed; `gone`: Redis lost the tape. */
  async appendEvents(
    { source, symbol }: LiveInstrument,
    {
      owner,
      tape,
      firstN,
      nextN,
      text,
      keepFrom,
      through,
    }: EventBatch & { readonly owner: string; readonly tape: string },
  ): Promise<"appended" | "other" | "gone"> {
    const [events, feed] = [this.keys.liveEvents(source, symbol), this.keys.liveTape(source, symbol)];
    const reply = await orUnavailable(
      this.redis.liveEvents(events, feed, owner, tape, firstN, nextN, text, keepFrom, eventsTtlMs, through),
    );
    return reply > 0 ? "appended" : reply === 0 ? "other" : "gone";
  }

  /** Removes the events of the feed's tape, which is stored. */
  async removeEvents({ source, symbol }: LiveInstrument): Promise<void> {
    await orUnavailable(this.redis.del(this.keys.liveEvents(source, symbol)));
  }

  /** Keeps other processes from finishing a tape of the feed for this long. @returns whether none of them is at it */
  async beginFinishing({ source, symbol }: LiveInstrument, node: string, forMs: number): Promise<boolean> {
    const key = this.keys.liveFinishing(source, symbol);
    return (await orUnavailable(this.redis.set(key, node, "PX", forMs, "NX"))) === "OK";
  }

  async keepFinishing({ source, symbol }: LiveInstrument, forMs: number): Promise<void> {
    await orUnavailable(this.redis.pexpire(this.keys.liveFinishing(source, symbol), forMs));
  }

  async endFinishing({ source, symbol }: LiveInstrument): Promise<void> {
    await orUnavailable(this.redis.del(this.keys.liveFinishing(source, symbol)));
  }

  /** Requests a feed for a session for the linger time from now. The session's former request is released. */
  async request(
    feed: LiveInstrument,
    { session, owner }: FeedUser,
    { lingerMs, maxFeeds = 0, newFeeds = { points: 0, seconds: 0 } }: DemandLimits,
  ): Promise<DemandOutcome> {
    const { liveWanted, liveLeft, ...keys } = this.keys;
    const name = feedNameOf(feed);
    const reply = await orUnavailable(
      this.redis.liveRequest(
        liveWanted,
        liveLeft,
        keys.liveDemandsOf(owner),
        keys.liveDemandsFor(name),
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
    if (reply <= -2) return { waitMs: -2 - reply };
    return reply === 1 ? "accepted" : reply === 0 ? "too many" : "not listed";
  }

  /** Releases the session's request, unless it was renewed to last longer than `until`. */
  async release({ session, owner }: FeedUser, until?: WallMs): Promise<void> {
    const { liveWanted, liveLeft, ...keys } = this.keys;
    const [demandsOf, demandsFor] = [keys.liveDemandsOf(owner), keys.liveDemandsFor("")];
    await orUnavailable(this.redis.liveRelease(liveWanted, liveLeft, demandsOf, demandsFor, session, until ?? ""));
  }

  /** Removes the demand of a feed that only lingers. @returns whether the feed is out of demand now */
  async dropLingering(feed: LiveInstrument): Promise<boolean> {
    return (
      (await orUnavailable(
        this.redis.liveDropLingering(this.keys.liveWanted, this.keys.liveLeft, feedNameOf(feed)),
      )) === 1
    );
  }

  /** Feeds whose last request was released, with the time until which they linger. */
  async lingering(): Promise<Map<string, WallMs>> {
    return scores(await orUnavailable(this.redis.zrange(this.keys.liveLeft, "0", "-1", "WITHSCORES")));
  }

  /** Stores the symbols that a venue lists, for `forMs`. */
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

  /** How long a venue's symbol list stays valid, in ms; 0 or less without one. */
  async symbolListTtlMs(source: string): Promise<number> {
    return await orUnavailable(this.redis.pttl(this.keys.liveListed(source)));
  }

  /** Adds a feed to the index of feeds with a hash, which maintenance and listings read. */
  async noteClaim(feed: LiveInstrument, claim: number): Promise<void> {
    await orUnavailable(this.redis.zadd(this.keys.liveFeeds, "GT", claim, feedNameOf(feed)));
  }

  /** Removes a feed from that index, unless it was claimed since. */
  async dropClaim(feed: LiveInstrument, claim: number): Promise<void> {
    const { record } = await this.read(feed);
    if (record === undefined || (record.claim === claim && record.owner === "" && record.tape === "")) {
      await orUnavailable(this.redis.zrem(this.keys.liveFeeds, feedNameOf(feed)));
    }
  }

  /** Until when the feed is in demand, on Redis's clock; 0 without recent demand. */
  async demandedUntil(feed: LiveInstrument): Promise<WallMs> {
    return Number((await orUnavailable(this.redis.zscore(this.keys.liveWanted, feedNameOf(feed)))) ?? 0);
  }

  /** Until when the feed lingers after its last request was released; 0 while a session requests it. */
  async lingeringUntil(feed: LiveInstrument): Promise<WallMs> {
    return Number((await orUnavailable(this.redis.zscore(this.keys.liveLeft, feedNameOf(feed)))) ?? 0);
  }

  /** Removes old demand, unless the feed was requested for longer since. */
  async dropDemand(feed: LiveInstrument, demandedUntil: WallMs): Promise<void> {
    if ((await this.demandedUntil(feed)) > demandedUntil) return;
    await orUnavailable(this.redis.zrem(this.keys.liveWanted, feedNameOf(feed)));
  }

  /** Feeds with the time until which they are in demand; expired ones too. */
  async demanded(): Promise<Map<string, WallMs>> {
    return scores(await orUnavailable(this.redis.zrange(this.keys.liveWanted, "0", "-1", "WITHSCORES")));
  }

  /** Feeds that have a hash, or had one recently, with their last claim. */
  async claimed(): Promise<Map<string, WallMs>> {
    return scores(await orUnavailable(this.redis.zrange(this.keys.liveFeeds, "0", "-1", "WITHSCORES")));
  }
}

function scores(flat: readonly string[]): Map<string, WallMs> {
  return new Map(Object.entries(unflattenHash(flat)).map(([name, score]) => [name, Number(score)]));
}
