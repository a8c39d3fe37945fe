import { isoOfNs, type TradeSide } from "@tapedeck/protocol";
import type { MarketTrade } from "../frame/frame-analytics.js";

/** Below the 1,000 that a frame may have: in extreme markets trading stops until the next frame. */
const mostInFrame = 900;

interface PrintedTradesParts {
  /** Nanoseconds since 1970 of tape time 0. */
  readonly startNs: bigint;
  readonly priceScale: number;
  readonly sizeScale: number;
}

/** The trades of a millisecond of a simulated market, and how many its frame has. */
export class PrintedTrades {
  readonly #parts: PrintedTradesParts;
  #trades: MarketTrade[] = [];
  #inFrame = 0;
  /** Time of `#trades`, which are all of one millisecond. */
  #timestamp = "";
  /** Whether the current trades are the user's own. */
  own = false;

  constructor(parts: PrintedTradesParts) {
    this.#parts = parts;
  }

  copy(): PrintedTrades {
    const copy = new PrintedTrades(this.#parts);
    copy.#trades = [...this.#trades];
    copy.#inFrame = this.#inFrame;
    copy.#timestamp = this.#timestamp;
    return copy;
  }

  /** Whether the frame takes no more trades. */
  get isFull(): boolean {
    return this.#inFrame >= mostInFrame;
  }

  /** Of this millisecond. */
  get count(): number {
    return this.#trades.length;
  }

  /** Those of this millisecond from one on. */
  since(count: number): readonly MarketTrade[] {
    return this.#trades.slice(count);
  }

  /** @param ns tape time */
  print(side: Exclude<TradeSide, "unknown">, tick: number, lots: number, ns: number): void {
    if (this.#inFrame++ >= mostInFrame) return;
    const { startNs, priceScale, sizeScale } = this.#parts;
    if (this.#trades.length === 0) this.#timestamp = isoOfNs(startNs + BigInt(ns), 3);
    const trade = { timestamp: this.#timestamp, price: tick / priceScale, size: lots / sizeScale, side };
    this.#trades.push(this.own ? { ...trade, own: true } : trade);
  }

  /** The trades of this millisecond; the next ones are of another. */
  take(): readonly MarketTrade[] {
    if (this.#trades.length === 0) return none;
    const trades = this.#trades;
    this.#trades = [];
    return trades;
  }

  beginFrame(): void {
    this.#inFrame = 0;
  }
}

const none: readonly MarketTrade[] = [];
