import type { FeedStatus, TapeView, WallMs } from "@tapedeck/protocol";
import {
  interval,
  type Logger,
  onMessage,
  onReconnect,
  type RedisConnection,
  subscribe,
  unsubscribe,
  untilResubscribed,
} from "@tapedeck/runtime";
import type { FeedUser, Keys, SessionRecord } from "@tapedeck/sessions";
import { type BlockCache, parseTapeName, type TapeStore, tapeName, type UnfinishedTapes } from "@tapedeck/tape";
import { demandRefusal } from "../feed-store/demand.js";
import { FeedQueue } from "../feed-store/feed-queue.js";
import { type FeedState, feedStateOf, isClaimed, unclaimedFeed } from "../feed-store/feed-state.js";
import { FeedStore, parseFeedName } from "../feed-store/feed-store.js";
import { type LiveInstrument, parseLiveTapeId } from "../feed-store/live-tape-id.js";
import type { GrowingTape } from "../growing-tape/growing-tape.js";
import { EndedTapes } from "./ended-tapes.js";
import type { FeedListener } from "./feed-listeners.js";
import { Follower } from "./follower.js";
import { ListedTapes } from "./listed-tapes.js";

export interface LiveTapesOptions {
  /** For commands; see `RedisPurpose`. */
  readonly redis: RedisConnection;
  /** May be shared with others: messages of other channels are left alone. */
  readonly subscriber: RedisConnection;
  readonly keys: Keys;
  readonly store: TapeStore;
  /** Shared with the `TapeCatalog` of the process. */
  readonly cache: BlockCache;
  readonly log: Logger;
  /** How long a request for a feed lasts; 60 s by default. */
  readonly lingerMs?: number;
  /** Instruments that the sessions of one user, or one address, may request at a time; absent: any number. */
  readonly instrumentsPerUser?: number | undefined;
  /** Instruments out of demand that they may start in a period; absent: any number. */
  readonly instrumentStarts?: { readonly points: number; readonly seconds: number } | undefined;
  /** How long a feed without listeners is still followed; 60 s by default. */
  readonly idleMs?: number;
}

const defaultLingerMs = 60_000;
const defaultIdleMs = 60_000;
/** Wait after a failed subscription. */
const retryMs = 1000;

/** Live tapes in one process: at most one subscription per feed, however many listeners and open tapes it has. */
export class LiveTapes implements UnfinishedTapes {
  readonly #options: LiveTapesOptions;
  readonly #feeds: FeedStore;
  readonly #subscriber: RedisConnection;
  readonly #log: Logger;
  /** Subscribed followers, by channel. */
  readonly #subscribed = new Map<string, Follower>();
  /** Unsubscribed ones, as long as their tape is in use. */
  readonly #idle = new Map<string, WeakRef<Follower>>();
  readonly #ended: EndedTapes;
  readonly #listed: ListedTapes;
  readonly #stops: readonly (() => void)[];
  #queue: FeedQueue | undefined;
  #closed = false;

  constructor(options: LiveTapesOptions) {
    const { redis, subscriber, keys, log, idleMs = defaultIdleMs } = options;
    this.#options = options;
    this.#feeds = new FeedStore(redis, keys);
    this.#listed = new ListedTapes(this.#feeds, options.store);
    this.#ended = new EndedTapes(this.#feeds, options.store, options.cache);
    this.#subscriber = subscriber;
    this.#log = log;
    this.#stops = [
      onMessage(subscriber, this.#onMessage),
      onReconnect(subscriber, this.#onReconnect),
      interval(() => this.#unsubscribeIdle(idleMs), Math.min(idleMs, 10_000)),
    ];
  }

  /** The state of a feed: from memory if it is followed here, else from Redis; with `fresh` always from Redis. Undefined: no such feed. */
  async status(source: string, symbol: string, { fresh = false } = {}): Promise<FeedState | undefined> {
    const follower = this.#subscribed.get(this.#options.keys.live(source, symbol));
    const state = follower?.listeners.state;
    if (!fresh && follower?.synced && state !== undefined) return state.rev === 0 ? undefined : state;
    const { record, now } = await this.#feeds.read({ source, symbol });
    return record && feedStateOf(record, now);
  }

  /** `id@1` of the feed's growing tape, from Redis; empty without one. */
  async tapeOf(source: string, symbol: string): Promise<string> {
    return (await this.status(source, symbol, { fresh: true }))?.tape ?? "";
  }

  /** All feeds that are in demand now. An unclaimed feed is `connecting`. */
  async feedsInDemand(): Promise<FeedState[]> {
    const demanded = [...(await this.#feeds.demanded())];
    const states = demanded.map(async ([name, untilMs]) => {
      const feed = parseFeedName(name);
      const { record, now } = await this.#feeds.read(feed);
      if (untilMs <= now) return [];
      return [record === undefined ? unclaimedFeed(feed, now) : feedStateOf(record, now)];
    });
    return (await Promise.all(states)).flat();
  }

  /**
   * Requests a feed for a session for the linger time from now, and a worker if none has claimed the feed. Rejects with
   * `INVALID_VALUE` for a symbol that the venue does not list, with `TOO_MANY_INSTRUMENTS`, `TOO_MANY_REQUESTS` and `UNAVAILABLE`.
   */
  async requestFeed(source: string, symbol: string, user: FeedUser): Promise<void> {
    const { redis, keys } = this.#options;
    const feed = { source, symbol };
    await this.renewFeed(source, symbol, user);
    const { record, now } = await this.#feeds.read(feed);
    if (record !== undefined && isClaimed(feedStateOf(record), now)) return;
    this.#queue ??= new FeedQueue({
      redis,
      keys,
      onError: (error) => this.#log.debug({ err: error }, "feed queue"),
    });
    await this.#queue.requestWorker(feed, record?.rev ?? 0);
  }

  /** Renews the session's request. Requests no worker: maintenance does, if none has the feed. */
  async renewFeed(source: string, symbol: string, user: FeedUser): Promise<void> {
    const { lingerMs = defaultLingerMs, instrumentsPerUser: maxFeeds, instrumentStarts: newFeeds } = this.#options;
    const limits = { lingerMs, maxFeeds, newFeeds };
    const refusal = demandRefusal(
      await this.#feeds.request({ source, symbol }, user, limits),
      { source, symbol },
      limits,
    );
    if (refusal !== undefined) throw refusal;
  }

  /** Releases the session's request, unless it was renewed after `since` (on Redis's clock). */
  async releaseFeed(user: FeedUser, since?: WallMs): Promise<void> {
    const { lingerMs = defaultLingerMs } = this.#options;
    await this.#feeds.release(user, since === undefined ? undefined : Math.ceil(since) + lingerMs);
  }

  /** Follows a feed until the returned function is called. */
  follow(source: string, symbol: string, listener: FeedListener): () => void {
    const follower = this.#follower({ source, symbol });
    follower.listeners.add(listener);
    return () => {
      follower.listeners.remove(listener);
      follower.usedAt = performance.now();
    };
  }

  isLive(name: string): boolean {
    return parseLiveTapeId(name) !== undefined;
  }

  /**
   * The unfinished tape of this name, brought up to date: the same object as long as this process has it. Undefined if it is finished
   * or unknown. Rejects with `UNAVAILABLE`.
   */
  async open(name: string): Promise<GrowingTape | undefined> {
    const feed = parseLiveTapeId(name);
    if (feed === undefined) return undefined;
    const { store } = this.#options;
    const { id, version = 1 } = parseTapeName(name);
    const full = tapeName(id, version);
    const follower = this.#subscribed.get(this.#options.keys.live(feed.source, feed.symbol));
    if (follower?.tape?.id !== full) {
      const ended = await this.#ended.get(full);
      if (ended !== undefined) return ended;
      if ((await store.versions(id)).includes(version)) return undefined;
      const { record } = await this.#feeds.read(feed);
      if (record?.tape !== full) return this.#ended.openOrphan(feed, full);
    }
    const followed = this.#follower(feed);
    await followed.sync();
    return followed.tape?.id === full ? followed.tape : await this.#ended.get(full);
  }

  /**
   * The growing tapes. For those that this process does not follow, trades, events, gaps and bytes count as far as they are stored.
   * A tape without demand and claim is not listed: it will be finished or removed soon.
   */
  async list(): Promise<TapeView[]> {
    const demanded = await this.#feeds.demanded();
    const views = [...(await this.#feeds.claimed()).keys()].map(async (name) => {
      const feed = parseFeedName(name);
      const { record, now } = await this.#feeds.read(feed);
      if (record === undefined || record.tape === "" || record.lastSeq < 0) return [];
      if (record.owner === "" && (demanded.get(name) ?? 0) <= now) return [];
      const follower = this.#subscribed.get(this.#options.keys.live(feed.source, feed.symbol));
      if (follower?.tape !== undefined) {
        await follower.sync();
        if (follower.tape !== undefined) return [await follower.tape.listed()];
      }
      return [(await this.#listed.view(record)) ?? []].flat();
    });
    return (await Promise.all(views)).flat().sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
  }

  /** Number of subscribed channels. */
  get subscriptions(): number {
    return this.#subscribed.size;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const stop of this.#stops) stop();
    const channels = [...this.#subscribed.keys()];
    for (const follower of this.#subscribed.values()) follower.markStale();
    this.#subscribed.clear();
    // Without a connection there is nothing to unsubscribe from.
    if (channels.length > 0) await unsubscribe(this.#subscriber, ...channels).catch(() => undefined);
    await this.#queue?.close();
  }

  #follower(feed: LiveInstrument): Follower {
    const channel = this.#options.keys.live(feed.source, feed.symbol);
    const subscribed = this.#subscribed.get(channel);
    if (subscribed !== undefined) {
      subscribed.usedAt = performance.now();
      return subscribed;
    }
    const { store, cache, log } = this.#options;
    const follower =
      this.#idle.get(channel)?.deref() ??
      new Follower(feed, channel, {
        feeds: this.#feeds,
        store,
        cache,
        log,
        subscribe: (idle) => this.#activate(idle),
        tapeEnded: (tape) => this.#ended.add(tape),
      });
    this.#activate(follower);
    return follower;
  }

  #activate(follower: Follower): void {
    follower.usedAt = performance.now();
    if (this.#closed || this.#subscribed.has(follower.channel)) return;
    this.#idle.delete(follower.channel);
    this.#subscribed.set(follower.channel, follower);
    this.#subscribe(follower);
  }

  #subscribe(follower: Follower): void {
    const isWanted = (): boolean => this.#subscribed.get(follower.channel) === follower;
    subscribe(this.#subscriber, follower.channel).then(
      () => {
        // Redis may confirm so late that the feed was given up meanwhile: a follower that hears of no change must not count as in sync.
        if (isWanted()) follower.syncLater();
      },
      () => {
        // The connection is closed for good; or a master of a Cluster is away and has no successor yet.
        const retry = (): void => {
          if (isWanted()) this.#subscribe(follower);
        };
        setTimeout(retry, retryMs).unref();
      },
    );
  }

  // HOT: once per message of the subscriber connection, which may be shared.
  readonly #onMessage = (channel: Buffer, message: Buffer): void => {
    if (this.#subscribed.size === 0) return;
    this.#subscribed.get(channel.toString("latin1"))?.receive(message);
  };

  /** Subscribes again to all channels, then reads all feeds again: messages were missed. */
  readonly #onReconnect = (): void => {
    const followers = [...this.#subscribed.values()];
    for (const follower of followers) follower.markStale();
    untilResubscribed(
      this.#subscriber,
      followers.map(({ channel }) => channel),
    ).then(
      () => followers.forEach((follower) => void follower.syncLater()),
      (error: unknown) => this.#log.warn({ err: error }, "not subscribed again after a reconnection"), // the connection broke once more
    );
  };

  /** Unsubscribes from feeds without listeners. */
  #unsubscribeIdle(idleMs: number): void {
    const idleSince = performance.now() - idleMs;
    for (const [channel, follower] of this.#subscribed) {
      if (follower.hasListeners || follower.usedAt > idleSince) continue;
      this.#subscribed.delete(channel);
      this.#idle.set(channel, new WeakRef(follower));
      follower.markStale();
      unsubscribe(this.#subscriber, channel).catch(() => undefined); // without a connection there is nothing to unsubscribe from
    }
    for (const [channel, idle] of this.#idle) if (idle.deref() === undefined) this.#idle.delete(channel);
  }
}

/**
 * How a session's feed is: in LIVE the feed's own status, in other modes why the session has no tape. Undefined if there is nothing
 * to report.
 */
export async function feedStatusOf(
  { mode, source, symbol, feed }: Pick<SessionRecord, "mode" | "source" | "symbol" | "feed">,
  live: Pick<LiveTapes, "status">,
): Promise<FeedStatus | undefined> {
  if (mode !== "LIVE") return feed ?? undefined;
  return (await live.status(source, symbol))?.status ?? { status: "connecting" };
}
