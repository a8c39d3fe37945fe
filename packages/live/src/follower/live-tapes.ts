import type { TapeView, WallMs } from "@tapedeck/protocol";
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
import type { FeedUser, Keys } from "@tapedeck/sessions";
import { type BlockCache, parseTapeName, type TapeStore, tapeName, type UnfinishedTapes } from "@tapedeck/tape";
import { demandRefusal } from "../feed-store/demand.js";
import { FeedQueue } from "../feed-store/feed-queue.js";
import { feedStateOf, unclaimedFeed } from "../feed-store/feed-record.js";
import { type FeedState, isClaimed } from "../feed-store/feed-state.js";
import { FeedStore, parseFeedName } from "../feed-store/feed-store.js";
import { type LiveInstrument, parseLiveTapeId } from "../feed-store/live-tape-id.js";
import type { GrowingTape } from "../growing-tape/growing-tape.js";
import { ListedTapes } from "../growing-tape/listed-tapes.js";
import { orphanTape } from "./ended-tapes.js";
import { Follower } from "./follower.js";
import type { FeedListener } from "./live-listener.js";

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
  /** How long a feed stays wanted after `want`; 60 s by default. */
  readonly lingerMs?: number;
  /** Instruments that the sessions of one user, or one address, may ask for at a time; absent: any number. */
  readonly instrumentsPerUser?: number | undefined;
  /** Instruments that nobody was watching, which they may have begun in so many seconds; absent: any number. */
  readonly instrumentStarts?: { readonly points: number; readonly seconds: number } | undefined;
  /** How long a feed that nobody here listens to is followed on; 60 s by default. */
  readonly idleMs?: number;
}

const defaultLingerMs = 60_000;
const defaultIdleMs = 60_000;
/** A channel that could not be subscribed to is tried again after this long. */
const retryMs = 1000;
/** Tapes that have ended and stay the objects they were for whoever opens them again. */
const mostLeft = 100;

/** Live tapes in one process: at most one subscription per feed, however many follow it or have its tape open. */
export class LiveTapes implements UnfinishedTapes {
  readonly #options: LiveTapesOptions;
  readonly #feeds: FeedStore;
  readonly #subscriber: RedisConnection;
  readonly #log: Logger;
  /** Those that are subscribed, by channel. */
  readonly #awake = new Map<string, Follower>();
  /** Those that are not, as long as somebody has their tape. */
  readonly #asleep = new Map<string, WeakRef<Follower>>();
  /** Tapes that have ended, by name, the one left last at the end. */
  readonly #left = new Map<string, GrowingTape>();
  /** Those of them that are known to be in the store. */
  readonly #stored = new WeakSet<GrowingTape>();
  readonly #listed: ListedTapes;
  readonly #stops: readonly (() => void)[];
  #queue: FeedQueue | undefined;
  #closed = false;

  constructor(options: LiveTapesOptions) {
    const { redis, subscriber, keys, log, idleMs = defaultIdleMs } = options;
    this.#options = options;
    this.#feeds = new FeedStore(redis, keys);
    this.#listed = new ListedTapes(this.#feeds, options.store);
    this.#subscriber = subscriber;
    this.#log = log;
    this.#stops = [
      onMessage(subscriber, this.#receive),
      onReconnect(subscriber, this.#catchUp),
      interval(() => this.#sweep(idleMs), Math.min(idleMs, 10_000)),
    ];
  }

  /** The feed from memory if it is followed here, else as Redis has it; with `fresh` always that. Undefined: there is none. */
  async status(source: string, symbol: string, { fresh = false } = {}): Promise<FeedState | undefined> {
    const follower = this.#awake.get(this.#options.keys.live(source, symbol));
    const told = follower?.listeners.state;
    if (!fresh && follower?.synced && told !== undefined) return told.rev === 0 ? undefined : told;
    const { record, now } = await this.#feeds.read({ source, symbol });
    return record && feedStateOf(record, now);
  }

  /** `id@1` of the tape that is growing, as Redis has it; empty while there is none. */
  async tapeOf(source: string, symbol: string): Promise<string> {
    return (await this.status(source, symbol, { fresh: true }))?.tape ?? "";
  }

  /** All feeds that somebody wants now. A feed that nobody has taken yet is `connecting`. */
  async feedsInDemand(): Promise<FeedState[]> {
    const wanted = [...(await this.#feeds.wanted())];
    const states = wanted.map(async ([name, untilMs]) => {
      const feed = parseFeedName(name);
      const { record, now } = await this.#feeds.read(feed);
      if (untilMs <= now) return [];
      return [record === undefined ? unclaimedFeed(feed, now) : feedStateOf(record, now)];
    });
    return (await Promise.all(states)).flat();
  }

  /**
   * Says that a session wants a feed from now for the linger time, and asks for a worker if none has it. Rejects with
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

  /** The same for a feed that the session has asked for a while ago: upkeep sees to it that a worker has it. */
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

  /** The session wants no feed any more, unless it has asked for one again since a moment of Redis's clock. */
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
   * The tape of this name unless it is finished, brought up to date: the same object as long as this process has it. Undefined
   * where it is finished, or there has never been one. Rejects with `UNAVAILABLE`.
   */
  async open(name: string): Promise<GrowingTape | undefined> {
    const feed = parseLiveTapeId(name);
    if (feed === undefined) return undefined;
    const { store, cache } = this.#options;
    const { id, version = 1 } = parseTapeName(name);
    const full = tapeName(id, version);
    const follower = this.#awake.get(this.#options.keys.live(feed.source, feed.symbol));
    if (follower?.tape?.id !== full) {
      const left = await this.#leftTape(full);
      if (left !== undefined) return left;
      if ((await store.versions(id)).includes(version)) return undefined;
      const { record } = await this.#feeds.read(feed);
      if (record?.tape !== full) return orphanTape(feed, full, { feeds: this.#feeds, store, cache });
    }
    const followed = this.#follower(feed);
    await followed.sync();
    return followed.tape?.id === full ? followed.tape : await this.#leftTape(full);
  }

  /** A tape that has ended. One that nobody kept watching was not stored, and is no more. */
  async #leftTape(name: string): Promise<GrowingTape | undefined> {
    const tape = this.#left.get(name);
    if (tape === undefined || this.#stored.has(tape)) return tape;
    const { store } = this.#options;
    const { id, version = 1 } = parseTapeName(name);
    if (!(await store.versions(id)).includes(version) && (await store.segments(id).ids()).length === 0) {
      this.#left.delete(name);
      return undefined;
    }
    this.#stored.add(tape);
    return tape;
  }

  /**
   * What a listing says of the tapes that are growing: counts of trades, events and gaps as far as they are stored. One that nobody
   * wants and no feed holds is about to be finished or removed, and is not listed.
   */
  async list(): Promise<TapeView[]> {
    const wanted = await this.#feeds.wanted();
    const views = [...(await this.#feeds.claimed()).keys()].map(async (name) => {
      const feed = parseFeedName(name);
      const { record, now } = await this.#feeds.read(feed);
      if (record === undefined || record.tape === "" || record.lastSeq < 0) return [];
      if (record.owner === "" && (wanted.get(name) ?? 0) <= now) return [];
      const follower = this.#awake.get(this.#options.keys.live(feed.source, feed.symbol));
      if (follower?.tape !== undefined) {
        await follower.sync();
        if (follower.tape !== undefined) return [follower.tape.view()];
      }
      return [(await this.#listed.view(record)) ?? []].flat();
    });
    return (await Promise.all(views)).flat().sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
  }

  /** Subscriptions of this process. */
  get subscriptions(): number {
    return this.#awake.size;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const stop of this.#stops) stop();
    const channels = [...this.#awake.keys()];
    for (const follower of this.#awake.values()) follower.markStale();
    this.#awake.clear();
    // Without a connection there is nothing to take back.
    if (channels.length > 0) await unsubscribe(this.#subscriber, ...channels).catch(() => undefined);
    await this.#queue?.close();
  }

  #follower(feed: LiveInstrument): Follower {
    const channel = this.#options.keys.live(feed.source, feed.symbol);
    const awake = this.#awake.get(channel);
    if (awake !== undefined) {
      awake.usedAt = performance.now();
      return awake;
    }
    const { store, cache, log } = this.#options;
    const follower =
      this.#asleep.get(channel)?.deref() ??
      new Follower(feed, channel, {
        feeds: this.#feeds,
        store,
        cache,
        log,
        subscribe: (sleeper) => this.#wake(sleeper),
        tapeEnded: (tape) => this.#leave(tape),
      });
    this.#wake(follower);
    return follower;
  }

  #wake(follower: Follower): void {
    follower.usedAt = performance.now();
    if (this.#closed || this.#awake.has(follower.channel)) return;
    this.#asleep.delete(follower.channel);
    this.#awake.set(follower.channel, follower);
    this.#subscribe(follower);
  }

  #subscribe(follower: Follower): void {
    subscribe(this.#subscriber, follower.channel).then(
      () => follower.syncLater(),
      () => {
        // The connection is closed for good; or a master of a Cluster is away and has no successor yet.
        const again = (): void => {
          if (this.#awake.get(follower.channel) === follower) this.#subscribe(follower);
        };
        setTimeout(again, retryMs).unref();
      },
    );
  }

  // HOT: once per message of the subscriber, which may be others' too.
  readonly #receive = (channel: Buffer, message: Buffer): void => {
    if (this.#awake.size === 0) return;
    this.#awake.get(channel.toString("latin1"))?.receive(message);
  };

  /** After a reconnection: subscribes again to all, then reads all again, since anything may have happened meanwhile. */
  readonly #catchUp = (): void => {
    const followers = [...this.#awake.values()];
    for (const follower of followers) follower.markStale();
    untilResubscribed(
      this.#subscriber,
      followers.map(({ channel }) => channel),
    ).then(
      () => followers.forEach((follower) => void follower.syncLater()),
      (error: unknown) => this.#log.warn({ err: error }, "not subscribed again"), // the connection broke once more
    );
  };

  #leave(tape: GrowingTape): void {
    this.#left.delete(tape.id);
    this.#left.set(tape.id, tape);
    const [oldest] = this.#left.keys();
    if (this.#left.size > mostLeft && oldest !== undefined) this.#left.delete(oldest);
  }

  #sweep(idleMs: number): void {
    const idleSince = performance.now() - idleMs;
    for (const [channel, follower] of this.#awake) {
      if (follower.hasListeners || follower.usedAt > idleSince) continue;
      this.#awake.delete(channel);
      this.#asleep.set(channel, new WeakRef(follower));
      follower.markStale();
      unsubscribe(this.#subscriber, channel).catch(() => undefined); // without a connection nothing is to be taken back
    }
    for (const [channel, asleep] of this.#asleep) if (asleep.deref() === undefined) this.#asleep.delete(channel);
  }
}
