import {
  type FrameAnalytics,
  FrameBuilder,
  type FrameParts,
  type MarketEvent,
  type MarketSegment,
  type SegmentEvent,
  type SimulatedMarket,
  simulatedStartNs,
} from "@tapedeck/market";
import { frameNs } from "./layout.js";

interface SegmentFramesOptions {
  readonly analytics: FrameAnalytics;
  /** Gets each event of a segment, before it is part of a frame. */
  readonly onEvent?: (event: SegmentEvent) => void;
}

/** Frames of a market, ten a second without exception. */
export class SegmentFrames {
  readonly #builder: FrameBuilder;
  readonly #onEvent: SegmentFramesOptions["onEvent"];
  readonly #closed: FrameParts[] = [];

  constructor({ instrument }: Pick<SimulatedMarket, "instrument">, { analytics, onEvent }: SegmentFramesOptions) {
    const { symbol, priceDecimals, sizeDecimals } = instrument;
    this.#onEvent = onEvent;
    this.#builder = new FrameBuilder({
      symbol,
      originNs: simulatedStartNs,
      decimals: 3,
      intervalNs: frameNs,
      analytics,
      emit: (parts) => this.#closed.push(parts),
    });
    // Known beforehand, not learned on the way, so that no frame depends on which prices came before it.
    this.#builder.prices.add(Number(`1e-${priceDecimals}`));
    this.#builder.sizes.add(Number(`1e-${sizeDecimals}`));
  }

  /** @param opening the whole book that a segment begins with */
  open(opening: MarketEvent): void {
    this.#builder.apply(opening);
  }

  /** Ends and drops the current frame. */
  close(): void {
    this.#builder.end();
    this.#closed.length = 0;
  }

  /** The frames of a segment, whose book this has come to. */
  *of(running: MarketSegment): Generator<FrameParts> {
    for (const event of running.run()) {
      this.#apply(event);
      if (event.trades !== undefined || event.ns % frameNs !== 0) continue;
      this.#builder.end();
      while (this.#closed.length === 0) {
        this.#apply(running.forceChange());
        this.#builder.end();
      }
      yield* this.#closed.splice(0);
    }
  }

  #apply(event: SegmentEvent): void {
    this.#onEvent?.(event);
    this.#builder.apply(event);
  }
}
