import type { Precision } from "@tapedeck/market";
import { isoOfNs, type TapeNs, type TapeView, type TimeDecimals } from "@tapedeck/protocol";
import type { RedisConnection } from "@tapedeck/runtime";
import {
  type Block,
  type BlockCache,
  DamagedBlock,
  DamagedTape,
  type EventFilter,
  FileMissing,
  type Gap,
  type GapPolicy,
  type RecordedTape,
  type Seq,
  type Tape,
  type TapeEvent,
  type TapeSpan,
  type TapeStore,
  type Timeline,
  type TrackReader,
  type UnfinishedTape,
} from "@tapedeck/tape";
import { BlockBuilder, GrowingTimeline, type OverviewPoint } from "@tapedeck/tape/blocks";
import type { LiveInstrument } from "../feed-store/live-tape-id.js";
import { GrowingTrack } from "../growing-track/growing-track.js";
import { openSegments, type SeqRange } from "../segments/open-segments.js";
import type { LiveTapeMetadata } from "../segments/write-segment.js";
import type { LiveFrame } from "../stream/frame-message.js";
import { readFrames } from "../stream/read-frames.js";
import { findEvent } from "./find-event.js";
import { GrowingIndex } from "./growing-index.js";
import { growingView } from "./growing-view.js";
import { StoredOverview } from "./stored-overview.js";
import { Tail } from "./tail.js";

/** Where a growing tape reads its frames, and how it reports. */
interface GrowingTapeContext {
  readonly store: TapeStore;
  readonly cache: BlockCache;
  /** Undefined where there is none: then the tape has its segments only. */
  readonly redis: RedisConnection | undefined;
  /** Keys of the streams with the recent frames, and with the recent events. */
  readonly stream: string;
  readonly events: string;
  /** Key of the feed's hash. */
  readonly feed: string;
  /** Brings the tape up to date with Redis. */
  readonly catchUp: () => Promise<void>;
  /** A listener was added. */
  readonly onListen: () => void;
  /** Logs a failure that affects nothing else. */
  readonly onError: (error: unknown, what: string) => void;
}

/**
 * A live tape while it grows, as one process follows it: segments in the tape store, then the tail. It stays the same object as
 * long as the process has it open, also when it is finished: then `span.growing` is false, and blocks come from the finished
 * version.
 */
export class GrowingTape implements UnfinishedTape {
  readonly id: string;
  readonly live: LiveInstrument;
  readonly symbol: string;
  readonly source: string;
  readonly startNs: bigint;
  readonly decimals: TimeDecimals;
  readonly precision: Precision;
  readonly eventHorizonNs = Number.POSITIVE_INFINITY;
  readonly index: GrowingIndex;
  readonly #context: GrowingTapeContext;
  readonly #metadata: LiveTapeMetadata;
  readonly #timelines = { skip: new GrowingTimeline("skip"), keep: new GrowingTimeline("keep") };
  readonly #listeners = new Set<() => void>();
  readonly #known: { priceDecimals: number; sizeDecimals: number };
  #segments: readonly RecordedTape[] = [];
  readonly #tail: Tail;
  /** Earlier frames are no longer on the tape. */
  #firstSeq: Seq;
  #growing = true;
  /** When the newest frame came, on the monotonic clock. */
  #grownAt = performance.now();
  #span: TapeSpan | undefined;
  #gaps: readonly Gap[] | undefined;
  #finished = false;
  /** `afterSeq` of the last gap that the timelines have. */
  #lastGap: Seq = -2;
  #refreshing: Promise<void> | undefined;
  #refreshAgain = false;
  readonly #overview = new StoredOverview();
  /** Made when it is asked for. */
  #track: GrowingTrack | undefined;
  /** It has one, as far as was looked. */
  #hasTrack = false;

  private constructor(metadata: LiveTapeMetadata, context: GrowingTapeContext, firstSeq: Seq) {
    const { tape, source, symbol, startNs, decimals, priceDecimals, sizeDecimals } = metadata;
    this.id = tape;
    this.live = { source, symbol };
    this.symbol = symbol;
    this.source = source;
    this.startNs = startNs;
    this.decimals = decimals;
    this.#metadata = metadata;
    this.#context = context;
    this.#known = { priceDecimals, sizeDecimals };
    const known = this.#known;
    this.precision = {
      get priceDecimals() {
        return known.priceDecimals;
      },
      get sizeDecimals() {
        return known.sizeDecimals;
      },
    };
    this.#firstSeq = firstSeq;
    this.#tail = new Tail(firstSeq, context.cache);
    this.index = new GrowingIndex(this.#tail);
  }

  /** Opens a tape with its segments, or the finished version. The caller appends the frames that follow. */
  static async open(metadata: LiveTapeMetadata, context: GrowingTapeContext, stored: SeqRange): Promise<GrowingTape> {
    const tape = new GrowingTape(metadata, context, stored.fromSeq);
    await tape.#refresh(stored.toSeq);
    return tape;
  }

  get span(): TapeSpan {
    this.#span ??= this.#measured();
    return this.#span;
  }

  /** The time of the newest frame, and what has passed since it came: frames come when something has changed. */
  get edgeNs(): TapeNs | undefined {
    return this.#growing ? this.span.lastNs + (performance.now() - this.#grownAt) * 1e6 : undefined;
  }

  get gaps(): readonly Gap[] {
    this.#gaps ??= [...this.#segments, ...this.#tail.blocks()]
      .flatMap(({ gaps }) => gaps)
      .filter(({ afterSeq }) => afterSeq >= this.span.firstSeq);
    return this.#gaps;
  }

  /** While it grows, reading it rejects with `TrackNotFound` if the feed recorded none. */
  get track(): TrackReader | undefined {
    return this.#finished ? this.#segments[0]?.track : this.#growingTrack;
  }

  get #growingTrack(): GrowingTrack {
    const { store, cache, redis, events, feed } = this.#context;
    this.#track ??= new GrowingTrack({
      ...{ tape: this.id, store, cache, redis, stream: events, feed },
      span: () => this.span,
      finishedTrack: async () => {
        await this.refresh();
        return this.#finished ? this.#segments[0]?.track : undefined;
      },
    });
    return this.#track;
  }

  /** It has no frame yet, or none that can be read. */
  get empty(): boolean {
    return this.#segments.length === 0 && this.#tail.length === 0;
  }

  timeline(policy: GapPolicy): Timeline {
    return this.#timelines[policy];
  }

  iso(ns: TapeNs): string {
    return isoOfNs(this.startNs + BigInt(Math.floor(ns)), this.decimals);
  }

  /** Calls `listener` after each change of `span`: grown, cut by retention, or finished. Returns the function that ends it. */
  onGrown(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#context.onListen();
    return () => this.#listeners.delete(listener);
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  /** Resolves to whether `span.lastSeq` is at least `seq`, after reading from Redis what this process lacks. */
  async grownTo(seq: Seq): Promise<boolean> {
    if (seq > this.span.lastSeq && this.#growing) await this.#context.catchUp();
    return seq <= this.span.lastSeq;
  }

  // HOT: once per frame that is read.
  block(seq: Seq): Block | undefined {
    const segment = this.index.segmentOf(seq);
    if (segment !== undefined) return segment.block(seq);
    return this.#tail.cachedBlock(this.#tail.blockOf(seq));
  }

  async load(seq: Seq): Promise<Block> {
    const { firstSeq, lastSeq } = this.span;
    if (!(seq >= firstSeq && seq <= lastSeq)) {
      throw new RangeError(`tape ${this.id} has frames ${firstSeq} to ${lastSeq}, not ${seq}`);
    }
    try {
      return await this.#retryIfMoved(() => this.#load(seq));
    } catch (error) {
      if (!(error instanceof FileMissing)) throw error;
      const block = this.index.blockOf(seq);
      const [first, last] = [this.index.firstSeq(block), this.index.lastSeq(block)];
      throw new DamagedBlock(this.id, block, first, last, "is neither in Redis nor in the tape store", error);
    }
  }

  async seqAt(ns: TapeNs): Promise<Seq> {
    const { firstSeq, lastSeq, lastNs } = this.span;
    if (ns >= lastNs) return lastSeq;
    const at = this.#tail.blockAt(ns);
    const block = this.#tail.at(at);
    if (block === undefined) {
      return this.#retryIfMoved(async () =>
        Math.max(firstSeq, (await this.index.segmentAt(ns)?.seqAt(ns)) ?? firstSeq),
      );
    }
    if (ns >= block.lastNs) return block.lastSeq;
    return Math.max(firstSeq, (await this.load(block.firstSeq)).seqAt(ns));
  }

  async nsOf(seq: Seq): Promise<TapeNs> {
    return (this.block(seq) ?? (await this.load(seq))).nsOf(seq);
  }

  findEvent(
    from: Seq,
    direction: "next" | "previous",
    filter: EventFilter = {},
    signal?: AbortSignal,
  ): Promise<TapeEvent | undefined> {
    return this.#retryIfMoved(() => findEvent(this.#segments, this.#tail, from, direction, filter, signal));
  }

  async overview(): Promise<readonly OverviewPoint[]> {
    if (this.#finished) return (await this.#segments[0]?.overview()) ?? [];
    const stored = await this.#retryIfMoved(() => this.#overview.of(this.#segments));
    const tail = [...this.#tail.blocks()].flatMap(({ points }) => points);
    const { firstSeq } = this.span;
    return [...stored, ...tail].filter(({ seq }) => seq >= firstSeq);
  }

  /** What a listing says of it. Rejects with `UNAVAILABLE`, or if the store cannot be read. */
  async listed(): Promise<TapeView> {
    if (!this.#finished) this.#hasTrack ||= await this.#growingTrack.exists();
    return this.view();
  }

  /** `listed`, as far as it is known without looking whether there is an event track. */
  view(): TapeView {
    return growingView({
      tape: this.#metadata,
      span: this.span,
      gaps: this.gaps.map(({ fromNs, toNs, reason }) => ({ from: this.iso(fromNs), to: this.iso(toNs), reason })),
      stored: this.#segments.map((segment) => segment.view()),
      tail: [...this.#tail.blocks()],
      hasTrack: this.#finished ? this.track !== undefined : this.#hasTrack,
    });
  }

  // HOT: once per frame that is followed.
  /** Appends the next frame. */
  append(frame: LiveFrame): void {
    this.#tail.add(frame);
    this.#grownAt = performance.now();
    const { gap } = frame.frame;
    if (gap !== undefined) this.#noteGap(gap);
    this.#notePrecision(frame.precision);
    this.#changed();
  }

  /** Drops the frames before this one, the first of a segment: retention has erased them. */
  dropBefore(firstSeq: Seq): void {
    if (firstSeq <= this.#firstSeq) return;
    this.#firstSeq = firstSeq;
    this.#segments = this.#segments.filter(({ span }) => span.lastSeq >= firstSeq);
    this.index.set(this.#segments, this.#tail);
    this.#gaps = undefined;
    this.#changed();
    for (const timeline of Object.values(this.#timelines)) timeline.dropBefore(this.span.firstNs);
  }

  /** No more frames follow. */
  end(): void {
    if (!this.#growing) return;
    this.#growing = false;
    this.#changed();
  }

  /** Reads from the store which segments the tape has now, or whether it is finished. */
  refresh(): Promise<void> {
    this.#refreshAgain = true;
    this.#refreshing ??= this.#refreshUntilCurrent().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refreshUntilCurrent(): Promise<void> {
    while (this.#refreshAgain) {
      this.#refreshAgain = false;
      await this.#refresh(this.#tail.firstSeq - 1);
    }
  }

  async #refresh(toSeq: Seq): Promise<void> {
    if (this.#finished) return;
    const { store, cache } = this.#context;
    const range = { fromSeq: this.#firstSeq, toSeq };
    const { segments, finished } = await openSegments(store, this.id, cache, range, {
      open: this.#segments,
      onDamaged: (error) => this.#context.onError(error, "a damaged segment of a live tape is left out"),
    });
    const storedSeq = segments.at(-1)?.span.lastSeq ?? -1;
    // A listing with fewer frames, or other blocks, must not replace what this process has.
    if (storedSeq < this.#tail.firstSeq - 1 || !this.#tail.endsBlock(storedSeq)) return;
    this.#finished = finished;
    this.#segments = segments;
    this.#tail.dropThrough(storedSeq);
    this.index.set(segments, this.#tail);
    this.#gaps = undefined;
    for (const segment of segments) {
      for (const gap of segment.gaps) this.#noteGap(gap);
      this.#notePrecision(segment.precision);
    }
    if (finished) this.#growing = false;
    this.#changed();
  }

  /** Segments are joined, and frames move from the stream to a segment: a read that misses them is repeated after a refresh. */
  async #retryIfMoved<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!hasMoved(error)) throw error;
    }
    await this.refresh();
    return read();
  }

  #load(seq: Seq): Promise<Block> {
    const segment = this.index.segmentOf(seq);
    if (segment !== undefined) return segment.load(seq);
    return this.#tail.load(this.#tail.blockOf(seq), (first, last) => this.#readBlock(first, last));
  }

  /** Reads an evicted block of the tail. */
  async #readBlock(first: Seq, last: Seq): Promise<Block> {
    const { redis, stream } = this.#context;
    const block = new BlockBuilder(first);
    for await (const frames of redis === undefined ? [] : readFrames(redis, stream, first)) {
      for (const { frame } of frames) {
        block.add(frame);
        if (block.lastSeq === last) return block.toBlock();
      }
    }
    throw new FileMissing(`frames ${first} to ${last} of tape ${this.id} are no longer in Redis`);
  }

  #noteGap(gap: Gap): void {
    if (gap.afterSeq <= this.#lastGap) return;
    this.#lastGap = gap.afterSeq;
    this.#gaps = undefined;
    for (const timeline of Object.values(this.#timelines)) timeline.add(gap);
  }

  #notePrecision({ priceDecimals, sizeDecimals }: Precision): void {
    if (priceDecimals > this.#known.priceDecimals) this.#known.priceDecimals = priceDecimals;
    if (sizeDecimals > this.#known.sizeDecimals) this.#known.sizeDecimals = sizeDecimals;
  }

  #changed(): void {
    this.#span = undefined;
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        this.#context.onError(error, "a listener failed to handle the growth of a tape");
      }
    }
  }

  #measured(): TapeSpan {
    const [first, last] = [this.#segments[0]?.span, this.#segments.at(-1)?.span];
    const [tail, lastNs] = [this.#tail, this.#tail.lastNs];
    return {
      firstSeq: first?.firstSeq ?? tail.firstSeq,
      firstNs: first?.firstNs ?? tail.at(0)?.firstNs ?? 0,
      lastSeq: tail.lastSeq,
      lastNs: lastNs ?? last?.lastNs ?? 0,
      growing: this.#growing,
    };
  }
}

/** The frames are no longer where they were. */
function hasMoved(error: unknown): boolean {
  return error instanceof FileMissing || (error instanceof DamagedTape && error.cause instanceof FileMissing);
}

/** Whether this process follows the tape as a live one, finished or not. */
export function isGrowingTape(tape: Tape): tape is GrowingTape {
  return tape instanceof GrowingTape;
}
