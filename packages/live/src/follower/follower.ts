import type { Logger } from "@tapedeck/runtime";
import type { BlockCache, TapeStore } from "@tapedeck/tape";
import { decodeFeedRecord, type FeedRecord, feedStateOf, unclaimedFeed } from "../feed-store/feed-record.js";
import { type FeedStore, feedNameOf } from "../feed-store/feed-store.js";
import { forgetTape } from "../feed-store/forget-tape.js";
import type { LiveInstrument } from "../feed-store/live-tape-id.js";
import { GrowingTape } from "../growing-tape/growing-tape.js";
import { decodeChange, decodeFrame, kindOf, type LiveFrame } from "../stream/frame-message.js";
import { readFrame, readFrames } from "../stream/read-frames.js";
import { FeedListeners } from "./feed-listeners.js";

export interface FollowerContext {
  readonly feeds: FeedStore;
  readonly store: TapeStore;
  readonly cache: BlockCache;
  readonly log: Logger;
  /** Someone wants to be told of what comes, so the channel has to be listened to. */
  readonly subscribe: (follower: Follower) => void;
  /** No frame comes any more to a tape that was followed here. */
  readonly tapeEnded: (tape: GrowingTape) => void;
}

/** How long a follower waits after Redis did not answer before it tries again, in ms. */
const retryMs = 250;

/**
 * One feed as this process follows it: what its channel says, put in order. A frame that does not follow on the last one is not
 * taken from the channel but read from the stream, which has it: what is published was appended before.
 */
export class Follower {
  readonly feed: LiveInstrument;
  readonly channel: string;
  readonly listeners: FeedListeners;
  /** When it was last asked for, on the monotonic clock. */
  usedAt = performance.now();
  readonly #context: FollowerContext;
  readonly #log: Logger;
  #record: FeedRecord | undefined;
  /** The tape that is growing; while it is opened the one before is no more here. */
  #tape: GrowingTape | undefined;
  /** The newest frame of it that was heard or read, and who wrote it. */
  #newest: Pick<LiveFrame, "seq" | "claim"> | undefined;
  /** What was heard last is what Redis has, as far as can be known. */
  #synced = false;
  #syncing: Promise<void> = Promise.resolve();
  /** The one that begins when that is over. */
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

  /** Whether anyone here is to be told of what comes. */
  get hasListeners(): boolean {
    return this.listeners.size > 0 || (this.#tape?.hasListeners ?? false);
  }

  // HOT: once per message of the channel.
  receive(message: Buffer): void {
    const kind = kindOf(message);
    if (kind === "frame") {
      const frame = decodeFrame(message);
      if (frame !== undefined) this.#hear(frame);
      else this.#log.error("frame not readable, written by another release?");
    } else if (kind === "change") {
      const hash = decodeChange(message);
      const record = hash && decodeFeedRecord(hash);
      if (record !== undefined) this.#hearChange(record);
      else this.#log.error("change not readable, written by another release?");
    }
  }

  /**
   * Brings all up to date with what Redis has from now on. Rejects with `UNAVAILABLE`. One that is under way may have read before now,
   * so callers share the next one: how many come after them does not matter.
   */
  sync(): Promise<void> {
    this.#nextSync ??= this.#syncing
      .catch(() => {}) // its callers know
      .then(() => {
        this.#nextSync = undefined;
        this.#syncing = this.#syncUntilNew();
        return this.#syncing;
      });
    return this.#nextSync;
  }

  /** As `sync`, and again until it works. */
  syncLater(): void {
    clearTimeout(this.#retry);
    this.sync().catch((error: unknown) => {
      this.#log.debug({ err: error }, "feed not read, trying again");
      this.#retry = setTimeout(() => this.syncLater(), retryMs).unref();
    });
  }

  /** What is heard no more has to be read again before anything is made of what is heard next. */
  markStale(): void {
    clearTimeout(this.#retry);
    this.#synced = false;
  }

  #hear(frame: LiveFrame<Buffer>): void {
    const [record, tape] = [this.#record, this.#tape];
    const known = this.#synced && record !== undefined && tape !== undefined;
    if (!known || frame.claim > record.claim) {
      this.syncLater();
      return;
    }
    const next = tape.span.lastSeq + 1;
    // What an earlier writer said was on the tape before it was claimed, and will be there when it is read.
    if (frame.seq === next && frame.claim === record.claim) this.#take(tape, frame);
    else if (frame.seq >= next) this.syncLater();
  }

  #hearChange(record: FeedRecord): void {
    const before = this.#record;
    if (before !== undefined && record.rev <= before.rev) return;
    if (!this.#synced || record.tape !== before?.tape || record.claim !== before.claim) {
      this.syncLater();
      return;
    }
    this.#adopt(record);
    // Read ahead of the channel, or shown by a Redis that is gone? Only reading tells.
    if (this.#tape !== undefined && record.lastSeq < this.#tape.span.lastSeq) this.syncLater();
  }

  // HOT: once per frame.
  #take(tape: GrowingTape, frame: LiveFrame<Buffer>): void {
    this.#grow(tape, frame);
    this.listeners.frame(tape, frame.seq, frame.frame.text);
  }

  #grow(tape: GrowingTape, frame: LiveFrame<Buffer>): void {
    tape.append(frame);
    this.#newest = frame;
  }

  /** The tape is the same as before. */
  #adopt(record: FeedRecord, now?: number): void {
    const before = this.#record;
    this.#record = record;
    const tape = this.#tape;
    if (tape !== undefined) {
      tape.dropBefore(record.firstSeq);
      if (record.storedSeq !== before?.storedSeq || record.segments !== before.segments) this.#refresh(tape);
    }
    this.listeners.setState(feedStateOf(record, now));
  }

  #refresh(tape: GrowingTape): void {
    tape.refresh().catch((error: unknown) => {
      this.#log.warn({ err: error, tape: tape.id }, "parts of a live tape not readable");
    });
  }

  async #syncUntilNew(): Promise<void> {
    while (!(await this.#sync()));
  }

  /** Resolves to false where what was read is old, or of a tape that has to end: then it has to be read again. */
  async #sync(): Promise<boolean> {
    const { feeds } = this.#context;
    const [known, had, hadSeq] = [this.#record, this.#tape, this.#tape?.span.lastSeq ?? -1];
    const { record, now } = await feeds.read(this.feed);
    if (this.#record !== known && (record?.rev ?? 0) < (this.#record?.rev ?? 0)) return false; // later ones were heard
    if (record === undefined || record.tape === "" || record.lastSeq < 0) {
      this.#leave();
      this.#record = record;
      this.#synced = true;
      this.listeners.setState(record === undefined ? unclaimedFeed(this.feed, now) : feedStateOf(record, now));
      return true;
    }
    if (had?.id === record.tape && (record.lastSeq < hadSeq || (await this.#isForked(record)))) {
      // A Redis took over that lags: it lacked frames that were shown, and their numbers must not be given again.
      const { tape, lastSeq } = record;
      this.#log.warn({ tape, last: hadSeq, found: lastSeq }, "Redis lost frames: another tape begins");
      await forgetTape(feeds, record);
      return false;
    }
    const tape = had?.id === record.tape ? had : await this.#open(record);
    if (!(await this.#readOn(tape, record))) return false;
    if (tape !== this.#tape) {
      this.#leave();
      this.#tape = tape;
    }
    this.#synced = true;
    this.#adopt(record, now);
    return true;
  }

  /** Whether a later writer has given the number of our newest frame to one of its own. */
  async #isForked({ source, symbol, claim }: FeedRecord): Promise<boolean> {
    const { redis, keys } = this.#context.feeds;
    const newest = this.#newest;
    if (newest === undefined || newest.claim === claim) return false;
    const found = await readFrame(redis, keys.live(source, symbol), newest.seq);
    return found !== undefined && found.claim !== newest.claim;
  }

  async #open(record: FeedRecord): Promise<GrowingTape> {
    this.#leave();
    this.#newest = undefined;
    const { feeds, store, cache, log, subscribe } = this.#context;
    const { source, symbol } = this.feed;
    const context = {
      store,
      cache,
      redis: feeds.redis,
      stream: feeds.keys.live(source, symbol),
      catchUp: () => this.sync(),
      onListen: () => subscribe(this),
      onError: (error: unknown, what: string) => log.error({ err: error, tape: record.tape }, what),
    };
    return GrowingTape.open(record, context, { fromSeq: record.firstSeq, toSeq: record.storedSeq });
  }

  /** Adds what the stream has beyond the tape's end. Resolves to false where frames are missing in it. */
  async #readOn(tape: GrowingTape, record: FeedRecord): Promise<boolean> {
    const { feeds } = this.#context;
    for (let last = -2; last < tape.span.lastSeq || last === -2; ) {
      last = tape.span.lastSeq;
      for await (const frames of readFrames(feeds.redis, feeds.keys.live(record.source, record.symbol), last + 1)) {
        for (const frame of frames) {
          // Some may have come by the channel while these were read.
          if (frame.seq !== tape.span.lastSeq + 1) continue;
          if (tape === this.#tape) this.#take(tape, frame);
          else this.#grow(tape, frame);
        }
      }
      if (tape.span.lastSeq >= record.lastSeq) return true;
      await tape.refresh(); // they have left Redis for the store
    }
    const missing = tape.span.lastSeq + 1;
    if (missing > record.storedSeq) {
      this.#log.warn({ tape: record.tape, missing }, "Redis has not what it should have: another tape begins");
      await forgetTape(feeds, record);
      return false;
    }
    throw new Error(`frame ${missing} of tape ${record.tape} should be in the tape store and is not`);
  }

  #leave(): void {
    const tape = this.#tape;
    if (tape === undefined) return;
    this.#tape = undefined;
    tape.end();
    this.#refresh(tape);
    this.#context.tapeEnded(tape);
  }
}
