import { effectiveSpreadOf, isoOfNs, limits, type TapeNs, type TimeDecimals } from "@tapedeck/protocol";
import { OrderBook } from "../book/order-book.js";
import { Decimals, PriceGrid, rounded } from "./decimals.js";
import { basicAnalytics, type FrameAnalytics, type MarketTrade } from "./frame-analytics.js";
import { type FrameLevels, padLevels, sameLevels, topLevels } from "./frame-levels.js";
import type { FrameParts, Precision } from "./frame-parts.js";
import { TradeClassifier } from "./trade-classifier.js";

/** Digits of microprice and divergence beyond those of a price: they lie between two prices. */
const fineDigits = 3;

export interface FrameBuilderOptions {
  readonly symbol: string;
  /** Nanoseconds since 1970 of event time 0. */
  readonly originNs: bigint;
  /** Decimals of a second in the frames' timestamps. */
  readonly decimals: TimeDecimals;
  /**
   * A frame at the end of each interval that saw a change; 0: after each event. Intervals begin at whole multiples since 1970.
   * `null`: an interval ends when `end` is called, for whoever goes by a clock and not by the events.
   */
  readonly intervalNs: number | null;
  /** Time of the last frame of a tape that goes on here. The tape's start is the origin then, and a gap lies between. */
  readonly continues?: { readonly lastNs: TapeNs; readonly reason: string };
  readonly analytics?: FrameAnalytics;
  /** Fields of its own that each frame gets, `"source":"BINANCE"`, without outer commas. ASCII. Asked when the frame is made. */
  annotate?(): string;
  emit(parts: FrameParts): void;
}

/** Something that happened to the market at one moment. Its trades met the book as it was before `change`. */
export interface MarketEvent {
  /** Nanoseconds since the origin; never before the event that came last. */
  readonly ns: number;
  readonly trades?: readonly MarketTrade[];
  /** Makes one book update. */
  readonly change?: (book: OrderBook) => void;
}

/**
 * Turns a market's events into frames, by event time alone. It owns the book: whatever changes it passes through `apply`, so
 * that an interval's frame shows the book as it was at the interval's end. docs/spec/frame.md has the rules.
 */
export class FrameBuilder {
  readonly book = new OrderBook();
  readonly prices = new PriceGrid();
  readonly sizes = new Decimals();
  /** The instrument's decimals as far as they are known; grows. */
  readonly precision: Precision;
  readonly counts = { frames: 0, updates: 0, trades: 0, tradesBeforePrice: 0, crossed: 0, levelsUncrossed: 0 };
  readonly #options: FrameBuilderOptions;
  readonly #analytics: FrameAnalytics;
  readonly #intervalOffset: number;
  readonly #symbol: string;
  #firstNs: number | undefined;
  #lastEventNs = 0;
  #lastFrameNs = 0;
  #mid: number | undefined;
  /** `#mid` as it is printed beside each trade that meets it; undefined until one does. */
  #midText: string | undefined;
  #shown: FrameLevels = { bids: [], asks: [] };
  #updates = 0;
  /** The interval under way has seen an event. */
  #pending = false;
  readonly #sides = new TradeClassifier();
  #trades: MarketTrade[] = [];
  #tradesJson = "";
  /** Of the last of `#trades`, against the mid that it met. */
  #effectiveSpread: number | null = null;
  #gap: { fromNs: number; reasons: string[] } | undefined;

  constructor(options: FrameBuilderOptions) {
    this.#options = options;
    const { prices, sizes } = this;
    this.precision = {
      get priceDecimals() {
        return prices.decimals;
      },
      get sizeDecimals() {
        return sizes.count;
      },
    };
    this.#analytics = options.analytics ?? basicAnalytics;
    this.#symbol = asciiJson(options.symbol);
    const { intervalNs, continues } = options;
    this.#intervalOffset = intervalNs ? Number(options.originNs % BigInt(intervalNs)) : 0;
    if (continues === undefined) return;
    this.#firstNs = 0;
    this.#lastEventNs = this.#lastFrameNs = continues.lastNs;
    this.markGap(continues.lastNs, continues.reason);
  }

  /** Nanoseconds since 1970 of the first frame, which is tape time 0; undefined before there is one. */
  get startNs(): bigint | undefined {
    return this.#firstNs === undefined ? undefined : this.#options.originNs + BigInt(this.#firstNs);
  }

  /** Time of the last event; the origin before there was one. */
  get lastEventNs(): number {
    return this.#lastEventNs;
  }

  /** Book updates since the last frame, which changed nothing that a frame shows. `counts` has those that frames stand for. */
  get updatesUnshown(): number {
    return this.#updates;
  }

  apply(event: MarketEvent): void {
    if (this.#pending && this.#interval(event.ns) !== this.#interval(this.#lastEventNs)) this.#close();
    for (const trade of event.trades ?? []) this.#addTrade(event.ns, trade);
    this.#lastEventNs = event.ns;
    if (event.change) this.#changeBook(event.change);
    this.#pending = true;
    if (this.#options.intervalNs === 0) this.#close();
  }

  /**
   * Marks that the source was silent or broken from `fromNs` until the next frame. Ends the interval under way, whose frame is
   * the last before the gap.
   */
  markGap(fromNs: number, reason: string): void {
    this.end();
    const from = Math.max(fromNs, this.#lastFrameNs); // no frame lies inside a gap
    if (this.#gap === undefined) this.#gap = { fromNs: from, reasons: [reason] };
    else {
      this.#gap.fromNs = Math.min(this.#gap.fromNs, from);
      if (!this.#gap.reasons.includes(reason)) this.#gap.reasons.push(reason);
    }
  }

  /** Ends the interval under way. */
  end(): void {
    if (this.#pending) this.#close();
  }

  #interval(ns: number): number {
    const { intervalNs } = this.#options;
    if (intervalNs === null) return 0;
    return intervalNs === 0 ? ns : Math.floor((ns + this.#intervalOffset) / intervalNs);
  }

  #changeBook(change: (book: OrderBook) => void): void {
    const { book } = this;
    const bidBefore = book.bids.bestPrice;
    change(book);
    this.#updates++;
    if (book.crossed) {
      this.counts.crossed++;
      this.counts.levelsUncrossed += book.uncross(book.bids.bestPrice === bidBefore ? "ask" : "bid");
    }
    const bid = book.bids.bestPrice;
    const ask = book.asks.bestPrice;
    if (bid === undefined || ask === undefined) return;
    const mid = (bid + ask) / 2;
    if (mid === this.#mid) return;
    this.#mid = mid;
    this.#midText = undefined;
    // A trade can meet this mid before any frame shows its prices.
    this.prices.add(bid);
    this.prices.add(ask);
  }

  #addTrade(ns: number, trade: MarketTrade): void {
    if (this.#mid === undefined) {
      this.counts.tradesBeforePrice++;
      return;
    }
    if (this.#trades.length === limits.tradesPerMessage) this.#close();
    this.sizes.add(trade.size);
    this.prices.add(trade.price);
    const side = this.#sides.classify(trade.side, trade.price, this.#mid);
    this.#midText ??= `${rounded(this.#mid, this.prices.decimals + 1)}`;
    const spread = effectiveSpreadOf({ side, price: trade.price }, this.#mid);
    this.#effectiveSpread = spread === null ? null : rounded(spread, this.prices.decimals + 1);
    this.#trades.push(side === trade.side ? trade : { ...trade, side });
    this.#tradesJson += `${this.#tradesJson && ","}{"timestamp":"${trade.timestamp}","price":${trade.price},"size":${trade.size},"side":"${side}","mid_price":${this.#midText}${trade.own ? ',"own":true' : ""}}`;
    this.#lastEventNs = ns;
    this.#pending = true;
  }

  /** Makes the interval's frame, if anything that a frame shows has changed. */
  #close(): void {
    this.#pending = false;
    const levels = topLevels(this.book);
    const sameBook = sameLevels(levels.bids, this.#shown.bids) && sameLevels(levels.asks, this.#shown.asks);
    if (this.#mid === undefined || (sameBook && this.#trades.length === 0)) return;
    this.#firstNs ??= this.#lastEventNs;
    this.#shown = levels;
    for (const level of levels.bids) this.#note(level[0], level[1]);
    for (const level of levels.asks) this.#note(level[0], level[1]);
    this.#options.emit(this.#frame(levels, this.#mid, this.#lastEventNs - this.#firstNs));
    this.#lastFrameNs = this.#lastEventNs;
    this.counts.frames++;
    this.counts.updates += this.#updates;
    this.counts.trades += this.#trades.length;
    this.#updates = 0;
    this.#trades = [];
    this.#tradesJson = "";
    this.#effectiveSpread = null;
    this.#gap = undefined;
  }

  #note(price: number, size: number): void {
    this.prices.add(price);
    this.sizes.add(size);
  }

  #frame(levels: FrameLevels, lastMid: number, ns: TapeNs): FrameParts {
    const priceDecimals = this.prices.decimals;
    const bid = levels.bids[0]?.[0];
    const ask = levels.asks[0]?.[0];
    const bidSize = levels.bids[0]?.[1] ?? 0;
    const askSize = levels.asks[0]?.[1] ?? 0;
    const twoSided = bid !== undefined && ask !== undefined;
    const mid = rounded(lastMid, priceDecimals + 1);
    const microprice = twoSided
      ? rounded((bid * askSize + ask * bidSize) / (bidSize + askSize), priceDecimals + fineDigits)
      : mid;
    const timestamp = isoOfNs(this.#options.originNs + BigInt(this.#lastEventNs), this.#options.decimals);
    const trades = this.#trades;
    const gapBefore = this.#gapBefore(ns);
    const findings = this.#analytics.analyse({
      ns,
      timestamp,
      ...levels,
      mid,
      microprice,
      updates: this.#updates,
      trades,
      afterGap: gapBefore !== null,
    });
    const { bids, asks } = padLevels(levels, this.prices, lastMid);
    const updates = this.#updates;
    const symbol = this.#symbol;
    const notes = this.#options.annotate?.() ?? "";
    let written: string | undefined;
    const write = () =>
      `"timestamp":"${timestamp}","symbol":${symbol},"bids":${JSON.stringify(bids)},"asks":${JSON.stringify(asks)},` +
      `"mid_price":${mid},"microprice":${microprice},"best_bid":${bid ?? null},"best_ask":${ask ?? null},` +
      `"spread":${twoSided ? rounded(ask - bid, priceDecimals) : null},"q_bid":${bidSize},"q_ask":${askSize},` +
      `"divergence":${rounded(microprice - mid, priceDecimals + fineDigits)},"updates":${updates}${notes && ","}${notes}${findings.head && ","}${findings.head}`;
    const last = trades[trades.length - 1];
    return {
      ns,
      // Written when it is asked for, and once: a simulator makes frames only so that analytics know what came before.
      get head() {
        written ??= write();
        return written;
      },
      trades: this.#tradesJson,
      tradeCount: trades.length,
      tradeVolume: rounded(
        trades.reduce((sum, trade) => sum + trade.size, 0),
        this.sizes.count,
      ),
      lastTradePrice: last?.price ?? 0,
      lastTradeSide: last?.side ?? "unknown",
      effectiveSpread: this.#effectiveSpread,
      anomalies: findings.anomalies,
      events: findings.events,
      price: mid,
      gapBefore,
    };
  }

  /** A gap before the first frame is none: nothing was playing. Nor is one that lasts no time. */
  #gapBefore(ns: TapeNs): FrameParts["gapBefore"] {
    if (this.#gap === undefined || ns === 0 || this.#firstNs === undefined) return null;
    const fromNs = this.#gap.fromNs - this.#firstNs;
    return fromNs < ns ? { fromNs, reason: this.#gap.reasons.join("; ") } : null;
  }
}

/** A JSON string of ASCII alone, so that offsets in bytes and in characters agree. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
