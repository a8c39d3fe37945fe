import { isoOfNs, type TradeSide } from "@tapedeck/protocol";
import type { MarketTrade } from "./analytics.js";
import { rounded } from "./decimals.js";
import type { MarketEvent } from "./frame-builder.js";
import { type BookSideName, OrderBook } from "./order-book.js";
import { SeededRandom } from "./random.js";

export interface DemoMarketOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Nanoseconds since 1970 of event time 0. */
  readonly originNs: bigint;
}

export type DemoStep =
  | { readonly kind: "event"; readonly event: MarketEvent }
  /** The market went on, and nobody recorded it. */
  | { readonly kind: "silence"; readonly fromNs: number; readonly toNs: number };

const tickDecimals = 1;
const ticksPerUnit = 2;
const sizeDecimals = 3;
const startTicks = 64_250 * ticksPerUnit;
/** Levels kept on each side: what a frame shows and some beyond it. */
const depth = 30;
const meanEventMs = 28;
/** Standard deviation of the price's walk in a second, in ticks, in ordinary times. */
const ticksPerSecond = 7;
const msNs = 1e6;
const silenceMs = 40_000;

/** Changes of one event: absolute sizes by price. */
type Change = [side: BookSideName, price: number, size: number];

/**
 * A market of plain random order flow, the same for the same seed: a price that wanders, calmer and livelier by turns, orders
 * placed and cancelled around it, and trades that follow it. It is there so that a deck has something to play; the simulator
 * that answers to orders is another one.
 */
export function* demoMarket({ seed, minutes, originNs }: DemoMarketOptions): Generator<DemoStep> {
  const random = new SeededRandom(seed);
  const market = new OrderFlow(random, originNs);
  const endMs = minutes * 60_000;
  const silenceAtMs = Math.floor(endMs * 0.4);
  let silent = false;
  let ms = 0;
  yield { kind: "event", event: market.open() };
  for (;;) {
    let step = Math.max(1, Math.round(random.exponential(meanEventMs / market.liveliness)));
    if (!silent && ms + step > silenceAtMs && minutes >= 5) {
      silent = true;
      yield { kind: "silence", fromNs: ms * msNs, toNs: (ms + silenceMs) * msNs };
      step = silenceMs;
    }
    ms += step;
    if (ms > endMs) return;
    yield { kind: "event", event: market.event(ms * msNs, step) };
  }
}

class OrderFlow {
  readonly #random: SeededRandom;
  readonly #originNs: bigint;
  readonly #book = new OrderBook();
  /** Where the market thinks the price is, in ticks, fractions included. */
  #fair = startTicks;
  #logLiveliness = 0;

  constructor(random: SeededRandom, originNs: bigint) {
    this.#random = random;
    this.#originNs = originNs;
  }

  /** Events and price moves against ordinary times; wanders between about a third and three. */
  get liveliness(): number {
    return Math.exp(this.#logLiveliness);
  }

  open(): MarketEvent {
    return { ns: 0, change: changeBy(this.#refill()) };
  }

  event(ns: number, sinceMs: number): MarketEvent {
    this.#wander(sinceMs / 1000);
    const changes: Change[] = [];
    const trades: MarketTrade[] = [];
    const bid = Math.round((this.#book.bids.bestPrice ?? 0) * ticksPerUnit);
    const ask = Math.round((this.#book.asks.bestPrice ?? 0) * ticksPerUnit);
    if (this.#fair > ask + 0.5) this.#take(ns, "buy", (price) => price < this.#fair, changes, trades);
    else if (this.#fair < bid - 0.5) this.#take(ns, "sell", (price) => price > this.#fair, changes, trades);
    else if (this.#random.chance(0.18)) this.#takeSome(ns, changes, trades);
    else this.#place(changes);
    changes.push(...this.#refill());
    return { ns, trades, change: changeBy(changes) };
  }

  #wander(seconds: number): void {
    const pull = Math.min(1, seconds * 0.02);
    this.#logLiveliness += -pull * this.#logLiveliness + Math.sqrt(pull) * 0.55 * this.#random.normal();
    this.#logLiveliness = Math.max(-1.2, Math.min(1.2, this.#logLiveliness));
    this.#fair += ticksPerSecond * this.liveliness * Math.sqrt(Math.min(seconds, 5)) * this.#random.normal();
  }

  /** Takes every level on the other side whose price is still worth it. */
  #take(
    ns: number,
    side: TradeSide,
    worth: (ticks: number) => boolean,
    changes: Change[],
    trades: MarketTrade[],
  ): void {
    const from = side === "buy" ? this.#book.asks : this.#book.bids;
    for (let best = from.bestPrice; best !== undefined && worth(best * ticksPerUnit); best = from.bestPrice) {
      trades.push(this.#trade(ns, best, from.bestSize, side));
      this.#set(changes, from.name, best, 0);
    }
  }

  /** A trade of part of the best level. */
  #takeSome(ns: number, changes: Change[], trades: MarketTrade[]): void {
    const side = this.#random.chance(0.5) ? "buy" : "sell";
    const from = side === "buy" ? this.#book.asks : this.#book.bids;
    const price = from.bestPrice;
    if (price === undefined) return;
    const size = Math.min(from.bestSize, this.#size(0.05));
    trades.push(this.#trade(ns, price, size, side));
    this.#set(changes, from.name, price, rounded(from.bestSize - size, sizeDecimals));
  }

  /** An order comes to a level, or some of what lies there goes. */
  #place(changes: Change[]): void {
    const side = this.#random.chance(0.5) ? this.#book.bids : this.#book.asks;
    const price = side.priceAt(Math.min(side.depth - 1, Math.floor(this.#random.exponential(5))));
    if (price === undefined) return;
    const there = side.sizeOf(price);
    const size = this.#random.chance(0.55) ? there + this.#size(0.6) : there * this.#random.next();
    this.#set(changes, side.name, price, rounded(size, sizeDecimals));
  }

  /** Orders come in again where the price has left levels empty, and the farthest ones go. */
  #refill(): Change[] {
    const changes: Change[] = [];
    const bestBid = Math.ceil(this.#fair) - 1;
    for (const [side, best, outward] of [
      [this.#book.bids, bestBid, -1],
      [this.#book.asks, bestBid + 1, 1],
    ] as const) {
      const farthest = (best + outward * depth) / ticksPerUnit;
      for (
        let worst = side.worstPrice;
        worst !== undefined && outward * (worst - farthest) > 0;
        worst = side.worstPrice
      ) {
        this.#set(changes, side.name, worst, 0);
      }
      for (let level = 0; level < depth; level++) {
        const price = rounded((best + outward * level) / ticksPerUnit, tickDecimals);
        const wanted = level > 1 || this.#random.chance(0.35) || side.bestPrice === undefined;
        if (wanted && side.sizeOf(price) === 0 && this.#random.chance(level < 20 ? 0.6 : 1)) {
          this.#set(changes, side.name, price, this.#size(0.4 + level * 0.12));
        }
      }
    }
    return changes;
  }

  #set(changes: Change[], side: BookSideName, price: number, size: number): void {
    // The price has passed these: whoever stood there is gone.
    if (size > 0) {
      const other = side === "bid" ? this.#book.asks : this.#book.bids;
      const crosses = () => {
        const best = other.bestPrice;
        return best !== undefined && (side === "bid" ? best <= price : best >= price);
      };
      while (crosses()) this.#set(changes, other.name, other.bestPrice ?? 0, 0);
    }
    this.#book.set(side, price, size);
    changes.push([side, price, size]);
  }

  #size(mean: number): number {
    return Math.max(0.001, rounded(mean * Math.exp(0.9 * this.#random.normal()), sizeDecimals));
  }

  #trade(ns: number, price: number, size: number, side: TradeSide): MarketTrade {
    return { timestamp: isoOfNs(this.#originNs + BigInt(ns), 3), price, size, side };
  }
}

function changeBy(changes: readonly Change[]): (book: OrderBook) => void {
  return (book) => {
    for (const [side, price, size] of changes) book.set(side, price, size);
  };
}
