import type { FrameParts, Precision } from "@tapedeck/market";
import type { FeedStatus, TapeNs, TimeDecimals } from "@tapedeck/protocol";
import type { Logger, RedisConnection } from "@tapedeck/runtime";
import { flattenHash, type Keys } from "@tapedeck/sessions";
import { parseTapeName, type Seq, type TapeStore, tapeName } from "@tapedeck/tape";
import { type BlockFill, frameProblem, markGap, serializeFrame } from "@tapedeck/tape/blocks";
import { type FeedRecord, noTape, tapeFields } from "../feed-store/feed-record.js";
import { FeedStore, feedNameOf } from "../feed-store/feed-store.js";
import { type LiveInstrument, liveTapeId } from "../feed-store/live-tape-id.js";
import { finishTape } from "../segments/finish-tape.js";
import { SegmentStorage, type StoredRange } from "../segments/segment-storage.js";
import type { LiveTapeMetadata } from "../segments/write-segment.js";
import { encodeFrame, type LiveFrame } from "../stream/frame-message.js";
import { claimFeed, type RecoveryState, readRecoveryState, storeRemainingFrames } from "./claim.js";
import { filledWith, isFull } from "./filling.js";
import { RecentFrames } from "./recent-frames.js";
import { type LiveTapeSettings, liveTapeDefaults } from "./settings.js";
import { UnstoredFrames } from "./unstored-frames.js";

export interface ClaimOptions {
  /** A connection without an offline queue: what cannot be sent now is an error now. */
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly store: TapeStore;
  readonly source: string;
  readonly symbol: string;
  readonly node: string;
  readonly decimals: TimeDecimals;
  /** Milliseconds from frame to frame. */
  readonly intervalMs: number | null;
  /** Read at each frame: a feed learns the decimals of its instrument as it goes. */
  readonly precision: Precision;
  readonly analyticsVersion?: number;
  readonly settings?: Partial<LiveTapeSettings>;
  readonly log: Logger;
}

/**
 * What became of a frame: it is on the tape (`appended`); another writer has claimed the feed (`fenced`: stop at once); Redis has
 * not what it should have, or the store takes no more (`lost`: claim again, which begins another tape).
 */
export type AppendOutcome = "appended" | "fenced" | "lost";
/** Whether the claim still stands; else as for a frame. */
export type ClaimStatus = "held" | "fenced" | "lost";

/** A frame on its way to Redis, and what was before it. */
interface InFlight {
  readonly parts: FrameParts;
  readonly frame: LiveFrame<string>;
  readonly bytes: number;
  readonly before: Progress;
  readonly settled: Promise<AppendOutcome>;
}

/** How far a tape is. */
interface Progress {
  readonly nextSeq: Seq;
  readonly lastNs: TapeNs;
  readonly filling: BlockFill | undefined;
}

const longestReason = 300;

/** The one writer of a feed's tape, as long as nobody else has claimed it. */
export class LiveTapeWriter {
  readonly feed: LiveInstrument;
  /** The tape that is gone on with: its next frame ends a marked gap. Undefined: the first append begins a new tape. */
  readonly continues: { readonly startNs: bigint; readonly lastNs: TapeNs; readonly lastSeq: Seq } | undefined;
  readonly #options: ClaimOptions;
  readonly #feeds: FeedStore;
  readonly #settings: LiveTapeSettings;
  readonly #log: Logger;
  readonly #owner: string;
  readonly #claim: number;
  readonly #unstored = new UnstoredFrames();
  readonly #recent: RecentFrames;
  readonly #keeper: SegmentStorage;
  #tape: LiveTapeMetadata | undefined;
  #progress: Progress = { nextSeq: 0, lastNs: 0, filling: undefined };
  /** Older frames may leave Redis. */
  #keepFrom: Seq = 0;
  #status: FeedStatus = { status: "connecting" };
  #over: "fenced" | "lost" | undefined;
  #salvage: Promise<void> | undefined;
  #inFlight: InFlight[] = [];
  /** Frames that have to be appended again before any other. */
  #again: FrameParts[] = [];

  private constructor(options: ClaimOptions, feeds: FeedStore, record: FeedRecord, remains: RecoveryState | undefined) {
    const { source, symbol, log, settings } = options;
    this.feed = { source, symbol };
    this.#options = options;
    this.#feeds = feeds;
    this.#settings = { ...liveTapeDefaults, ...settings };
    this.#log = log.child({ feed: feedNameOf(this.feed) });
    this.#owner = record.owner;
    this.#claim = record.claim;
    this.#recent = new RecentFrames(this.#settings.recentSeconds, this.#settings.recentBytes);
    this.#keeper = new SegmentStorage({
      store: options.store,
      settings: this.#settings,
      log: this.#log,
      unstored: this.#unstored,
      segments: remains?.segments ?? [],
      firstSeq: remains?.firstSeq ?? 0,
      tape: () => this.#mustHaveTape(),
      publish: (standing) => this.#announce(standing),
    });
    if (remains?.last === undefined) return;
    this.#tape = record;
    this.continues = { startNs: record.startNs, lastNs: remains.last.frame.ns, lastSeq: remains.last.seq };
    this.#progress = { nextSeq: remains.last.seq + 1, lastNs: remains.last.frame.ns, filling: undefined };
    for (const frame of remains.unstored) this.#keep(frame, frame.frame.text.length);
  }

  /**
   * Claims a feed: from now on every other writer of it is refused. The tape that it has goes on, unless frames of it are missing or
   * it is of another kind. Rejects while Redis is away.
   */
  static async claim(options: ClaimOptions): Promise<LiveTapeWriter> {
    const { redis, keys, store, node, source, symbol, log } = options;
    const feed = { source, symbol };
    const feeds = new FeedStore(redis, keys);
    const record = await claimFeed(feeds, feed, node);
    if (record.tape === "") return new LiveTapeWriter(options, feeds, record, undefined);
    const remains = await readRecoveryState(feeds, store, record);
    const { maxUnstoredBytes } = { ...liveTapeDefaults, ...options.settings };
    const unstoredBytes = remains.unstored.reduce((sum, { frame }) => sum + frame.text.length, 0);
    if (remains.last !== undefined && sameKind(record, options) && unstoredBytes <= maxUnstoredBytes) {
      const inParts = store.segments(parseTapeName(record.tape).id);
      for (const { id } of remains.superseded) await inParts.erase(id);
      return new LiveTapeWriter(options, feeds, record, remains);
    }
    const { lastSeq, tape } = record;
    log.warn(
      { feed: feedNameOf(feed), tape, lastSeq, unstoredBytes, found: remains.last?.seq },
      "live tape cannot go on",
    );
    await storeRemainingFrames(store, record, remains.unstored).catch((error: unknown) => {
      log.error({ err: error, tape }, "end of a live tape not stored");
    });
    // Another writer in between makes this one fenced, which it learns at its first frame.
    await feeds.change(feed, { owner: record.owner }, tapeFields(noTape), "clear");
    return new LiveTapeWriter(options, feeds, record, undefined);
  }

  /** `id@1`; empty before the first frame of a new tape. */
  get tape(): string {
    return this.#progress.nextSeq === 0 ? "" : (this.#tape?.tape ?? "");
  }

  /**
   * Adds a frame. May be called again before the last call has settled; frames keep the order of the calls. Rejects while
   * Redis is away: then that frame and all after it have to be appended again, in their order, and none is there twice. Rejects
   * with `RangeError` for a frame that can be on no tape, or not at this place; that one is as if it had not been.
   *
   * @param startNs nanoseconds since 1970 that `parts.ns` counts from. A tape that goes on has its own (`goesOn.startNs`).
   */
  append(parts: FrameParts, startNs: bigint): Promise<AppendOutcome> {
    if (this.#over !== undefined) return this.#ended();
    // A frame's text may be made whenever it is asked for: once is enough.
    const plain = { ...parts, gapBefore: parts.gapBefore && shortened(parts.gapBefore) };
    const problem = this.#problemOf(parts) ?? frameProblem(plain);
    if (problem !== undefined) return Promise.reject(new RangeError(`Frame ${this.#progress.nextSeq} ${problem}.`));
    this.#again.shift();
    const tape = this.#tape ?? this.#newTape(startNs);
    const fields = this.#progress.nextSeq === 0 ? tapeFields({ ...noTape, ...tape, lastSeq: 0 }) : this.#learned(tape);
    const frame = this.#laid(plain, tape);
    const message = encodeFrame(frame);
    const { keys, redis } = this.#feeds;
    const { source, symbol } = this.feed;
    const settled = redis
      .liveAppend(
        keys.live(source, symbol),
        keys.liveTape(source, symbol),
        this.#owner,
        tape.tape,
        frame.seq,
        message,
        this.#keepFrom,
        ...(fields === undefined ? [] : flattenHash(fields)),
      )
      .then(
        (reply) => this.#settle(flight, reply),
        (error: unknown) => this.#fail(flight, error),
      );
    const flight: InFlight = { parts, frame, bytes: message.length, before: this.#progress, settled };
    this.#inFlight.push(flight);
    this.#progress = {
      nextSeq: frame.seq + 1,
      lastNs: parts.ns,
      filling: filledWith(this.#progress.filling, frame.frame, frame.beginsBlock),
    };
    return settled;
  }

  /** Tells all who follow the feed how it is. */
  async publishStatus(status: FeedStatus): Promise<ClaimStatus> {
    if (this.#over !== undefined) return this.#over;
    const news = status.status !== this.#status.status;
    const { reason = "" } = status;
    const fields = { status: status.status, reason: reason.slice(0, longestReason), ...(news && { since: "@now" }) };
    const hold = await this.#change(fields);
    if (hold === "held") this.#status = status;
    return hold;
  }

  /** Says that the writer lives: about once a second. */
  async renew(): Promise<ClaimStatus> {
    if (this.#over !== undefined) return this.#over;
    const { source, symbol } = this.feed;
    const reply = await this.#feeds.redis.liveRenew(this.#feeds.keys.liveTape(source, symbol), this.#owner);
    return reply === 1 ? "held" : this.#end(reply === 0 ? "fenced" : "lost");
  }

  /** Resolves when all that was appended is acknowledged, and nothing is on its way to the store. */
  async settled(): Promise<void> {
    await this.#land();
    await this.#keeper.idle();
  }

  /** Gives the claim back, for another worker to go on with the same tape. */
  async release(): Promise<void> {
    await this.#land();
    await this.#keeper.stop();
    if (this.#over !== undefined) return;
    await this.#change({ owner: "", node: "", seen_ms: 0 });
    this.#over = "fenced";
  }

  /**
   * Ends the tape: stores what is left of it, makes it an ordinary one and removes the feed from Redis. Rejects with
   * `TapeWriteError` where the store takes no more, and with `UNAVAILABLE`: then it can be done again, or the feed be released. Making
   * one tape of the parts is left to upkeep where it fails.
   */
  async finish(): Promise<void> {
    await this.#land();
    if (this.#over !== undefined) return;
    const tape = this.tape;
    await this.#keeper.storeRest();
    const nobody = { owner: "", node: "", seen_ms: 0, status: "connecting", reason: "" };
    const left = await this.#feeds.change(
      this.feed,
      { owner: this.#owner },
      { ...tapeFields(noTape), ...nobody },
      "clear",
    );
    this.#over = "fenced";
    if (typeof left !== "object") return;
    if (tape !== "") {
      await finishTape(this.#options.store, tape).catch((error: unknown) => {
        this.#log.error({ err: error, tape }, "live tape not finished; upkeep tries again");
      });
    }
    await this.#feeds.change(this.feed, { rev: left.rev }, {}, "remove");
    await this.#feeds.dropClaim(this.feed, this.#claim);
  }

  #problemOf(parts: FrameParts): string | undefined {
    const [again] = this.#again;
    if (again !== undefined && again !== parts) return "is not the one that has to be appended again";
    const { nextSeq, lastNs } = this.#progress;
    if (nextSeq === 0 && parts.ns !== 0) return `is the first one, and at ${parts.ns} ns instead of 0`;
    return parts.ns < lastNs ? `is ${lastNs - parts.ns} ns earlier than the one before it` : undefined;
  }

  #newTape(startNs: bigint): LiveTapeMetadata {
    const { decimals, intervalMs, precision, analyticsVersion = 0 } = this.#options;
    const { priceDecimals, sizeDecimals } = precision;
    const tape = tapeName(liveTapeId(this.feed, this.#claim), 1);
    const { source, symbol } = this.feed;
    this.#tape = { tape, source, symbol, startNs, decimals, intervalMs, analyticsVersion, priceDecimals, sizeDecimals };
    return this.#tape;
  }

  /** Decimals that became known since the last frame. */
  #learned(tape: LiveTapeMetadata): Record<string, number> | undefined {
    const { priceDecimals, sizeDecimals } = this.#options.precision;
    if (priceDecimals <= tape.priceDecimals && sizeDecimals <= tape.sizeDecimals) return undefined;
    const known = {
      priceDecimals: Math.max(priceDecimals, tape.priceDecimals),
      sizeDecimals: Math.max(sizeDecimals, tape.sizeDecimals),
    };
    this.#tape = { ...tape, ...known };
    return { price_decimals: known.priceDecimals, size_decimals: known.sizeDecimals };
  }

  #laid(parts: FrameParts, tape: LiveTapeMetadata): LiveFrame<string> {
    const { nextSeq, lastNs, filling } = this.#progress;
    const gap = nextSeq === 0 ? undefined : markGap(parts, nextSeq, lastNs);
    const { priceDecimals, sizeDecimals } = this.#tape ?? tape;
    const frame = serializeFrame(nextSeq, parts, gap, sizeDecimals);
    const precision = { priceDecimals, sizeDecimals };
    return { claim: this.#claim, seq: nextSeq, beginsBlock: isFull(filling), frame, precision };
  }

  async #settle(flight: InFlight, reply: 1 | 2 | 0 | -1): Promise<AppendOutcome> {
    if (this.#inFlight[0] !== flight) throw new Error("An earlier frame was not acknowledged; append it again.");
    this.#inFlight.shift();
    if (reply === 0 || reply === -1) {
      this.#progress = flight.before;
      this.#inFlight = [];
      this.#end(reply === 0 ? "fenced" : "lost");
      return this.#ended();
    }
    this.#keep(flight.frame, flight.bytes);
    this.#keeper.maintain(flight.frame.frame.ns);
    const { bytes } = this.#unstored;
    if (bytes > this.#settings.maxUnstoredBytes) {
      this.#log.error({ tape: this.tape, bytes }, "the tape store takes nothing: the live tape ends here");
      this.#end("lost");
    }
    return "appended";
  }

  #fail(flight: InFlight, error: unknown): never {
    const at = this.#inFlight.indexOf(flight);
    if (at >= 0) {
      // Those before it may still be answered; all after it went the same way.
      this.#again = [...this.#inFlight.slice(at).map(({ parts }) => parts), ...this.#again];
      this.#inFlight = this.#inFlight.slice(0, at);
      this.#progress = flight.before;
    }
    throw error;
  }

  #keep(frame: LiveFrame, bytes: number): void {
    this.#unstored.add(frame, bytes);
    this.#keepFrom = this.#recent.add(frame.seq, frame.frame.ns, bytes);
  }

  async #announce({ firstSeq, storedSeq, segments }: StoredRange): Promise<boolean> {
    return (await this.#change({ first_seq: firstSeq, stored_seq: storedSeq, parts: segments })) === "held";
  }

  async #change(fields: Readonly<Record<string, string | number>>): Promise<ClaimStatus> {
    const changed = await this.#feeds.change(this.feed, { owner: this.#owner }, fields);
    if (typeof changed === "object") return "held";
    return this.#end(changed === "other" ? "fenced" : "lost");
  }

  /** Nothing can be appended any more. What Redis lost, or was never to keep, is still here for the store. */
  #end(over: "fenced" | "lost"): "fenced" | "lost" {
    if (this.#over !== undefined) return this.#over;
    this.#over = over;
    this.#salvage = (over === "lost" ? this.#giveUp() : this.#keeper.stop()).catch((error: unknown) => {
      this.#log.error({ err: error, tape: this.tape }, "end of a live tape not stored");
    });
    return over;
  }

  /** Whoever claims next is not to look at the tape again. */
  async #giveUp(): Promise<void> {
    try {
      await this.#keeper.storeRest();
    } finally {
      await this.#feeds.change(this.feed, { owner: this.#owner }, tapeFields(noTape), "clear");
    }
  }

  /** A tape that is lost is at its end when what is left of it is in the store. */
  async #ended(): Promise<"fenced" | "lost"> {
    const over = this.#over ?? "fenced";
    if (over === "lost") await this.#salvage;
    return over;
  }

  /** Waits for what is on its way. */
  async #land(): Promise<void> {
    await Promise.allSettled(this.#inFlight.map(({ settled }) => settled));
  }

  #mustHaveTape(): LiveTapeMetadata {
    if (this.#tape === undefined) throw new Error(`feed ${feedNameOf(this.feed)} has no tape yet`);
    return this.#tape;
  }
}

function sameKind(record: FeedRecord, { decimals, intervalMs, analyticsVersion = 0 }: ClaimOptions): boolean {
  return (
    record.decimals === decimals && record.intervalMs === intervalMs && record.analyticsVersion === analyticsVersion
  );
}

/** Reasons may quote what a venue says: one is kept short, and is text whatever it was cut from. */
function shortened({ fromNs, reason }: NonNullable<FrameParts["gapBefore"]>): NonNullable<FrameParts["gapBefore"]> {
  return { fromNs, reason: Buffer.from(reason.slice(0, longestReason)).toString() };
}
