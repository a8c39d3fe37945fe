import { effectiveSpreadOf, isoOfNs, limits, type TapeNs, type TimeDecimals } from "@tapedeck/protocol";
import { OrderBook } from "../book/order-book.js";
import { Decimals, PriceGrid, rounded } from "./decimals.js";
import { basicAnalytics, type FrameAnalytics, type MarketTrade } from "./frame-analytics.js";
import { type FrameLevels, padLevels, sameLevels, topLevels } from "./frame-levels.js";
import type { FrameParts, Precision } from "./frame-parts.js";
import { TradeClassifier } from "./trade-classifier.js";

/** Extra digits of microprice and divergence, which lie between two prices. */
const fineDigits = 3;

export interface FrameBuilderOptions {
  readonly symbol: string;
  /** Nanoseconds since 1970 of event time 0. */
  readonly originNs: bigint;
  /** Decimals of a second in the frames' timestamps. */
  readonly decimals: TimeDecimals;
  /**
   * Makes a frame at the end of each interval with a change; 0: after each event. Intervals begin at whole multiples since 1970.
   * `null`: an interval ends when `end` is called, for callers that use a clock instead of event times.
   */
  readonly intervalNs: number | null;
  /**
   * Continues a tape whose last frame was at `lastNs`. The origin is then the tape's start, and a gap precedes the next frame; without a
   * reason nothing was missed, and there is no gap.
   */
  readonly continues?: { readonly lastNs: TapeNs; readonly reason: string | undefined };
  readonly analytics?: FrameAnalytics;
  /** Additional fields of each frame, `"source":"BINANCE"`, without outer commas, ASCII; called when the frame is made. */
  annotate?(): string;
  emit(parts: FrameParts): void;
  /** Called for each trade: whether the next frame has it, or it came before the first price and is left out. */
  traded?(trade: MarketTrade, shown: boolean): void;
}

/** Trades and a book change at one time. The trades met the book as it was before `change`. */
export interface MarketEvent {
  /** Nanoseconds since the origin; never before the previous event. */
  readonly ns: number;
  readonly trades?: readonly MarketTrade[];
  /** Counts as one book update. */
  readonly change?: (book: OrderBook) => void;
}

/**
 * Turns a market's events into frames, by event time alone. It owns the book: every change goes through `apply`, so that an
 * interval's frame shows the book at the interval's end. docs/spec/frame.md has the rules.
 */
export class FrameBuilder {
  readonly book: OrderBook;
  readonly prices = new PriceGrid();
  readonly sizes = new Decimals();
  /** The instrument's decimals as known so far. */
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
  /** `#mid` as text for the trades that meet it; undefined until the first one. */
  #midText: string | undefined;
  #shown: FrameLevels = { bids: [], asks: [] };
  #updates = 0;
  /** The current interval has an event. */
  #pending = false;
  readonly #sides = new TradeClassifier();
  #trades: MarketTrade[] = [];
  #tradesJson = "";
  /** Of the last trade, against the mid just before it. */
  #effectiveSpread: number | null = null;
  #gap: { fromNs: number; reasons: string[] } | undefined;

  constructor(options: FrameBuilderOptions, book = new OrderBook()) {
    this.#options = options;
    this.book = book;
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
    if (continues.reason !== undefined) this.markGap(continues.lastNs, continues.reason);
  }

  /** One that goes on with the same frames, which go elsewhere. Their analytics have seen what this one's have. */
  copy({ analytics, emit }: Required<Pick<FrameBuilderOptions, "analytics" | "emit">>): FrameBuilder {
    const copy = new FrameBuilder({ ...this.#options, analytics, emit }, this.book.copy());
    copy.prices.setTo(this.prices);
    copy.sizes.setTo(this.sizes);
    Object.assign(copy.counts, this.counts);
    copy.#firstNs = this.#firstNs;
    copy.#lastEventNs = this.#lastEventNs;
    copy.#lastFrameNs = this.#lastFrameNs;
    copy.#mid = this.#mid;
    copy.#midText = this.#midText;
    copy.#shown = this.#shown;
    copy.#updates = this.#updates;
    copy.#pending = this.#pending;
    copy.#sides.setTo(this.#sides);
    copy.#trades = [...this.#trades];
    copy.#tradesJson = this.#tradesJson;
    copy.#effectiveSpread = this.#effectiveSpread;
    copy.#gap = this.#gap && { ...this.#gap, reasons: [...this.#gap.reasons] };
    return copy;
  }

  /** Nanoseconds since 1970 of the first frame, which is tape time 0; undefined before the first frame. */
  get startNs(): bigint | undefined {
    return this.#firstNs === undefined ? undefined : this.#options.originNs + BigInt(this.#firstNs);
  }

  /** Time of the last event; 0 before the first. */
  get lastEventNs(): number {
    return this.#lastEventNs;
  }

  /** Book updates since the last frame that changed nothing in it; `counts` has the updates that frames include. */
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
   * Marks that the source was silent or broken from `fromNs` until the next frame. Ends the current interval, whose frame is the
   * last before the gap.
   */
  markGap(fromNs: number, reason: string): void {
    this.end();
    const from = Math.max(fromNs, this.#lastFrameNs); // no frame may be inside a gap
    if (this.#gap === undefined) this.#gap = { fromNs: from, reasons: [reason] };
    else {
      this.#gap.fromNs = Math.min(this.#gap.fromNs, from);
      if (!this.#gap.reasons.includes(reason)) this.#gap.reasons.push(reason);
    }
  }

  /** Ends the current interval. */
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
    // A trade can meet this mid before a frame shows these prices.
    this.prices.add(bid);
    this.prices.add(ask);
  }

  #addTrade(ns: number, trade: MarketTrade): void {
    if (this.#mid === undefined) {
      this.counts.tradesBeforePrice++;
      this.#options.traded?.(trade, false);
      return;
    }
    if (this.#trades.length === limits.tradesPerMessage) this.#close();
    this.#options.traded?.(trade, true);
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

  /** Makes the interval's frame, if it shows a change. */
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
      // Written lazily: a simulated segment's warm-up frames are never read.
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

  /** There is no gap before the first frame, nor one of zero length. */
  #gapBefore(ns: TapeNs): FrameParts["gapBefore"] {
    if (this.#gap === undefined || ns === 0 || this.#firstNs === undefined) return null;
    const fromNs = this.#gap.fromNs - this.#firstNs;
    return fromNs < ns ? { fromNs, reason: this.#gap.reasons.join("; ") } : null;
  }
}

/** A JSON string in ASCII, so that byte and character offsets agree. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
