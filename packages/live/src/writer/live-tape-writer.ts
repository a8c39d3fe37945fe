import type { FrameParts, Precision } from "@tapedeck/market";
import type { FeedStatus, TapeNs, TimeDecimals } from "@tapedeck/protocol";
import type { Logger, RedisConnection } from "@tapedeck/runtime";
import { flattenHash, type Keys } from "@tapedeck/sessions";
import { parseTapeName, type Seq, type TapeStore, tapeName } from "@tapedeck/tape";
import { type BlockFill, frameProblem, markGap, serializeFrame } from "@tapedeck/tape/blocks";
import { type FeedRecord, noTape, tapeFields } from "../feed-store/feed-record.js";
import { FeedStore, feedNameOf } from "../feed-store/feed-store.js";
import { type LiveInstrument, liveTapeId } from "../feed-store/live-tape-id.js";
import { finishAlone } from "../segments/finish-alone.js";
import { SegmentStorage, type StoredRange } from "../segments/segment-storage.js";
import type { LiveTapeMetadata } from "../segments/write-segment.js";
import { encodeFrame, type LiveFrame } from "../stream/frame-message.js";
import { LiveTrack, type TrackState } from "../track/live-track.js";
import { recoverTrack, storeRemainingEvents } from "../track/recover-track.js";
import type { TrackEntry } from "../track/track-entry.js";
import { beginsBlock, grownBlock } from "./block-borders.js";
import { claimFeed, type RecoveryState, readRecoveryState, storeRemainingFrames } from "./claim.js";
import { RecentFrames } from "./recent-frames.js";
import { type LiveTapeSettings, liveTapeDefaults } from "./settings.js";
import { UnstoredFrames } from "./unstored-frames.js";

export interface ClaimOptions {
  /** A connection without an offline queue: a command that cannot be sent now fails now. */
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly store: TapeStore;
  readonly source: string;
  readonly symbol: string;
  readonly node: string;
  readonly decimals: TimeDecimals;
  /** Milliseconds from frame to frame. */
  readonly intervalMs: number | null;
  /** Read at each frame: a feed learns the decimals of its instrument over time. */
  readonly precision: Precision;
  readonly analyticsVersion?: number;
  readonly settings?: Partial<LiveTapeSettings>;
  readonly log: Logger;
}

/**
 * The outcome of an append: the frame is on the tape (`appended`); another writer has claimed the feed (`fenced`: stop at once);
 * Redis lost data, or the tape store keeps failing (`lost`: claim again, which begins another tape).
 */
export type AppendOutcome = "appended" | "fenced" | "lost";
/** Whether the claim is still held; otherwise as for an append. */
export type ClaimStatus = "held" | "fenced" | "lost";

/** A frame on its way to Redis, and the progress before it. */
interface InFlight {
  readonly parts: FrameParts;
  readonly frame: LiveFrame<string>;
  readonly events: readonly TrackEntry[];
  readonly bytes: number;
  readonly before: Progress;
  readonly settled: Promise<AppendOutcome>;
}

/** How far the tape has got. */
interface Progress {
  readonly nextSeq: Seq;
  readonly lastNs: TapeNs;
  readonly block: BlockFill | undefined;
}

const maxReasonLength = 300;

/** The only writer of a feed's tape, until another one claims it. */
export class LiveTapeWriter {
  readonly feed: LiveInstrument;
  /** The tape that it continues, after a marked gap. Undefined: the first append begins a new tape. */
  readonly continues: { readonly startNs: bigint; readonly lastNs: TapeNs; readonly lastSeq: Seq } | undefined;
  readonly #options: ClaimOptions;
  readonly #feeds: FeedStore;
  readonly #settings: LiveTapeSettings;
  readonly #log: Logger;
  readonly #owner: string;
  readonly #claim: number;
  readonly #unstored = new UnstoredFrames();
  readonly #recent: RecentFrames;
  readonly #storage: SegmentStorage;
  readonly #track: LiveTrack;
  #tape: LiveTapeMetadata | undefined;
  #progress: Progress = { nextSeq: 0, lastNs: 0, block: undefined };
  /** Earlier frames may leave Redis once they are stored. */
  #keepFrom: Seq = 0;
  #status: FeedStatus = { status: "connecting" };
  #ended: "fenced" | "lost" | undefined;
  #cleanup: Promise<void> | undefined;
  #inFlight: InFlight[] = [];
  /** Frames that have to be appended again before any other. */
  #unacknowledged: FrameParts[] = [];

  private constructor(
    options: ClaimOptions,
    feeds: FeedStore,
    record: FeedRecord,
    recovered: RecoveryState | undefined,
    track: TrackState | undefined,
  ) {
    const { source, symbol, log, settings } = options;
    this.feed = { source, symbol };
    this.#options = options;
    this.#feeds = feeds;
    this.#settings = { ...liveTapeDefaults, ...settings };
    this.#log = log.child({ feed: feedNameOf(this.feed) });
    this.#owner = record.owner;
    this.#claim = record.claim;
    this.#recent = new RecentFrames(this.#settings.recentSeconds, this.#settings.recentBytes);
    this.#track = new LiveTrack({
      ...{ feeds, store: options.store, feed: this.feed, owner: record.owner, claim: record.claim, log: this.#log },
      tape: () => this.tape,
      settings: this.#settings.track,
      continues: track,
    });
    this.#storage = new SegmentStorage({
      store: options.store,
      track: this.#track,
      settings: this.#settings,
      log: this.#log,
      unstored: this.#unstored,
      segments: recovered?.segments ?? [],
      firstSeq: recovered?.firstSeq ?? 0,
      tape: () => this.#requireTape(),
      publish: (range) => this.#publishRange(range),
    });
    if (recovered?.last === undefined) return;
    this.#tape = record;
    this.continues = { startNs: record.startNs, lastNs: recovered.last.frame.ns, lastSeq: recovered.last.seq };
    this.#progress = { nextSeq: recovered.last.seq + 1, lastNs: recovered.last.frame.ns, block: undefined };
    for (const frame of recovered.unstored) this.#addUnstored(frame, frame.frame.text.length);
  }

  /**
   * Claims a feed: every other writer is fenced from now on. Its tape is continued, unless frames are missing or their kind differs.
   * Rejects while Redis is away.
   */
  static async claim(options: ClaimOptions): Promise<LiveTapeWriter> {
    const { redis, keys, store, node, source, symbol, log } = options;
    const feed = { source, symbol };
    const feeds = new FeedStore(redis, keys);
    const record = await claimFeed(feeds, feed, node);
    if (record.tape === "") return new LiveTapeWriter(options, feeds, record, undefined, undefined);
    const [recovered, track] = await Promise.all([
      readRecoveryState(feeds, store, record),
      recoverTrack(feeds, store, feed, record.tape),
    ]);
    const { maxUnstoredBytes } = { ...liveTapeDefaults, ...options.settings };
    const unstoredBytes = recovered.unstored.reduce((sum, { frame }) => sum + frame.text.length, 0);
    if (recovered.last !== undefined && sameKind(record, options) && unstoredBytes <= maxUnstoredBytes) {
      const inParts = store.segments(parseTapeName(record.tape).id);
      for (const { id } of recovered.superseded) await inParts.erase(id);
      return new LiveTapeWriter(options, feeds, record, recovered, track);
    }
    const { lastSeq, tape } = record;
    log.warn(
      { feed: feedNameOf(feed), tape, lastSeq, unstoredBytes, found: recovered.last?.seq },
      "live tape cannot be continued, another begins",
    );
    await storeRemainingFrames(store, record, recovered.unstored)
      .then(() => storeRemainingEvents(store, record, track))
      .catch((error: unknown) => {
        log.error({ err: error, tape }, "the last frames of a live tape could not be stored");
      });
    // If another writer has claimed the feed meanwhile, the first append reports `fenced`.
    await feeds.clearTape(feed, { owner: record.owner });
    return new LiveTapeWriter(options, feeds, record, undefined, undefined);
  }

  /** `id@1`; empty before the first frame of a new tape. */
  get tape(): string {
    return this.#progress.nextSeq === 0 ? "" : (this.#tape?.tape ?? "");
  }

  /**
   * Appends a frame. May be called again before the last call has settled; frames keep the order of the calls. Rejects while
   * Redis is away: then that frame and all later ones have to be appended again in order; none is on the tape twice. Rejects with
   * `RangeError` for an invalid frame, or one at the wrong place, and ignores it.
   *
   * @param startNs nanoseconds since 1970 of `parts.ns` 0. A continued tape has its own (`continues.startNs`).
   * @param events what the frame shows for the first time, for the event track
   */
  append(parts: FrameParts, startNs: bigint, events: readonly TrackEntry[] = []): Promise<AppendOutcome> {
    if (this.#ended !== undefined) return this.#outcome();
    // The getters of `parts` may build the text at each access: read them once.
    const plain = { ...parts, gapBefore: parts.gapBefore && shortened(parts.gapBefore) };
    const problem = this.#problemOf(parts) ?? frameProblem(plain);
    if (problem !== undefined) return Promise.reject(new RangeError(`Frame ${this.#progress.nextSeq} ${problem}.`));
    this.#unacknowledged.shift();
    const tape = this.#tape ?? this.#newTape(startNs);
    const fields =
      this.#progress.nextSeq === 0 ? tapeFields({ ...noTape, ...tape, lastSeq: 0 }) : this.#newPrecision(tape);
    const frame = this.#liveFrame(plain, tape);
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
        (reply) => this.#onReply(flight, reply),
        (error: unknown) => this.#onError(flight, error),
      );
    const flight: InFlight = { parts, frame, events, bytes: message.length, before: this.#progress, settled };
    this.#inFlight.push(flight);
    this.#progress = {
      nextSeq: frame.seq + 1,
      lastNs: parts.ns,
      block: grownBlock(this.#progress.block, frame.frame, frame.beginsBlock),
    };
    return settled;
  }

  /** Whether the tape has begun, and every frame so far is on it. */
  get idle(): boolean {
    return this.tape !== "" && this.#inFlight.length === 0 && this.#unacknowledged.length === 0;
  }

  /** Adds events that no frame shows yet to the event track. Throws while it is not `idle`: then they come with the next frame. */
  addEvents(events: readonly TrackEntry[]): void {
    if (!this.idle) throw new Error("frames are on their way, which have to come before the events");
    if (this.#ended === undefined) this.#track.add(this.#progress.nextSeq, events);
  }

  /** Publishes the feed's status to all followers. */
  async publishStatus(status: FeedStatus): Promise<ClaimStatus> {
    if (this.#ended !== undefined) return this.#ended;
    const changed = status.status !== this.#status.status;
    const { reason = "" } = status;
    const fields = {
      status: status.status,
      reason: reason.slice(0, maxReasonLength),
      ...(changed && { since: "@now" }),
    };
    const claim = await this.#change(fields);
    if (claim === "held") this.#status = status;
    return claim;
  }

  /** Renews the claim: about once a second. */
  async renew(): Promise<ClaimStatus> {
    if (this.#ended !== undefined) return this.#ended;
    const { source, symbol } = this.feed;
    const reply = await this.#feeds.redis.liveRenew(this.#feeds.keys.liveTape(source, symbol), this.#owner);
    return reply === 1 ? "held" : this.#end(reply === 0 ? "fenced" : "lost");
  }

  /** Resolves when every append is acknowledged and no segment is being stored. */
  async settled(): Promise<void> {
    await this.#drain();
    await this.#storage.idle();
  }

  /** Gives the claim back, for another worker to continue the tape. */
  async release(): Promise<void> {
    await this.#drain();
    await this.#storage.stop();
    if (this.#ended !== undefined) return;
    await this.#track.flush();
    this.#track.end("fenced");
    await this.#change({ owner: "", node: "", seen_ms: 0 });
    this.#ended = "fenced";
  }

  /** `end`, and what it leaves to do. */
  async finish(): Promise<void> {
    const finishing = await this.end();
    await finishing();
  }

  /**
   * Ends the tape: stores its last frames and gives up the feed. Rejects with `TapeWriteError` if the store fails, and with `UNAVAILABLE`: then
   * it can be repeated, or the claim released.
   *
   * @returns what makes an ordinary tape of the segments, and removes the feed from Redis. If that fails, it is logged, and maintenance tries again.
   */
  async end(): Promise<() => Promise<void>> {
    await this.#drain();
    if (this.#ended !== undefined) return async () => undefined;
    const tape = this.tape;
    await this.#storage.storeRest();
    this.#track.end("fenced");
    // Before the claim ends: afterwards they may be those of the next tape.
    await this.#feeds.removeEvents(this.feed);
    const unclaimed = { owner: "", node: "", seen_ms: 0, status: "connecting", reason: "" };
    const ended = await this.#feeds.change(
      this.feed,
      { owner: this.#owner },
      { ...tapeFields(noTape), ...unclaimed },
      "clear",
    );
    this.#ended = "fenced";
    if (typeof ended !== "object") return async () => undefined;
    return () => this.#finish(tape, ended.rev);
  }

  async #finish(tape: string, rev: number): Promise<void> {
    try {
      if (tape !== "") await finishAlone(this.#feeds, this.#options.store, tape);
    } catch (error) {
      this.#log.error({ err: error, tape }, "live tape not finished; maintenance will retry");
    }
    try {
      await this.#feeds.change(this.feed, { rev }, {}, "remove");
      await this.#feeds.dropClaim(this.feed, this.#claim);
    } catch (error) {
      this.#log.warn({ err: error, tape }, "the feed's hash is not removed; maintenance will see to it");
    }
  }

  #problemOf(parts: FrameParts): string | undefined {
    const [again] = this.#unacknowledged;
    if (again !== undefined && again !== parts) return "is not the next one to be appended again";
    const { nextSeq, lastNs } = this.#progress;
    if (nextSeq === 0 && parts.ns !== 0) return `is the first one, but at ${parts.ns} ns instead of 0`;
    return parts.ns < lastNs ? `is ${lastNs - parts.ns} ns earlier than its predecessor` : undefined;
  }

  #newTape(startNs: bigint): LiveTapeMetadata {
    const { decimals, intervalMs, precision, analyticsVersion = 0 } = this.#options;
    const { priceDecimals, sizeDecimals } = precision;
    const tape = tapeName(liveTapeId(this.feed, this.#claim), 1);
    const { source, symbol } = this.feed;
    this.#tape = { tape, source, symbol, startNs, decimals, intervalMs, analyticsVersion, priceDecimals, sizeDecimals };
    return this.#tape;
  }

  /** The fields for decimals that became known since the last frame. */
  #newPrecision(tape: LiveTapeMetadata): Record<string, number> | undefined {
    const { priceDecimals, sizeDecimals } = this.#options.precision;
    if (priceDecimals <= tape.priceDecimals && sizeDecimals <= tape.sizeDecimals) return undefined;
    const known = {
      priceDecimals: Math.max(priceDecimals, tape.priceDecimals),
      sizeDecimals: Math.max(sizeDecimals, tape.sizeDecimals),
    };
    this.#tape = { ...tape, ...known };
    return { price_decimals: known.priceDecimals, size_decimals: known.sizeDecimals };
  }

  #liveFrame(parts: FrameParts, tape: LiveTapeMetadata): LiveFrame<string> {
    const { nextSeq, lastNs, block } = this.#progress;
    const gap = nextSeq === 0 ? undefined : markGap(parts, nextSeq, lastNs);
    const { priceDecimals, sizeDecimals } = this.#tape ?? tape;
    const frame = serializeFrame(nextSeq, parts, gap, sizeDecimals);
    const precision = { priceDecimals, sizeDecimals };
    return { claim: this.#claim, seq: nextSeq, beginsBlock: beginsBlock(block), frame, precision };
  }

  async #onReply(flight: InFlight, reply: 1 | 2 | 0 | -1): Promise<AppendOutcome> {
    if (this.#inFlight[0] !== flight) throw new Error("An earlier frame was not acknowledged; append it first.");
    this.#inFlight.shift();
    if (reply === 0 || reply === -1) {
      this.#progress = flight.before;
      this.#inFlight = [];
      this.#end(reply === 0 ? "fenced" : "lost");
      return this.#outcome();
    }
    this.#addUnstored(flight.frame, flight.bytes);
    this.#track.show(flight.frame.seq, flight.events);
    this.#storage.maintain(flight.frame.frame.ns);
    const { bytes } = this.#unstored;
    if (bytes > this.#settings.maxUnstoredBytes) {
      this.#log.error({ tape: this.tape, bytes }, "the tape store keeps failing: the live tape ends here");
      this.#end("lost");
    }
    return "appended";
  }

  #onError(flight: InFlight, error: unknown): never {
    const at = this.#inFlight.indexOf(flight);
    if (at >= 0) {
      // Earlier ones may still be acknowledged; all later ones failed as well.
      this.#unacknowledged = [...this.#inFlight.slice(at).map(({ parts }) => parts), ...this.#unacknowledged];
      this.#inFlight = this.#inFlight.slice(0, at);
      this.#progress = flight.before;
    }
    throw error;
  }

  #addUnstored(frame: LiveFrame, bytes: number): void {
    this.#unstored.add(frame, bytes);
    this.#keepFrom = this.#recent.add(frame.seq, frame.frame.ns, bytes);
  }

  async #publishRange({ firstSeq, storedSeq, segmentCount }: StoredRange): Promise<boolean> {
    return (await this.#change({ first_seq: firstSeq, stored_seq: storedSeq, parts: segmentCount })) === "held";
  }

  async #change(fields: Readonly<Record<string, string | number>>): Promise<ClaimStatus> {
    const changed = await this.#feeds.change(this.feed, { owner: this.#owner }, fields);
    if (typeof changed === "object") return "held";
    return this.#end(changed === "other" ? "fenced" : "lost");
  }

  /** Nothing can be appended any more. Frames that Redis lost are still here, and go to the store. */
  #end(why: "fenced" | "lost"): "fenced" | "lost" {
    if (this.#ended !== undefined) return this.#ended;
    this.#ended = why;
    this.#track.end(why);
    this.#cleanup = (why === "lost" ? this.#abandonTape() : this.#storage.stop()).catch((error: unknown) => {
      this.#log.error({ err: error, tape: this.tape }, "the last frames of a live tape could not be stored");
    });
    return why;
  }

  /** Stores what is left, and clears the tape, so that the next claim does not try to continue it. */
  async #abandonTape(): Promise<void> {
    try {
      await this.#storage.storeRest();
    } finally {
      await this.#feeds.clearTape(this.feed, { owner: this.#owner });
    }
  }

  /** Resolves once the last frames of a lost tape are stored. */
  async #outcome(): Promise<"fenced" | "lost"> {
    const why = this.#ended ?? "fenced";
    if (why === "lost") await this.#cleanup;
    return why;
  }

  /** Waits for the frames in flight. */
  async #drain(): Promise<void> {
    await Promise.allSettled(this.#inFlight.map(({ settled }) => settled));
  }

  #requireTape(): LiveTapeMetadata {
    if (this.#tape === undefined) throw new Error(`feed ${feedNameOf(this.feed)} has no tape yet`);
    return this.#tape;
  }
}

function sameKind(record: FeedRecord, { decimals, intervalMs, analyticsVersion = 0 }: ClaimOptions): boolean {
  return (
    record.decimals === decimals && record.intervalMs === intervalMs && record.analyticsVersion === analyticsVersion
  );
}

/** A reason may quote a venue: it is cut to a length, and repaired where the cut splits a character. */
function shortened({ fromNs, reason }: NonNullable<FrameParts["gapBefore"]>): NonNullable<FrameParts["gapBefore"]> {
  return { fromNs, reason: Buffer.from(reason.slice(0, maxReasonLength)).toString() };
}
