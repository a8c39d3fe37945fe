import {
  basicAnalytics,
  framesPerSegment,
  type MarketSegment,
  type OwnOrder,
  type SegmentEvent,
  type SimulatedMarket,
} from "@tapedeck/market";
import { framesPerSimulatedBlock } from "../layout.js";
import { SegmentFrames } from "../segment-frames.js";
import { LevelRecorder } from "../track/level-recorder.js";
import { OrderRecorder } from "../track/order-recorder.js";
import type { SegmentLevels, SegmentOrders } from "../track/segment-track.js";
import type { MarketRun } from "./checkpoints.js";

/** The event track of some frames of a segment. */
export interface TrackStretch {
  readonly levels: SegmentLevels;
  /** Absent where they were not asked for. */
  readonly orders: SegmentOrders | undefined;
}

/** Those of a run that records them. */
export function ordersIn({ orders }: TrackStretch): SegmentOrders {
  if (orders === undefined) throw new TypeError("what happens to orders was not recorded");
  return orders;
}

interface TrackRunParts {
  readonly market: SimulatedMarket;
  readonly running: MarketSegment;
  readonly levels: LevelRecorder;
  readonly orders: OrderRecorder | undefined;
}

/**
 * Makes the event track of a segment, a frame at a time. Its frames are made, too, though without analytics, and none before them: where one would lack a
 * change, the market makes up for it.
 */
export class TrackRun implements MarketRun<TrackRun> {
  /** The frame that is made next. */
  seq: number;
  readonly #parts: TrackRunParts;
  readonly #frames: SegmentFrames;

  private constructor(parts: TrackRunParts, seq: number, original?: SegmentFrames) {
    this.seq = seq;
    this.#parts = parts;
    const { market, levels, orders } = parts;
    const onEvent = (event: SegmentEvent) => {
      const recorded = levels.add(event);
      if (recorded !== undefined) orders?.shownBy(recorded);
    };
    this.#frames = original?.copy(market, onEvent) ?? new SegmentFrames(market, { analytics: basicAnalytics, onEvent });
  }

  /** @param withOrders whether what happens to each order is recorded, too */
  static from(market: SimulatedMarket, segment: number, own: readonly OwnOrder[], withOrders: boolean): TrackRun {
    const orders = withOrders ? new OrderRecorder(segment) : undefined;
    const running = market.segment(segment, own, { observer: orders });
    const opening = running.opening();
    const levels = new LevelRecorder(segment, market.instrument);
    const opened = levels.open(opening);
    orders?.opened(opened, running.closing);
    const run = new TrackRun({ market, running, levels, orders }, segment * framesPerSegment);
    run.#frames.open(opening);
    // A segment opens with the book of the frame before it.
    if (segment > 0) run.#frames.close();
    return run;
  }

  next(): void {
    this.seq++;
    this.#frames.next(this.#parts.running);
  }

  /** What the frames since the last call show. */
  take(): TrackStretch {
    const { running, levels, orders } = this.#parts;
    const isWhole = this.seq % framesPerSegment === 0;
    return { levels: levels.take(running.levels()), orders: isWhole ? orders?.finish() : orders?.take() };
  }

  /** What the next frames show, until a block is full. */
  makeBlock(): TrackStretch {
    for (let made = 0; made < framesPerSimulatedBlock; made++) this.next();
    return this.take();
  }

  skipBlock(): void {
    this.makeBlock();
  }

  /** Only after `take`. */
  copy(own: readonly OwnOrder[]): TrackRun {
    const { market } = this.#parts;
    const levels = this.#parts.levels.copy();
    const orders = this.#parts.orders?.copy();
    const running = market.copy(this.#parts.running, own, orders);
    return new TrackRun({ market, running, levels, orders }, this.seq, this.#frames);
  }
}
