import {
  type CopyableAnalytics,
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
  readonly analytics: CopyableAnalytics;
  /** Gets each event of a segment, before it is part of a frame. */
  readonly onEvent?: ((event: SegmentEvent) => void) | undefined;
}

/** Frames of a market, ten a second without exception. */
export class SegmentFrames {
  readonly #builder: FrameBuilder;
  readonly #analytics: CopyableAnalytics;
  readonly #onEvent: SegmentFramesOptions["onEvent"];
  readonly #closed: FrameParts[] = [];

  /** @param original frames that these go on with */
  constructor(
    { instrument }: Pick<SimulatedMarket, "instrument">,
    { analytics, onEvent }: SegmentFramesOptions,
    original?: SegmentFrames,
  ) {
    const { symbol, priceDecimals, sizeDecimals } = instrument;
    this.#analytics = analytics;
    this.#onEvent = onEvent;
    const emit = (parts: FrameParts) => void this.#closed.push(parts);
    if (original !== undefined) {
      this.#builder = original.#builder.copy({ analytics, emit });
      return;
    }
    const clock = { originNs: simulatedStartNs, decimals: 3, intervalNs: frameNs } as const;
    this.#builder = new FrameBuilder({ ...clock, symbol, analytics, emit });
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

  /** Goes on from here as this does. */
  copy(market: Pick<SimulatedMarket, "instrument">, onEvent?: SegmentFramesOptions["onEvent"]): SegmentFrames {
    return new SegmentFrames(market, { analytics: this.#analytics.copy(), onEvent }, this);
  }

  /** The next frame of a segment, whose book this has come to. */
  next(running: MarketSegment): FrameParts {
    for (const event of running.run()) {
      this.#apply(event);
      if (event.trades !== undefined || event.ns % frameNs !== 0) continue;
      this.#builder.end();
      for (;;) {
        const closed = this.#closed.pop();
        if (closed !== undefined) return closed;
        this.#apply(running.forceChange());
        this.#builder.end();
      }
    }
    throw new RangeError("the segment has no frame left");
  }

  #apply(event: SegmentEvent): void {
    this.#onEvent?.(event);
    this.#builder.apply(event);
  }
}
