import {
  FrameBuilder,
  type FrameParts,
  MarketAnalytics,
  maxLevels,
  OrderBook,
  type Precision,
  RecentIds,
  sameLevels,
  topLevels,
} from "@tapedeck/market";
import { isoOfNs, type TapeNs, type TimeDecimals } from "@tapedeck/protocol";
import type { MarketSink, VenueTrade } from "../venues/venue.js";

/** The tape that frames go on with; undefined: a new one begins with the next frame. */
export interface ContinuedTape {
  readonly startNs: bigint;
  readonly lastNs: TapeNs;
  readonly reason: string;
}

/** A frame, with what its makers knew beside it. */
export interface RecordedFrame {
  readonly parts: FrameParts;
  /** Nanoseconds since 1970 of tape time 0. */
  readonly startNs: bigint;
  /** When the newest event in it was heard, nanoseconds since 1970 on the cluster's clock. */
  readonly receivedNs: bigint;
}

export interface FrameAssemblerEvents {
  frame(frame: RecordedFrame): void;
  /** The book is the market's. */
  whole(): void;
  /** It is no longer, for this reason. */
  broken(reason: string): void;
  /** This connection's book contradicts itself: only a new connection helps. */
  hopeless(reason: string): void;
  /** After a silence the book was as it had been: nothing has happened meanwhile. */
  quiet(): void;
  /** An event, so many ms after the venue's own time of it; negative where clocks differ. */
  heard(delayMs: number | undefined): void;
  nonsense(error: unknown, text: string): void;
}

export interface FrameAssemblerOptions {
  readonly source: string;
  readonly symbol: string;
  readonly decimals: TimeDecimals;
  /** Nanoseconds since 1970 now, on the cluster's clock. */
  readonly now: () => bigint;
  readonly events: FrameAssemblerEvents;
}

/** A venue's time this far ahead of the cluster's is not believed: nothing that comes later could be shown at its own. */
const mostAheadNs = 10_000_000_000n;
/** Room before the first event, for times that lie a little earlier. */
const beforeFirstNs = 86_400_000_000_000n;
/** A book may be crossed between two messages that belong together, for less than this. */
const crossedMs = 1_000;
/** Trades that wait for a book to be shown with: at most so many, and none older than this. */
const mostWaiting = 1_000;
const longestWaitNs = 30_000_000_000n;

/**
 * Keeps one instrument's book as its venue tells it, and has frames made of it while it is whole. What is shown is a copy of the
 * best levels, taken when the book makes sense; so a crossed or stale book never reaches a frame. Holes are marked.
 */
export class FrameAssembler implements MarketSink {
  readonly counts = { events: 0, trades: 0, duplicates: 0, excluded: 0, gaps: 0, tradesDropped: 0 };
  readonly #options: FrameAssemblerOptions;
  readonly #unitNs: bigint;
  /** All that the venue has told. */
  readonly #book = new OrderBook();
  #builder: FrameBuilder;
  #originNs: bigint;
  #whole = false;
  /** Since when the book is crossed, by the monotonic clock. */
  #crossedAt: number | undefined;
  #hopeless = false;
  /** Why the book was not the market's, until it is again. */
  #hole: { readonly reason: string; readonly silent: boolean } | undefined;
  /** Book updates that are not shown yet. */
  #unshown = 0;
  readonly #tradeIds = new RecentIds<number | string>();
  #lastTradeId: number | undefined;
  #waiting: { readonly trade: VenueTrade; readonly receivedNs: bigint }[] = [];
  #newest: { ns: bigint; receivedNs: bigint };

  constructor(options: FrameAssemblerOptions) {
    this.#options = options;
    this.#unitNs = 10n ** BigInt(9 - options.decimals);
    const receivedNs = options.now();
    this.#newest = { ns: receivedNs, receivedNs };
    this.#originNs = this.#cut(receivedNs - beforeFirstNs);
    this.#builder = this.#build(undefined);
  }

  /** The instrument's decimals as far as they are known. */
  get precision(): Precision {
    const keeper = this;
    return {
      get priceDecimals() {
        return keeper.#builder.precision.priceDecimals;
      },
      get sizeDecimals() {
        return keeper.#builder.precision.sizeDecimals;
      },
    };
  }

  get bookReady(): boolean {
    return this.#whole;
  }

  /** Frames go to another tape from now on, the present book first. */
  startTape(tape: ContinuedTape | undefined): void {
    this.#originNs = tape?.startNs ?? this.#cut(this.#options.now() - beforeFirstNs);
    this.#builder = this.#build(tape);
    if (this.#whole) this.#show(this.#after(this.#timeOf(undefined, this.#options.now())));
  }

  /** Ends the interval under way: its frame, if it has one, is made. */
  closeFrame(): void {
    if (this.#crossedAt !== undefined && performance.now() - this.#crossedAt > crossedMs) this.#giveUp();
    this.#builder.end();
  }

  book(ns: bigint | undefined, change: (book: OrderBook) => void): void {
    const receivedNs = this.#heard(ns);
    change(this.#book);
    this.#unshown++;
    if (this.#book.crossed) {
      this.#crossedAt ??= performance.now();
      return;
    }
    this.#crossedAt = undefined;
    const at = this.#timeOf(ns, receivedNs);
    if (!this.#whole) this.#becomeWhole(at);
    else this.#show(at);
  }

  trade(trade: VenueTrade): void {
    const receivedNs = this.#heard(trade.ns);
    if (trade.id !== undefined) {
      if (this.#tradeIds.has(trade.id)) {
        this.counts.duplicates++;
        return;
      }
      this.#tradeIds.add(trade.id);
      if (trade.consecutive && typeof trade.id === "number") this.#noteTradeId(trade.id);
    }
    if (trade.excluded !== undefined || trade.size <= 0) {
      this.counts.excluded++;
      return;
    }
    if (this.#shows) {
      this.#takeTrade(trade, this.#timeOf(trade.ns, receivedNs));
      return;
    }
    this.#waiting.push({ trade, receivedNs });
    if (this.#waiting.length <= mostWaiting) return;
    this.#waiting.shift();
    this.counts.tradesDropped++;
  }

  bookLost(reason: string, { silent = false }: { readonly silent?: boolean } = {}): void {
    this.#crossedAt = undefined;
    this.#hopeless = false;
    this.#lastTradeId = undefined; // what is missing lies in this hole
    if (!this.#whole) return;
    this.#builder.end();
    this.#whole = false;
    this.#hole = { reason, silent };
    this.#unshown = 0;
    this.#options.events.broken(reason);
  }

  unreadable(error: unknown, text: string): void {
    this.#options.events.nonsense(error, text);
  }

  /** What is shown is the book as it is. */
  get #shows(): boolean {
    return this.#whole && this.#crossedAt === undefined;
  }

  #becomeWhole(at: TapeNs): void {
    const { events } = this.#options;
    const hole = this.#hole;
    this.#whole = true;
    this.#hole = undefined;
    if (hole?.silent && this.#asShown()) events.quiet();
    else if (hole !== undefined) this.#markGap(hole.reason);
    events.whole();
    this.#show(this.#after(at));
  }

  /** Takes over what the venue's book shows, and the trades that have waited for it. */
  #show(at: TapeNs): void {
    for (; this.#unshown > 1; this.#unshown--) this.#builder.apply({ ns: at, change: () => {} });
    this.#unshown = 0;
    this.#builder.apply({
      ns: at,
      change: (shown) => shown.replace(this.#book.bids.top(maxLevels), this.#book.asks.top(maxLevels)),
    });
    if (this.#waiting.length === 0) return;
    const oldestNs = this.#options.now() - longestWaitNs;
    for (const { trade, receivedNs } of this.#waiting.splice(0)) {
      if (receivedNs < oldestNs) this.counts.tradesDropped++;
      else this.#takeTrade(trade, at);
    }
  }

  #takeTrade({ timestamp, price, size, side }: VenueTrade, at: TapeNs): void {
    this.counts.trades++;
    this.#builder.apply({ ns: at, trades: [{ timestamp, price, size, side }] });
  }

  #noteTradeId(id: number): void {
    let expected = (this.#lastTradeId ?? id - 1) + 1;
    while (expected < id && this.#tradeIds.has(expected)) expected++;
    if (id > expected && this.#whole) this.#markGap("trades are missing");
    this.#lastTradeId = Math.max(id, this.#lastTradeId ?? id);
  }

  #markGap(reason: string): void {
    this.counts.gaps++;
    this.#builder.markGap(this.#builder.lastEventNs, reason.replace(/\.$/, ""));
  }

  /** The venue's book has the levels that the last frame shows. */
  #asShown(): boolean {
    const [now, shown] = [topLevels(this.#book), topLevels(this.#builder.book)];
    return this.#waiting.length === 0 && sameLevels(now.bids, shown.bids) && sameLevels(now.asks, shown.asks);
  }

  #giveUp(): void {
    if (this.#hopeless) return;
    this.#hopeless = true;
    const { source, events } = this.#options;
    events.hopeless(`The book of ${source} is crossed: bids and asks overlap.`);
  }

  #heard(ns: bigint | undefined): bigint {
    const { now, events } = this.#options;
    const receivedNs = now();
    const told = this.#believed(ns, receivedNs);
    this.#newest = { ns: told ?? receivedNs, receivedNs };
    this.counts.events++;
    events.heard(told === undefined ? undefined : Number(receivedNs - told) / 1e6);
    return receivedNs;
  }

  /** On the tape, and never before what came last. */
  #timeOf(ns: bigint | undefined, receivedNs: bigint): TapeNs {
    const told = this.#believed(ns, receivedNs) ?? receivedNs;
    return Math.max(this.#builder.lastEventNs, Number(this.#cut(told) - this.#originNs));
  }

  /** The venue's time unless it lies far ahead of ours, and of what the tape has already: our clock may have been set back. */
  #believed(ns: bigint | undefined, receivedNs: bigint): bigint | undefined {
    if (ns === undefined || ns - receivedNs < mostAheadNs) return ns;
    return ns - (this.#originNs + BigInt(this.#builder.lastEventNs)) < mostAheadNs ? ns : undefined;
  }

  /** Later than what came last, so that a hole has a length. */
  #after(at: TapeNs): TapeNs {
    return Math.max(at, this.#builder.lastEventNs + Number(this.#unitNs));
  }

  /** No time is finer than its text. */
  #cut(ns: bigint): bigint {
    return ns - (ns % this.#unitNs);
  }

  #build(tape: ContinuedTape | undefined): FrameBuilder {
    const { symbol, source, decimals, events } = this.#options;
    const builder: FrameBuilder = new FrameBuilder({
      symbol,
      originNs: this.#originNs,
      decimals,
      intervalNs: null,
      ...(tape === undefined ? {} : { continues: tape }),
      analytics: new MarketAnalytics(),
      annotate: () => {
        const { ns, receivedNs } = this.#newest;
        return `"exchange_ts":"${isoOfNs(ns, decimals)}","ingest_ts":"${isoOfNs(receivedNs, 6)}","source":"${source}"`;
      },
      emit: (parts) => {
        events.frame({ parts, startNs: builder.startNs ?? 0n, receivedNs: this.#newest.receivedNs });
      },
    });
    return builder;
  }
}
