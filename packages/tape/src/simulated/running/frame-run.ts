import {
  type FrameParts,
  framesPerSegment,
  MarketAnalytics,
  type MarketSegment,
  type OwnOrder,
  type SimulatedMarket,
  segmentOfFrame,
} from "@tapedeck/market";
import { framesPerSimulatedBlock } from "../layout.js";
import { SegmentFrames } from "../segment-frames.js";
import type { MarketRun } from "./checkpoints.js";

/** Makes the frames of a market one after the other. */
export class FrameRun implements MarketRun<FrameRun> {
  /** The frame that is made next. */
  seq: number;
  readonly #market: SimulatedMarket;
  readonly #orders: readonly OwnOrder[];
  #running: MarketSegment;
  readonly #frames: SegmentFrames;

  private constructor(
    market: SimulatedMarket,
    seq: number,
    orders: readonly OwnOrder[],
    running: MarketSegment,
    frames: SegmentFrames,
  ) {
    this.seq = seq;
    this.#market = market;
    this.#orders = orders;
    this.#running = running;
    this.#frames = frames;
  }

  /** For the frames of a segment: analytics begin with the one before it, which comes first. */
  static before(market: SimulatedMarket, segment: number, orders: readonly OwnOrder[]): FrameRun {
    return FrameRun.from(market, Math.max(0, segment - 1), orders);
  }

  /** From the first frame of a segment on, by which analytics begin. */
  static from(market: SimulatedMarket, segment: number, orders: readonly OwnOrder[]): FrameRun {
    const running = market.segment(segment, orders);
    const frames = new SegmentFrames(market, { analytics: new MarketAnalytics() });
    frames.open(running.opening());
    return new FrameRun(market, segment * framesPerSegment, orders, running, frames);
  }

  get sizeDecimals(): number {
    return this.#market.instrument.sizeDecimals;
  }

  next(): FrameParts {
    const segment = segmentOfFrame(this.seq);
    if (segment !== this.#running.segment) this.#running = this.#market.segment(segment, this.#orders);
    this.seq++;
    return this.#frames.next(this.#running);
  }

  skipBlock(): void {
    for (let made = 0; made < framesPerSimulatedBlock; made++) this.next();
  }

  copy(orders: readonly OwnOrder[]): FrameRun {
    const running = this.#market.copy(this.#running, orders);
    return new FrameRun(this.#market, this.seq, orders, running, this.#frames.copy(this.#market));
  }
}
