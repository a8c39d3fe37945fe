import {
  framesPerSegment,
  type IncidentLabel,
  impactSegments,
  type OwnOrder,
  type SimulatedMarket,
  segmentOfFrame,
  segments,
  simulatedStartNs,
} from "@tapedeck/market";
import { isoOfNs, type TapeNs, type TapeView, type TimeDecimals } from "@tapedeck/protocol";
import type { LRUCache } from "lru-cache";
import { RecordedBlock } from "../format/block.js";
import { severityRank } from "../format/events.js";
import { longestRangeNs } from "../range-limit.js";
import type { BlockCache } from "../reading/block-cache.js";
import { timelineOf } from "../reading/timeline.js";
import type { Block, EventFilter, GapPolicy, Seq, Tape, TapeEvent, TapeIndex, TapeSpan, Timeline } from "../tape.js";
import { tapeName } from "../tape-id.js";
import type { TrackReader } from "../track/track-reader.js";
import type { PlacedOrder } from "./forks.js";
import { blockCount, blocksPerSegment, frameCount, frameNs, framesPerSimulatedBlock } from "./layout.js";
import { PendingBlocks } from "./pending-blocks.js";
import type { BlockTask } from "./running/checkpoints.js";
import { ordersIn, type TrackStretch } from "./running/track-run.js";
import type { MarketSearch } from "./search-thread.js";
import type { SegmentGenerator } from "./segment-pool.js";
import type { SegmentTask } from "./segment-worker.js";
import { PartOfBlock } from "./sharing/part-of-block.js";
import { type SimulatedName, simulatedId } from "./simulated-name.js";
import { bytesOf, type SegmentLevels, type SegmentOrders } from "./track/segment-track.js";
import { type FrameSpan, SimulatedTrack } from "./track/simulated-track.js";

/** How far a search for an event goes, in minutes of market time: one takes 0.1 to 0.2 s of CPU. */
const minutesSearched = 15;

/** The content of a block is unknown before it is generated. */
const index: TapeIndex = {
  blocks: blockCount,
  blockOf: (seq) => Math.min(blockCount - 1, Math.max(0, Math.floor(seq / framesPerSimulatedBlock))),
  firstSeq: (block) => block * framesPerSimulatedBlock,
  lastSeq: (block) => (block + 1) * framesPerSimulatedBlock - 1,
  firstNs: (block) => block * framesPerSimulatedBlock * frameNs,
  lastNs: (block) => ((block + 1) * framesPerSimulatedBlock - 1) * frameNs,
  trades: () => Number.POSITIVE_INFINITY,
  bookOnly: () => false,
};

/** Keys of event tracks in the cache, after those of blocks. */
const levelKeys = 2 ** 21;
const orderKeys = levelKeys + segments;
const trackKeys = orderKeys + segments;
const segmentLevels = { sizeOf: bytesOf };
const segmentOrders = { sizeOf: bytesOf };
const blockTracks = { sizeOf: bytesOf };

/** How many frames before their first one the next segment and the next block are made ahead of playback. */
const ahead = {
  /** A segment is made as a whole. */
  market: { segment: framesPerSegment / 2, block: 0 },
  orders: { segment: framesPerSegment / 2, block: framesPerSimulatedBlock / 2 },
  /** Where a bot trades, the next order would change them again. */
  trading: { segment: framesPerSimulatedBlock / 2, block: 10 },
} as const;

/** Whether an order can affect a segment's frames; their analytics depend on the segment before. */
function affects(segment: number, { seq }: OwnOrder): boolean {
  const since = segment - segmentOfFrame(seq);
  return since >= 0 && since <= impactSegments + 1;
}

/** How many of these are in frames up to one. The last ones are looked at first: mostly one asks about the newest frames. */
function ordersUpTo(orders: readonly OwnOrder[], seq: Seq): number {
  let count = orders.length;
  while (count > 0 && (orders[count - 1]?.seq ?? 0) > seq) count--;
  return count;
}

interface SimulatedTapeParts {
  readonly name: SimulatedName;
  readonly market: SimulatedMarket;
  readonly cache: BlockCache;
  readonly maker: SegmentGenerator;
  readonly search: MarketSearch;
  /** Events of segments that were searched or made, by a number of their own: for all tapes of the process. */
  readonly events: LRUCache<number, readonly TapeEvent[]>;
  /** Those that lead up to the one in its name. */
  readonly orders?: readonly PlacedOrder[];
  /** The tape with the orders up to this one, and none after it. */
  readonly untilOrder?: (order: PlacedOrder | undefined) => SimulatedTape;
}

/** A tape that is generated while it is played. Nothing of it is stored but its id, and the orders of a fork. */
export class SimulatedTape implements Tape {
  readonly id: string;
  readonly symbol: string;
  readonly source = "SIMULATION";
  readonly startNs = simulatedStartNs;
  readonly decimals: TimeDecimals = 3;
  readonly precision: Tape["precision"];
  readonly span: TapeSpan = {
    firstSeq: 0,
    lastSeq: frameCount - 1,
    firstNs: 0,
    lastNs: (frameCount - 1) * frameNs,
    growing: false,
  };
  readonly longestRangeNs = longestRangeNs;
  readonly eventHorizonNs = minutesSearched * 60e9;
  readonly gaps = [];
  readonly index = index;
  readonly track: TrackReader;
  /** The orders of the user whose market this is, in order of their frames. */
  readonly orders: readonly PlacedOrder[];
  readonly name: SimulatedName;
  /** `id@version` of the market without orders. */
  readonly market: string;
  readonly #market: SimulatedMarket;
  readonly #cache: BlockCache;
  readonly #cacheKey: number;
  readonly #maker: SegmentGenerator;
  readonly #search: MarketSearch;
  readonly #events: LRUCache<number, readonly TapeEvent[]>;
  readonly #untilOrder: (order: PlacedOrder | undefined) => SimulatedTape;
  /** By the number of their first one. */
  readonly #making = new Map<number, PendingBlocks>();
  /** The blocks that were requested ahead of playback. */
  readonly #ahead = { segment: -1, block: -1 };
  /** The tape that generates the block that was read last. */
  #shown: { readonly block: number; readonly maker: SimulatedTape } | undefined;

  constructor(parts: SimulatedTapeParts) {
    const { name, market, cache, maker, search, events, orders = [], untilOrder = () => this } = parts;
    this.id = tapeName(simulatedId(name), name.version);
    const { fork: _, ...bare } = name;
    this.market = tapeName(simulatedId(bare), name.version);
    this.symbol = name.symbol;
    const { priceDecimals, sizeDecimals } = market.instrument;
    this.precision = { priceDecimals, sizeDecimals };
    this.name = name;
    this.orders = orders;
    this.#untilOrder = untilOrder;
    this.#market = market;
    this.#cache = cache;
    this.#cacheKey = cache.newTape();
    this.#maker = maker;
    this.#search = search;
    this.#events = events;
    this.track = new SimulatedTrack({
      id: this.id,
      startNs: this.startNs,
      decimals: { price: priceDecimals, size: sizeDecimals },
      spanOf: (seq) => this.#trackSpan(seq),
      levels: (span) => this.#levels(span),
      orders: (span) => this.#orderRecords(span),
    });
  }

  timeline(policy: GapPolicy): Timeline {
    return timelineOf(this.gaps, policy);
  }

  iso(ns: TapeNs): string {
    return isoOfNs(this.startNs + BigInt(Math.floor(ns)), this.decimals);
  }

  // HOT: once per frame that is looked at.
  block(seq: Seq): Block | undefined {
    this.#makeAhead(seq);
    const number = Math.floor(seq / framesPerSimulatedBlock);
    return this.#makerOf(number).#block(number) ?? this.#shared(seq, number);
  }

  /**
   * The frames before an order are those of the tape without it. While they are in memory an order that is still to come makes no work: several that
   * the market sees with one frame are made once.
   */
  #shared(seq: Seq, number: number): Block | undefined {
    const { orders } = this;
    const next = orders[ordersUpTo(orders, seq)];
    if (next === undefined) return undefined;
    const block = this.asOf(seq).#makerOf(number).#block(number);
    // A part is not kept: a tape may outlive the cache's block by far.
    return block === undefined || block.lastSeq < next.seq ? block : new PartOfBlock(block, next.seq - 1);
  }

  asOf(seq: Seq): SimulatedTape {
    const count = ordersUpTo(this.orders, seq);
    return count === this.orders.length ? this : this.#untilOrder(this.orders[count - 1]);
  }

  #block(number: number): Block | undefined {
    return this.#cache.get(this.#cacheKey + number);
  }

  async load(seq: Seq): Promise<Block> {
    if (!(seq >= 0 && seq < frameCount))
      throw new RangeError(`tape ${this.id} has frames 0 to ${frameCount - 1}, not ${seq}`);
    const number = Math.floor(seq / framesPerSimulatedBlock);
    return this.#makerOf(number).#load(number);
  }

  #load(number: number): Promise<Block> {
    return this.#cache.load(this.#cacheKey + number, async () => await this.#make(number).block(number));
  }

  /**
   * The tape that generates a block. An order affects its own block and later ones, as far as its impact and the analytics of the segment after that; all
   * others are those of the tape without it.
   */
  #makerOf(block: number): SimulatedTape {
    if (this.orders.length === 0) return this;
    if (this.#shown?.block !== block) this.#shown = { block, maker: this.#findMaker(block) };
    return this.#shown.maker;
  }

  #findMaker(block: number): SimulatedTape {
    const segment = Math.floor(block / blocksPerSegment);
    const last = this.orders.findLast(({ seq }) => seq <= index.lastSeq(block));
    const counts = last !== undefined && affects(segment, last);
    return counts && last === this.orders.at(-1) ? this : this.#untilOrder(counts ? last : undefined);
  }

  /** The tape that generates the last block of a segment, by which the market has seen all orders of it. */
  #makerOfWhole(segment: number): SimulatedTape {
    return this.#findMaker((segment + 1) * blocksPerSegment - 1);
  }

  #trackSpan(seq: Seq): FrameSpan {
    const segment = segmentOfFrame(seq);
    const isWhole = this.#makerOfWhole(segment).orders.length === 0;
    const frames = isWhole ? framesPerSegment : framesPerSimulatedBlock;
    const first = seq - (seq % frames);
    return { first, last: first + frames - 1, isWhole };
  }

  async #levels({ first }: FrameSpan): Promise<SegmentLevels> {
    const block = first / framesPerSimulatedBlock;
    const maker = this.#findMaker(block);
    if (maker.orders.length > 0) return (await maker.#blockTrack(block)).levels;
    const segment = segmentOfFrame(first);
    return this.#cache.loadColumns(segmentLevels, maker.#cacheKey + levelKeys + segment, () =>
      this.#search.levels(maker.#taskOf(segment)),
    );
  }

  async #orderRecords({ first }: FrameSpan): Promise<SegmentOrders> {
    const block = first / framesPerSimulatedBlock;
    const maker = this.#findMaker(block);
    if (maker.orders.length > 0) return ordersIn(await maker.#blockTrack(block));
    const segment = segmentOfFrame(first);
    return this.#cache.loadColumns(segmentOrders, maker.#cacheKey + orderKeys + segment, () =>
      this.#search.orders(maker.#taskOf(segment)),
    );
  }

  #blockTrack(block: number): Promise<TrackStretch> {
    return this.#cache.loadColumns(blockTracks, this.#cacheKey + trackKeys + block, () =>
      this.#search.track(this.#blockTask(block)),
    );
  }

  #taskOf(segment: number): SegmentTask {
    return { name: this.name, segment, orders: this.#ordersOf(segment) };
  }

  #blockTask(number: number): BlockTask {
    const segment = Math.floor(number / blocksPerSegment);
    return { name: this.name, segment, block: number % blocksPerSegment, orders: this.#ordersOf(segment) };
  }

  seqAt(ns: TapeNs): Promise<Seq> {
    return Promise.resolve(Math.min(frameCount - 1, Math.max(0, Math.floor(ns / frameNs))));
  }

  nsOf(seq: Seq): Promise<TapeNs> {
    return Promise.resolve(seq * frameNs);
  }

  /** Searches as far as `eventHorizonNs`. */
  async findEvent(
    from: Seq,
    direction: "next" | "previous",
    filter: EventFilter = {},
    signal?: AbortSignal,
  ): Promise<TapeEvent | undefined> {
    const step = direction === "next" ? 1 : -1;
    const least = filter.minSeverity === undefined ? 0 : severityRank(filter.minSeverity);
    const fits = ({ seq, type, severity }: TapeEvent) =>
      (seq - from) * step > 0 && severityRank(severity) >= least && (filter.type === undefined || type === filter.type);
    const farthest = Math.min(frameCount - 1, Math.max(0, from + (step * this.eventHorizonNs) / frameNs));
    const last = segmentOfFrame(farthest);
    for (let segment = segmentOfFrame(from); (last - segment) * step >= 0; segment += step) {
      const events = await this.#makerOfWhole(segment).#eventsOf(segment, signal);
      const found = step > 0 ? events.find(fits) : events.findLast(fits);
      if (found !== undefined) return (farthest - found.seq) * step >= 0 ? found : undefined;
    }
    return undefined;
  }

  async #eventsOf(segment: number, signal: AbortSignal | undefined): Promise<readonly TapeEvent[]> {
    const known = this.#events.get(this.#cacheKey + segment);
    if (known !== undefined) return known;
    const events = await this.#search.events(this.#taskOf(segment), signal);
    this.#events.set(this.#cacheKey + segment, events);
    return events;
  }

  /** The incidents staged between two tape times, which no frame reveals. */
  labels(fromNs: TapeNs, toNs: TapeNs): IncidentLabel[] {
    return this.#market.labels(fromNs, toNs);
  }

  /** The fair price as a segment begins, price units. Takes microseconds. */
  fairPrice(segment: number): number {
    return this.#market.fairPrice(segment);
  }

  view(): TapeView {
    const { span, symbol, source } = this;
    return {
      id: simulatedId(this.name),
      version: this.name.version,
      symbol,
      source,
      from: this.iso(span.firstNs),
      to: this.iso(span.lastNs),
      duration_ms: span.lastNs / 1e6,
      frames: frameCount,
      trades: null,
      bytes: 0,
      interval_ms: frameNs / 1e6,
      gaps: [],
      event_counts: null,
      event_track: true,
      growing: false,
      created_at: this.iso(0),
    };
  }

  /** Makes the segment of a block; where it sees orders of a user, the block alone: the next order would change those after it again. */
  #make(number: number): PendingBlocks {
    const isWhole = this.orders.length === 0;
    const first = isWhole ? number - (number % blocksPerSegment) : number;
    const known = this.#making.get(first);
    if (known !== undefined) return known;
    const segment = Math.floor(number / blocksPerSegment);
    const making = new PendingBlocks(
      { first, count: isWhole ? blocksPerSegment : 1 },
      (take, wanted) => this.#maker.generate(isWhole ? this.#taskOf(segment) : this.#blockTask(number), take, wanted),
      (bytes, made) => {
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const block = new RecordedBlock(index.firstSeq(made), framesPerSimulatedBlock, buffer);
        this.#cache.put(this.#cacheKey + made, block);
        return block;
      },
    );
    this.#making.set(first, making);
    const forget = () => this.#making.delete(first);
    making.done.then((events) => {
      forget();
      if (isWhole) this.#events.set(this.#cacheKey + segment, events);
    }, forget);
    return making;
  }

  #ordersOf(segment: number): PlacedOrder[] {
    return this.orders.filter((order) => affects(segment, order));
  }

  // HOT: once per frame that is looked at.
  #makeAhead(seq: Seq): void {
    const { orders } = this;
    const frames = orders.length === 0 ? ahead.market : orders.at(-1)?.settled ? ahead.trading : ahead.orders;
    const segment = (segmentOfFrame(seq) + 1) * blocksPerSegment;
    if (index.firstSeq(segment) - seq <= frames.segment && segment !== this.#ahead.segment) {
      this.#ahead.segment = segment;
      this.#prepare(segment);
    }
    const block = Math.floor(seq / framesPerSimulatedBlock) + 1;
    if (index.firstSeq(block) - seq <= frames.block && block !== this.#ahead.block) {
      this.#ahead.block = block;
      this.#prepare(block);
    }
  }

  #prepare(block: number): void {
    if (block >= blockCount) return;
    const maker = this.#findMaker(block);
    if (maker.#block(block) === undefined) maker.#make(block);
  }
}
