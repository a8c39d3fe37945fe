import type { Logger } from "@tapedeck/runtime";
import type { BlockCache, TapeStore } from "@tapedeck/tape";
import { decodeFeedRecord, type FeedRecord } from "../feed-store/feed-record.js";
import { feedStateOf, unclaimedFeed } from "../feed-store/feed-state.js";
import { type FeedStore, feedNameOf } from "../feed-store/feed-store.js";
import type { LiveInstrument } from "../feed-store/live-tape-id.js";
import { GrowingTape } from "../growing-tape/growing-tape.js";
import { decodeChange, decodeFrame, kindOf, type LiveFrame } from "../stream/frame-message.js";
import { readFrame, readFrames } from "../stream/read-frames.js";
import { FeedListeners } from "./feed-listeners.js";

interface FollowerContext {
  readonly feeds: FeedStore;
  readonly store: TapeStore;
  readonly cache: BlockCache;
  readonly log: Logger;
  /** A listener was added, so the channel has to be subscribed to. */
  readonly subscribe: (follower: Follower) => void;
  /** A tape that was followed here has ended. */
  readonly tapeEnded: (tape: GrowingTape) => void;
}

/** Wait after Redis did not answer, in ms. */
const retryMs = 250;

/**
 * Follows one feed in this process and keeps its frames in order. A frame that does not follow on the last one is not taken from the
 * channel but read from the stream, which has it: frames are appended before they are published.
 */
export class Follower {
  readonly feed: LiveInstrument;
  readonly channel: string;
  readonly listeners: FeedListeners;
  /** When it was last used, on the monotonic clock. */
  usedAt = performance.now();
  readonly #context: FollowerContext;
  readonly #log: Logger;
  #record: FeedRecord | undefined;
  /** The growing tape; undefined while the next one is opened. */
  #tape: GrowingTape | undefined;
  /** Its newest frame, and the claim of its writer. */
  #newest: Pick<LiveFrame, "seq" | "claim"> | undefined;
  /** The record and the tape are those of Redis, as far as this process can know. */
  #synced = false;
  /** How often the subscription has ended or was interrupted. A sync that such an end overtakes does not count. */
  #interruptions = 0;
  #syncing: Promise<void> = Promise.resolve();
  /** The sync that begins after the present one. */
  #nextSync: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(feed: LiveInstrument, channel: string, context: FollowerContext) {
    this.feed = feed;
    this.channel = channel;
    this.#context = context;
    this.#log = context.log.child({ feed: feedNameOf(feed) });
    this.listeners = new FeedListeners(this.#log);
  }

  get synced(): boolean {
    return this.#synced;
  }

  get tape(): GrowingTape | undefined {
    return this.#tape;
  }

  get hasListeners(): boolean {
    return this.listeners.size > 0 || (this.#tape?.hasListeners ?? false);
  }

  // HOT: once per message of the channel.
  receive(message: Buffer): void {
    const kind = kindOf(message);
    if (kind === "frame") {
      const frame = decodeFrame(message);
      if (frame !== undefined) this.#onFrame(frame);
      else this.#log.error("unreadable frame, written by another release?");
    } else if (kind === "change") {
      const hash = decodeChange(message);
      const record = hash && decodeFeedRecord(hash);
      if (record !== undefined) this.#onChange(record);
      else this.#log.error("unreadable change, written by another release?");
    }
  }

  /**
   * Brings record and tape up to date with Redis as of now. Rejects with `UNAVAILABLE`. A sync under way may have read earlier, so
   * callers share the next one.
   */
  sync(): Promise<void> {
    this.#nextSync ??= this.#syncing
      .catch(() => {}) // its callers have the error
      .then(() => {
        this.#nextSync = undefined;
        this.#syncing = this.#syncUntilCurrent();
        return this.#syncing;
      });
    return this.#nextSync;
  }

  /** Syncs, and retries until it succeeds. */
  syncLater(): void {
    clearTimeout(this.#retry);
    this.sync().catch((error: unknown) => {
      this.#log.debug({ err: error }, "feed not read, retrying");
      this.#retry = setTimeout(() => this.syncLater(), retryMs).unref();
    });
  }

  /** The subscription ends or was interrupted: Redis has to be read again before the next message counts. */
  markStale(): void {
    clearTimeout(this.#retry);
    this.#interruptions++;
    this.#synced = false;
  }

  #onFrame(frame: LiveFrame<Buffer>): void {
    const [record, tape] = [this.#record, this.#tape];
    const known = this.#synced && record !== undefined && tape !== undefined;
    if (!known || frame.claim > record.claim) {
      this.syncLater();
      return;
    }
    const next = tape.span.lastSeq + 1;
    // A frame of an earlier writer was appended before the claim: the next sync reads it.
    if (frame.seq === next && frame.claim === record.claim) this.#deliver(tape, frame);
    else if (frame.seq >= next) this.syncLater();
  }

  #onChange(record: FeedRecord): void {
    const before = this.#record;
    if (before !== undefined && record.rev <= before.rev) return;
    if (!this.#synced || record.tape !== before?.tape || record.claim !== before.claim) {
      this.syncLater();
      return;
    }
    this.#applyRecord(record);
    // Either this process read ahead of the channel, or Redis lost frames: only reading shows which.
    if (this.#tape !== undefined && record.lastSeq < this.#tape.span.lastSeq) this.syncLater();
  }

  // HOT: once per frame.
  #deliver(tape: GrowingTape, frame: LiveFrame<Buffer>): void {
    this.#append(tape, frame);
    this.listeners.frame(tape, frame.seq, frame.frame.text);
  }

  #append(tape: GrowingTape, frame: LiveFrame<Buffer>): void {
    tape.append(frame);
    this.#newest = frame;
  }

  /** Takes over a record of the same tape. */
  #applyRecord(record: FeedRecord, now?: number): void {
    const before = this.#record;
    this.#record = record;
    const tape = this.#tape;
    if (tape !== undefined) {
      tape.dropBefore(record.firstSeq);
      if (record.storedSeq !== before?.storedSeq || record.segmentCount !== before.segmentCount) this.#refresh(tape);
    }
    this.listeners.setState(feedStateOf(record, now));
  }

  #refresh(tape: GrowingTape): void {
    tape.refresh().catch((error: unknown) => {
      this.#log.warn({ err: error, tape: tape.id }, "segments of a live tape could not be read");
    });
  }

  async #syncUntilCurrent(): Promise<void> {
    while (!(await this.#sync()));
  }

  /** Resolves to false if the record is outdated, or its tape had to be ended: then it has to be read again. */
  async #sync(): Promise<boolean> {
    const { feeds } = this.#context;
    const [known, had, hadSeq] = [this.#record, this.#tape, this.#tape?.span.lastSeq ?? -1];
    const interruptions = this.#interruptions;
    const { record, now } = await feeds.read(this.feed);
    if (this.#record !== known && (record?.rev ?? 0) < (this.#record?.rev ?? 0)) return false; // a later one came on the channel
    if (record === undefined || record.tape === "" || record.lastSeq < 0) {
      this.#endTape();
      this.#record = record;
      this.#synced = interruptions === this.#interruptions;
      this.listeners.setState(record === undefined ? unclaimedFeed(this.feed, now) : feedStateOf(record, now));
      return true;
    }
    if (had?.id === record.tape && (record.lastSeq < hadSeq || (await this.#isForked(record)))) {
      // A lagging replica of Redis took over: it lacks frames that were delivered, and their seqs must not be used again.
      const { tape, lastSeq } = record;
      this.#log.warn({ tape, last: hadSeq, found: lastSeq }, "Redis lost frames: another tape begins");
      await feeds.clearTape(record, { rev: record.rev });
      return false;
    }
    const tape = had?.id === record.tape ? had : await this.#open(record);
    if (!(await this.#readNewFrames(tape, record))) return false;
    if (tape !== this.#tape) {
      this.#endTape();
      this.#tape = tape;
    }
    this.#synced = interruptions === this.#interruptions;
    this.#applyRecord(record, now);
    return true;
  }

  /** Whether a later writer has used the seq of our newest frame for another one. */
  async #isForked({ source, symbol, claim }: FeedRecord): Promise<boolean> {
    const { redis, keys } = this.#context.feeds;
    const newest = this.#newest;
    if (newest === undefined || newest.claim === claim) return false;
    const frame = await readFrame(redis, keys.live(source, symbol), newest.seq);
    return frame !== undefined && frame.claim !== newest.claim;
  }

  async #open(record: FeedRecord): Promise<GrowingTape> {
    this.#endTape();
    this.#newest = undefined;
    const { feeds, store, cache, log, subscribe } = this.#context;
    const { source, symbol } = this.feed;
    const context = {
      store,
      cache,
      redis: feeds.redis,
      stream: feeds.keys.live(source, symbol),
      events: feeds.keys.liveEvents(source, symbol),
      feed: feeds.keys.liveTape(source, symbol),
      catchUp: () => this.sync(),
      onListen: () => subscribe(this),
      onError: (error: unknown, what: string) => log.error({ err: error, tape: record.tape }, what),
    };
    return GrowingTape.open(record, context, { fromSeq: record.firstSeq, toSeq: record.storedSeq });
  }

  /** Appends the stream's frames after the tape's last. Resolves to false if frames are missing. */
  async #readNewFrames(tape: GrowingTape, record: FeedRecord): Promise<boolean> {
    const { feeds } = this.#context;
    for (let last = -2; last < tape.span.lastSeq || last === -2; ) {
      last = tape.span.lastSeq;
      for await (const frames of readFrames(feeds.redis, feeds.keys.live(record.source, record.symbol), last + 1)) {
        for (const frame of frames) {
          // The channel may have brought some of them meanwhile.
          if (frame.seq !== tape.span.lastSeq + 1) continue;
          if (tape === this.#tape) this.#deliver(tape, frame);
          else this.#append(tape, frame);
        }
      }
      if (tape.span.lastSeq >= record.lastSeq) return true;
      await tape.refresh(); // they have moved from Redis to the store
    }
    const missing = tape.span.lastSeq + 1;
    if (missing > record.storedSeq) {
      this.#log.warn({ tape: record.tape, missing }, "Redis lost data: another tape begins");
      await feeds.clearTape(record, { rev: record.rev });
      return false;
    }
    throw new Error(`frame ${missing} of tape ${record.tape} is missing in the tape store`);
  }

  #endTape(): void {
    const tape = this.#tape;
    if (tape === undefined) return;
    this.#tape = undefined;
    tape.end();
    this.#refresh(tape);
    this.#context.tapeEnded(tape);
  }
}
