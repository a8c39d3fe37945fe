import {
  analyticsVersion,
  type BookLevel,
  DepthSync,
  FrameBuilder,
  type FrameParts,
  KeyedBook,
  MarketAnalytics,
  type MarketTrade,
  type OrderBook,
  RecentIds,
} from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import { TapeWriter } from "../format/tape-writer.js";
import type { TapeStore } from "../store/store.js";
import { tapeName } from "../tape-id.js";
import type { TrackDecimals } from "../track/track.js";
import { ReorderBuffer, type TimedEvent } from "./events/reorder-buffer.js";
import {
  type Instrument,
  instrumentKey,
  type SourceEvent,
  type SourceKeyed,
  type SourceTrade,
} from "./events/source-event.js";
import { ImportRefused } from "./import-errors.js";
import type { TapeReport } from "./import-report.js";
import { StaleBookFilter } from "./stale-book-filter.js";
import { type HeardEvent, TrackRecorder } from "./track-recorder.js";

interface InstrumentSettings {
  readonly instrument: Instrument;
  readonly store: TapeStore;
  /** Nanoseconds since 1970 of its first event. */
  readonly firstNs: bigint;
  readonly intervalNs: number;
  readonly silenceNs: number;
  /** The tape's id; undefined: made from symbol, source and day. */
  readonly id: string | undefined;
  /** Those of its prices and sizes, as far as they are known. */
  readonly decimals: TrackDecimals | undefined;
}

/** An event with the message that it comes from. */
interface HeardTimedEvent extends TimedEvent {
  readonly heard: HeardEvent;
}

const dayNs = 86_400_000_000_000n;
/** Of updates whose sequence their format has checked: nothing looks at them. */
const noIds = { first: 0, last: 0 };

/**
 * Makes the tape of one instrument from its events: puts them in order, rebuilds the book by the venue's rules, builds frames
 * and writes them. Its report lists every anomaly of the recording.
 */
export class InstrumentImport {
  /** Time of the newest event, nanoseconds since 1970. */
  newest: bigint;
  readonly #settings: InstrumentSettings;
  /** Event time 0: the midnight before the first event, so that times are small numbers. */
  readonly #originNs: bigint;
  readonly #reorder = new ReorderBuffer<HeardTimedEvent>(
    (placed) => this.#apply(placed),
    ({ heard }) => this.#track.unusedEvent(heard, "late"),
  );
  readonly #track: TrackRecorder;
  readonly #builder: FrameBuilder;
  readonly #keyed: KeyedBook;
  /** Books without update ids bypass it. */
  readonly #depth: DepthSync<MarketTrade>;
  readonly #bookSilence: StaleBookFilter;
  readonly #tradeIds = new RecentIds<number | string>();
  readonly #counts = { duplicates: 0, unknownIds: 0, missingTrades: 0, bookMessages: 0, bids: 0, asks: 0, deepest: 0 };
  readonly #excluded = new Map<string, number>();
  readonly #gaps: { ns: number; fromNs: number; reason: string }[] = [];
  #numbered = false;
  #lastTradeId: number | undefined;
  /** Trades missing during a marked silence need no separate gap. */
  #silentSinceTrade = false;
  #frames: FrameParts[] = [];
  #lastFrameNs = 0;
  #writer: TapeWriter | undefined;

  constructor(settings: InstrumentSettings) {
    this.#settings = settings;
    const { instrument, firstNs, intervalNs, silenceNs, decimals } = settings;
    this.newest = firstNs;
    this.#originNs = firstNs - (firstNs % dayNs);
    this.#track = new TrackRecorder(instrument, this.#originNs, decimals);
    this.#builder = new FrameBuilder({
      symbol: instrument.symbol,
      originNs: this.#originNs,
      decimals: instrument.decimals,
      intervalNs,
      analytics: new MarketAnalytics(),
      emit: (parts) => {
        this.#frames.push(parts);
        this.#track.frameMade(this.#builder.book, this.#depth.known);
      },
      traded: (trade, shown) => this.#track.traded(trade, shown),
    });
    this.#builder.book.listener = this.#track;
    this.#keyed = new KeyedBook(this.#builder.book);
    this.#bookSilence = new StaleBookFilter(silenceNs, {
      book: (ns, change, trades) => this.#builder.apply({ ns: this.#notBefore(ns), change, trades }),
      trade: (ns, trade) => this.#builder.apply({ ns: this.#notBefore(ns), trades: [trade] }),
      gap: (fromNs, reason) => this.#builder.markGap(fromNs, reason),
      leftOut: (trade) => this.#track.traded(trade, false),
    });
    this.#depth = new DepthSync(this.#bookSilence, { observer: this.#track });
  }

  get symbol(): string {
    return this.#settings.instrument.symbol;
  }

  get key(): string {
    return instrumentKey(this.#settings.instrument);
  }

  /** Whether no number of the recording had to be rounded. */
  get exact(): boolean {
    return this.#track.writer.summary.exact;
  }

  get frames(): number {
    return this.#builder.counts.frames;
  }

  /** Adds the next event in the order of receipt; `at` is its time in nanoseconds since 1970. */
  push(at: bigint, event: SourceEvent): void {
    const ns = this.#since(at);
    if (at > this.newest) this.newest = at;
    if (event.kind === "ticker" || event.kind === "pulse") return;
    const heard = this.#track.heard(event, ns);
    if (event.kind === "trade" && event.excluded !== undefined) {
      this.#exclude(event, event.excluded);
      this.#track.unusedEvent(heard, "excluded");
    } else if (event.repeated && !isNumbered(event)) {
      this.#counts.duplicates++;
      this.#track.unusedEvent(heard, "duplicate");
    } else this.#reorder.push({ ns, event, heard });
  }

  /** The whole recording has no event between `from` and the next one. */
  markSilence(from: bigint, reason: string): void {
    this.#reorder.flush();
    this.#silentSinceTrade = true;
    this.#markGap(Number(from - this.#originNs), reason);
  }

  /** Writes the frames built so far. Awaiting it keeps memory bounded. */
  async drain(): Promise<void> {
    const frames = this.#frames;
    this.#frames = [];
    const { bids, asks } = this.#builder.book;
    this.#counts.deepest = Math.max(this.#counts.deepest, bids.depth, asks.depth);
    for (const frame of frames) {
      this.#writer ??= await this.#open();
      if (frame.gapBefore !== null) this.#gaps.push({ ns: frame.ns, ...frame.gapBefore });
      this.#lastFrameNs = frame.ns;
      await this.#writer.append(frame);
    }
    await this.#drainTrack();
  }

  async #drainTrack(): Promise<void> {
    if (this.#writer === undefined) return; // before the first frame nothing is complete
    for (const { file, bytes } of this.#track.writer.take()) await this.#writer.appendTrack(file, bytes);
  }

  /** Ends the recording: writes everything still buffered. */
  async end(): Promise<void> {
    this.#reorder.flush();
    this.#depth.end();
    this.#bookSilence.end();
    this.#builder.end();
    await this.drain();
  }

  /** Completes the tape. An instrument without a frame is refused with the reason and leaves nothing behind. */
  async finish(): Promise<TapeReport> {
    if (this.#writer === undefined) return this.#report(undefined, this.#refusal());
    this.#track.writer.end();
    await this.#drainTrack();
    const { id, version } = await this.#writer.finish(this.#track.writer.summary);
    return this.#report(tapeName(id, version), undefined);
  }

  async abort(): Promise<void> {
    await this.#writer?.abort();
  }

  #since(at: bigint): number {
    const ns = Number(at - this.#originNs);
    if (Number.isSafeInteger(ns)) return ns;
    const { symbol } = this.#settings.instrument;
    throw new ImportRefused(
      `The recording of ${symbol} spans more than 104 days, the longest that a tape can. Import its parts as separate tapes.`,
    );
  }

  async #open(): Promise<TapeWriter> {
    const { instrument, store, id, intervalNs } = this.#settings;
    const startNs = this.#builder.startNs ?? 0n;
    return TapeWriter.open(store, {
      id: id ?? defaultTapeId(instrument, startNs),
      symbol: instrument.symbol,
      source: instrument.source,
      startNs,
      decimals: instrument.decimals,
      precision: this.#builder.precision,
      intervalMs: intervalNs === 0 ? null : intervalNs / 1e6,
      analyticsVersion,
    });
  }

  /** A repaired book or a late trade gets the time of the newest event. */
  #notBefore(ns: number): number {
    return Math.max(ns, this.#builder.lastEventNs);
  }

  #exclude(trade: SourceTrade, reason: string): void {
    this.#excluded.set(reason, (this.#excluded.get(reason) ?? 0) + 1);
    // Its id still counts as seen, so it is not reported as missing.
    if (typeof trade.id === "number" && reason !== "from before the recording") this.#tradeIds.add(trade.id);
  }

  /** Applies an event; they come in order of time. */
  #apply({ ns, event, heard }: HeardTimedEvent): void {
    switch (event.kind) {
      case "trade":
        this.#applyTrade(ns, { ...heard, event });
        return;
      case "diff":
        this.#noteBook(event.bids.length, event.asks.length);
        if (event.ids || event.link) {
          this.#numbered = true;
          const { bids, asks, link, depth } = event;
          const diff = { ns, ...(event.ids ?? noIds), bids, asks, link, depth };
          this.#track.noteUpdate(diff, { ...heard, event });
          this.#depth.diff(diff);
        } else {
          this.#bookSilence.book(ns, (book) => {
            this.#track.begin({ ...heard, event });
            book.apply(event.bids, event.asks);
          });
        }
        return;
      case "snapshot": {
        this.#noteBook(event.bids.length, event.asks.length);
        const { bids, asks, lastId, link, depth } = event;
        if (lastId !== undefined || link !== undefined) {
          this.#numbered = true;
          const snapshot = { ns, lastId: lastId ?? 0, bids, asks, link, depth };
          this.#track.noteUpdate(snapshot, { ...heard, event });
          this.#depth.snapshot(snapshot);
        } else {
          const { trades = [] } = event;
          for (const trade of trades)
            this.#track.noteTrade(trade, { ...heard, event: { ...event, ...trade, kind: "trade" } });
          const replace = (book: OrderBook) => {
            this.#track.begin({ ...heard, event });
            // A track has rows for what it says: of an empty book there are none, but there are of the levels that went.
            if (bids.length + asks.length > 0) book.replace(bids, asks);
            else book.apply(removalOf(book.bids), removalOf(book.asks));
          };
          this.#bookSilence.book(ns, replace, trades);
        }
        return;
      }
      case "keyed":
        this.#noteBook(1, 1);
        this.#bookSilence.book(ns, () => {
          this.#track.begin({ ...heard, event });
          this.#applyKeyed(event);
        });
    }
  }

  #noteBook(bids: number, asks: number): void {
    this.#counts.bookMessages++;
    this.#counts.bids += bids;
    this.#counts.asks += asks;
  }

  #applyTrade(ns: number, heard: HeardEvent<SourceTrade>): void {
    const trade = heard.event;
    const { id } = trade;
    if (id !== undefined) {
      if (this.#tradeIds.has(id)) {
        this.#counts.duplicates++;
        this.#track.unusedEvent(heard, "duplicate");
        return;
      }
      this.#tradeIds.add(id);
      if (trade.consecutive && typeof id === "number") this.#noteTradeId(ns, id);
    }
    const { timestamp, price, size, side } = trade;
    const plain = { timestamp, price, size, side };
    this.#track.noteTrade(plain, heard);
    if (this.#numbered) this.#depth.trade(ns, plain);
    else this.#bookSilence.trade(ns, plain);
  }

  #noteTradeId(ns: number, id: number): void {
    let expected = (this.#lastTradeId ?? id - 1) + 1;
    while (expected < id && this.#tradeIds.has(expected)) expected++; // left out on purpose
    if (id > expected) this.#counts.missingTrades += id - expected;
    if (id > expected && !this.#silentSinceTrade) {
      this.#markGap(Math.min(ns, this.#builder.lastEventNs), "trades are missing");
    }
    this.#silentSinceTrade = false;
    this.#lastTradeId = Math.max(id, this.#lastTradeId ?? id);
  }

  #markGap(fromNs: number, reason: string): void {
    if (this.#numbered) this.#depth.gap(fromNs, reason);
    else this.#bookSilence.gap(fromNs, reason);
  }

  #applyKeyed({ action, rows }: SourceKeyed): void {
    if (action === "partial") this.#keyed.clear();
    for (const row of rows) if (!this.#applyRow(action, row)) this.#counts.unknownIds++;
  }

  #applyRow(action: SourceKeyed["action"], { id, side, price, size }: SourceKeyed["rows"][number]): boolean {
    if (action === "update") return this.#keyed.update(id, size);
    if (action === "delete") return this.#keyed.delete(id);
    this.#keyed.insert(id, side, price, size);
    return true;
  }

  #refusal(): string {
    const { bids, asks, bookMessages } = this.#counts;
    const trades = this.#builder.counts.tradesBeforePrice;
    if (bookMessages === 0) {
      return `no book: it has ${trades} trades and no order book; import a file with the same market's book along with it`;
    }
    if (bids === 0 || asks === 0) {
      const [there, missing] = bids === 0 ? ["ask", "bid"] : ["bid", "ask"];
      return `no price is known: it has ${bids + asks} ${there} levels and no ${missing}`;
    }
    return "no price is known: there was never a bid and an ask at once";
  }

  #report(tape: string | undefined, refused: string | undefined): TapeReport {
    const { instrument } = this.#settings;
    const startNs = this.#builder.startNs ?? this.#originNs;
    const iso = (ns: number) => isoOfNs(startNs + BigInt(ns), instrument.decimals);
    const built = this.#builder.counts;
    const depth = this.#depth.counts;
    const { book } = this.#builder;
    return {
      tape,
      refused,
      symbol: instrument.symbol,
      source: instrument.source,
      from: tape === undefined ? undefined : iso(0),
      to: tape === undefined ? undefined : iso(this.#lastFrameNs),
      durationMs: this.#lastFrameNs / 1e6,
      frames: built.frames,
      analyticsVersion,
      bookUpdates: built.updates,
      updatesAfterTape: this.#builder.updatesUnshown,
      heardUntil: tape === undefined ? undefined : iso(this.#builder.lastEventNs - Number(startNs - this.#originNs)),
      trades: built.trades,
      gaps: this.#gaps.map(({ ns, fromNs, reason }) => ({
        from: iso(fromNs),
        to: iso(ns),
        ms: (ns - fromNs) / 1e6,
        reason,
      })),
      book: {
        diffsApplied: depth.applied,
        diffsBeforeSnapshot: depth.beforeSnapshot,
        snapshotsUsed: depth.snapshotsUsed,
        snapshotsNotNeeded: depth.snapshotsNotNeeded,
        snapshotsApart: depth.snapshotsApart,
        withoutSnapshot: this.#numbered && depth.snapshotsUsed === 0,
        sequenceBreaks: depth.breaks,
        crossed: built.crossed,
        levelsUncrossed: built.levelsUncrossed,
        levelsOutsideSnapshot: depth.outsideSnapshot,
        unknownIds: this.#counts.unknownIds,
        deepest: this.#counts.deepest,
        finalBid: book.bids.bestPrice ?? null,
        finalAsk: book.asks.bestPrice ?? null,
      },
      duplicates: this.#counts.duplicates + depth.duplicates,
      outOfOrder: {
        book: this.#reorder.counts.bookOutOfOrder,
        trades: this.#reorder.counts.tradesOutOfOrder,
        bookLeftOut: this.#reorder.counts.bookTooLate + depth.late,
        tradesLate: this.#reorder.counts.tradesTooLate,
      },
      tradesLeftOut: {
        beforeFirstFrame: built.tradesBeforePrice,
        withoutBook: this.#bookSilence.tradesLeftOut,
        ...Object.fromEntries(this.#excluded),
      },
      missingTrades: this.#counts.missingTrades,
    };
  }
}

function removalOf(side: OrderBook["bids"]): BookLevel[] {
  return side.top(side.depth).map(([price]) => [price, 0]);
}

function isNumbered(event: SourceEvent): boolean {
  if (event.kind === "trade") return event.id !== undefined;
  return event.kind === "diff" && event.ids !== undefined && event.link === undefined;
}

/** `btcusdt-binance-20240808`: symbol, source and the UTC day of the first frame, in lower case. */
export function defaultTapeId({ symbol, source }: Instrument, startNs: bigint): string {
  const day = isoOfNs(startNs, 3).slice(0, 10).replaceAll("-", "");
  return `${symbol}-${source}-${day}`
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, "-")
    .replace(/^[.-]+/, "");
}
