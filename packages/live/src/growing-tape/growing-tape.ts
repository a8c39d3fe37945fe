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
  type UnfinishedTape,
} from "@tapedeck/tape";
import { BlockBuilder, GrowingTimeline, type OverviewPoint } from "@tapedeck/tape/blocks";
import type { FeedRecord } from "../feed-store/feed-record.js";
import type { LiveInstrument } from "../feed-store/live-tape-id.js";
import { openSegments, type SeqRange } from "../segments/open-segments.js";
import type { LiveFrame } from "../stream/frame-message.js";
import { readFrames } from "../stream/read-frames.js";
import { findLiveEvent } from "./find-live-event.js";
import { GrowingIndex } from "./growing-index.js";
import { growingView } from "./growing-view.js";
import { StoredOverview } from "./stored-overview.js";
import { Tail } from "./tail.js";

/** What all tapes have in common that are made of the same parts and frames. */
export interface GrowingTapeContext {
  readonly store: TapeStore;
  readonly cache: BlockCache;
  readonly redis: RedisConnection;
  /** Key of the recent frames. */
  readonly stream: string;
  /** Brings the tape up to date with Redis, for who needs more than was heard. */
  readonly catchUp: () => Promise<void>;
  /** Somebody has begun to listen. */
  readonly onListen: () => void;
  /** Told of what went wrong and keeps nobody from anything else. */
  readonly onError: (error: unknown, what: string) => void;
}

/** What a tape is that never changes. */
export type TapeNature = Pick<
  FeedRecord,
  "tape" | "source" | "symbol" | "startNs" | "decimals" | "intervalMs" | "priceDecimals" | "sizeDecimals"
>;

/**
 * A live tape while it grows, as one process follows it: parts in the tape store, then the tail. The same object as long as the
 * process has it open; it goes on working when it is finished (`span.growing` turns false, and blocks come from the recorded
 * version).
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
  readonly #intervalMs: number | null;
  readonly #timelines = { skip: new GrowingTimeline("skip"), keep: new GrowingTimeline("keep") };
  readonly #listeners = new Set<() => void>();
  readonly #known: { priceDecimals: number; sizeDecimals: number };
  #parts: readonly RecordedTape[] = [];
  readonly #tail: Tail;
  /** Nothing before it is on the tape any more. */
  #firstSeq: Seq;
  #growing = true;
  #span: TapeSpan | undefined;
  #gaps: readonly Gap[] | undefined;
  #finished = false;
  /** The last gap that the timelines know. */
  #lastGap: Seq = -2;
  #refreshing: Promise<void> | undefined;
  #refreshAgain = false;
  readonly #overview = new StoredOverview();

  private constructor(nature: TapeNature, context: GrowingTapeContext, firstSeq: Seq) {
    const { tape, source, symbol, startNs, decimals, intervalMs, priceDecimals, sizeDecimals } = nature;
    this.id = tape;
    this.live = { source, symbol };
    this.symbol = symbol;
    this.source = source;
    this.startNs = startNs;
    this.decimals = decimals;
    this.#intervalMs = intervalMs;
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

  /** Opens a tape with what the store has of it: its parts, or the finished version. Frames that follow are to be added. */
  static async open(nature: TapeNature, context: GrowingTapeContext, stored: SeqRange): Promise<GrowingTape> {
    const tape = new GrowingTape(nature, context, stored.fromSeq);
    await tape.#refresh(stored.toSeq);
    return tape;
  }

  get span(): TapeSpan {
    this.#span ??= this.#measured();
    return this.#span;
  }

  get gaps(): readonly Gap[] {
    this.#gaps ??= [...this.#parts, ...this.#tail.blocks()]
      .flatMap(({ gaps }) => gaps)
      .filter(({ afterSeq }) => afterSeq >= this.span.firstSeq);
    return this.#gaps;
  }

  /** It has no frame yet, or none that can still be read. */
  get empty(): boolean {
    return this.#parts.length === 0 && this.#tail.length === 0;
  }

  timeline(policy: GapPolicy): Timeline {
    return this.#timelines[policy];
  }

  iso(ns: TapeNs): string {
    return isoOfNs(this.startNs + BigInt(Math.floor(ns)), this.decimals);
  }

  /** Told after `span` has changed: grown, cut by retention, or finished. Returns the function that ends the telling. */
  onGrown(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#context.onListen();
    return () => this.#listeners.delete(listener);
  }

  /** Whether anyone wants to be told. */
  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  /**
   * Resolves true when `span.lastSeq` is at least `seq`, reading what this process has not heard of; false when the tape will
   * not get there, or Redis has no more either.
   */
  async grownTo(seq: Seq): Promise<boolean> {
    if (seq > this.span.lastSeq && this.#growing) await this.#context.catchUp();
    return seq <= this.span.lastSeq;
  }

  // HOT: once per frame that is looked at.
  block(seq: Seq): Block | undefined {
    const part = this.index.segmentOf(seq);
    if (part !== undefined) return part.block(seq);
    return this.#tail.cachedBlock(this.#tail.blockOf(seq));
  }

  async load(seq: Seq): Promise<Block> {
    const { firstSeq, lastSeq } = this.span;
    if (!(seq >= firstSeq && seq <= lastSeq)) {
      throw new RangeError(`tape ${this.id} has frames ${firstSeq} to ${lastSeq}, not ${seq}`);
    }
    try {
      return await this.#unlessGone(() => this.#load(seq));
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
      return this.#unlessGone(async () => Math.max(firstSeq, (await this.index.segmentAt(ns)?.seqAt(ns)) ?? firstSeq));
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
    return this.#unlessGone(() => findLiveEvent(this.#parts, this.#tail, from, direction, filter, signal));
  }

  async overview(): Promise<readonly OverviewPoint[]> {
    if (this.#finished) return (await this.#parts[0]?.overview()) ?? [];
    const stored = await this.#unlessGone(() => this.#overview.of(this.#parts));
    const tail = [...this.#tail.blocks()].flatMap(({ points }) => points);
    const { firstSeq } = this.span;
    return [...stored, ...tail].filter(({ seq }) => seq >= firstSeq);
  }

  view(): TapeView {
    return growingView(this, this.#intervalMs, this.#parts, [...this.#tail.blocks()]);
  }

  // HOT: once per frame that is followed.
  /** Adds the frame after the last one. */
  append(frame: LiveFrame): void {
    this.#tail.add(frame);
    const { gap } = frame.frame;
    if (gap !== undefined) this.#noteGap(gap);
    this.#notePrecision(frame.precision);
    this.#changed();
  }

  /** What lies before this frame, with which a part begins, is no more on the tape. */
  dropBefore(firstSeq: Seq): void {
    if (firstSeq <= this.#firstSeq) return;
    this.#firstSeq = firstSeq;
    this.#parts = this.#parts.filter(({ span }) => span.lastSeq >= firstSeq);
    this.index.set(this.#parts, this.#tail);
    this.#gaps = undefined;
    this.#changed();
    for (const timeline of Object.values(this.#timelines)) timeline.dropBefore(this.span.firstNs);
  }

  /** No frame follows any more. */
  end(): void {
    if (!this.#growing) return;
    this.#growing = false;
    this.#changed();
  }

  /** Looks what the store has of the tape: parts come while it grows, and one day it is finished. */
  refresh(): Promise<void> {
    this.#refreshAgain = true;
    this.#refreshing ??= this.#refreshUntilNew().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refreshUntilNew(): Promise<void> {
    while (this.#refreshAgain) {
      this.#refreshAgain = false;
      await this.#refresh(this.#tail.firstSeq - 1);
    }
  }

  async #refresh(toSeq: Seq): Promise<void> {
    if (this.#finished) return;
    const { store, cache } = this.#context;
    const cover = { fromSeq: this.#firstSeq, toSeq };
    const { segments, finished } = await openSegments(store, this.id, cache, cover, {
      open: this.#parts,
      damaged: (error) => this.#context.onError(error, "a part of a live tape is left out"),
    });
    const covered = segments.at(-1)?.span.lastSeq ?? -1;
    // What this process has is worth more than a listing that has less, or other blocks.
    if (covered < this.#tail.firstSeq - 1 || !this.#tail.endsBlock(covered)) return;
    this.#finished = finished;
    this.#parts = segments;
    this.#tail.dropThrough(covered);
    this.index.set(segments, this.#tail);
    this.#gaps = undefined;
    for (const part of segments) {
      for (const gap of part.gaps) this.#noteGap(gap);
      this.#notePrecision(part.precision);
    }
    if (finished) this.#growing = false;
    this.#changed();
  }

  /** Parts are joined, and what has left the stream lies in a part: it may be a matter of looking again. */
  async #unlessGone<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    await this.refresh();
    return read();
  }

  #load(seq: Seq): Promise<Block> {
    const part = this.index.segmentOf(seq);
    if (part !== undefined) return part.load(seq);
    return this.#tail.load(this.#tail.blockOf(seq), (first, last) => this.#readBlock(first, last));
  }

  /** Reads a block of the tail that is no more in memory. */
  async #readBlock(first: Seq, last: Seq): Promise<Block> {
    const block = new BlockBuilder(first);
    for await (const frames of readFrames(this.#context.redis, this.#context.stream, first)) {
      for (const { frame } of frames) {
        block.add(frame);
        if (block.lastSeq === last) return block.toBlock();
      }
    }
    throw new FileMissing(`frames ${first} to ${last} of tape ${this.id} are no more in Redis`);
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
        this.#context.onError(error, "a listener failed at the growth of a tape"); // the others are to be told all the same
      }
    }
  }

  #measured(): TapeSpan {
    const [first, last] = [this.#parts[0]?.span, this.#parts.at(-1)?.span];
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

/** What was there is no more where it was. */
function isGone(error: unknown): boolean {
  return error instanceof FileMissing || (error instanceof DamagedTape && error.cause instanceof FileMissing);
}

/** Whether a tape is a live one that this process follows, finished or not. */
export function isGrowingTape(tape: Tape): tape is GrowingTape {
  return tape instanceof GrowingTape;
}
