import type { TrackEntry } from "@tapedeck/live";
import {
  FrameBuilder,
  type FrameParts,
  MarketAnalytics,
  maxLevels,
  OrderBook,
  type Precision,
  sameLevels,
  topLevels,
} from "@tapedeck/market";
import { isoOfNs, type TapeNs, type TimeDecimals } from "@tapedeck/protocol";
import { type Logger, throttledLog } from "@tapedeck/runtime";
import type { FeedMetrics } from "../metrics.js";
import type { BookMessage, MarketSink, TrackSink, VenueTrade } from "../venues/venue.js";
import { GapDetector } from "./gap-detector.js";
import { TrackLog } from "./track-log.js";
import { type ReceivedTrade, UnclaimedEvents } from "./unclaimed-events.js";

/** The tape that the next frames continue. */
interface ContinuedTape {
  readonly startNs: bigint;
  readonly lastNs: TapeNs;
  /** Why there is a gap between its last frame and the next one. */
  readonly reason: string;
}

/** A frame on its way to the tape. */
export interface RecordedFrame {
  readonly parts: FrameParts;
  /** Nanoseconds since 1970 of tape time 0. */
  readonly startNs: bigint;
  /** When its newest event was received, nanoseconds since 1970 on the cluster's clock. */
  readonly receivedNs: bigint;
  /** What it shows for the first time. */
  readonly events: readonly TrackEntry[];
}

export type BookChange =
  /** The book matches the market. `quiet`: after a silence in which nothing had happened. */
  | { readonly state: "complete"; readonly quiet: boolean }
  | { readonly state: "lost"; readonly reason: string }
  /** The book contradicts itself: only a new connection helps. */
  | { readonly state: "inconsistent"; readonly reason: string };

/** Receives what the assembler makes of the market; the recorder is one. */
export interface FrameAssemblerListener {
  onFrame(frame: RecordedFrame): void;
  onBook(change: BookChange): void;
}

interface FrameAssemblerOptions {
  readonly source: string;
  readonly symbol: string;
  readonly decimals: TimeDecimals;
  /** As `Venue.distinctTimes`. */
  readonly distinctTimes?: boolean | undefined;
  /** Nanoseconds since 1970 on the cluster's clock. */
  readonly now: () => bigint;
  readonly listener: FrameAssemblerListener;
  readonly metrics: Pick<FeedMetrics, "event" | "unreadable">;
  readonly log: Logger;
}

/** A venue's time this far ahead of the cluster's is ignored: all later events would have to share it. */
const maxAheadNs = 10_000_000_000n;
/** Room before the first event, for events that arrive late with a little earlier time. */
const beforeFirstNs = 86_400_000_000_000n;
/** A book may be crossed between two messages that belong together, for less than this. */
const maxCrossedMs = 1_000;
/** Trades that wait for a complete book: at most this many, and none older than this. */
const maxPendingTrades = 1_000;
const maxPendingNs = 30_000_000_000n;

/**
 * Follows one instrument's book and assembles frames from it while it is complete. A frame shows a copy of the best levels, taken
 * when the book is consistent, so a crossed or stale book never reaches a frame. Gaps are marked on the first frame after them.
 */
export class FrameAssembler implements MarketSink {
  readonly counts = { events: 0, trades: 0, duplicates: 0, excluded: 0, gaps: 0, tradesDropped: 0 };
  readonly #options: FrameAssemblerOptions;
  readonly #unitNs: bigint;
  readonly #report: ReturnType<typeof throttledLog>;
  /** The book as the venue sends it. */
  readonly #book = new OrderBook();
  readonly #events: TrackLog;
  readonly #gaps = new GapDetector();
  #builder: FrameBuilder;
  #originNs: bigint;
  #complete = false;
  /** Since when the book is crossed, on the monotonic clock. */
  #crossedAt: number | undefined;
  #inconsistent = false;
  /** Book updates that no frame shows yet. */
  #pendingUpdates = 0;
  #pendingTrades: ReceivedTrade[] = [];
  #newest: { ns: bigint; receivedNs: bigint };
  /** On its way to the builder. */
  #adding: ReceivedTrade | undefined;
  /** Of venues with distinct times, before a tape is claimed: what another feed may not have recorded when this one takes over. */
  #unclaimed: UnclaimedEvents | undefined;
  /** Trades up to here are on the tape, recorded by the feed before. */
  #recordedNs: bigint | undefined;

  constructor(options: FrameAssemblerOptions) {
    this.#options = options;
    this.#report = throttledLog(options.log);
    this.#events = new TrackLog(this.#book, options.now);
    this.#unitNs = 10n ** BigInt(9 - options.decimals);
    const receivedNs = options.now();
    this.#newest = { ns: receivedNs, receivedNs };
    this.#originNs = this.#truncate(receivedNs - beforeFirstNs);
    this.#builder = this.#createBuilder(undefined);
    if (options.distinctTimes) this.#unclaimed = new UnclaimedEvents();
  }

  /** The instrument's decimals, as far as they are known. */
  get precision(): Precision {
    const assembler = this;
    return {
      get priceDecimals() {
        return assembler.#builder.precision.priceDecimals;
      },
      get sizeDecimals() {
        return assembler.#builder.precision.sizeDecimals;
      },
    };
  }

  get bookComplete(): boolean {
    return this.#complete;
  }

  /**
   * The venue time since which this feed knows everything that has happened, in nanoseconds since 1970: it continues a tape whose last frame is not older
   * without a gap. Undefined where it cannot know that.
   */
  get followedFromNs(): bigint | undefined {
    return this.#unclaimed?.fromNs;
  }

  get track(): TrackSink {
    return this.#events;
  }

  /**
   * The next frames belong to this tape, or to a new one; the present book comes first. A continued tape has a marked gap before it, unless
   * this feed has followed the market since before the tape's last frame and can tell which trades are missing.
   */
  startTape(tape: ContinuedTape | undefined): void {
    this.#originNs = tape?.startNs ?? this.#truncate(this.#options.now() - beforeFirstNs);
    const recordedNs = tape && tape.startNs + BigInt(tape.lastNs) + this.#unitNs - 1n; // the tape's times are cut
    const missing = recordedNs === undefined ? undefined : this.#unclaimed?.after(recordedNs);
    this.#unclaimed = undefined;
    this.#recordedNs = missing && recordedNs;
    this.#builder = this.#createBuilder(tape && { ...tape, reason: missing ? undefined : tape.reason });
    if (missing) this.#pendingTrades = missing;
    this.#startTrack(tape?.reason);
    if (!this.#complete) return;
    this.#showBook(this.#afterLast(this.#tapeTimeOf(missing && this.#newest.ns, this.#options.now())));
  }

  /** A frame was refused: the event track continues after a marked gap, with the book as it is. */
  restartTrack(reason: string): void {
    this.#startTrack(reason, { sameClaim: true });
    this.#events.show();
  }

  /** The events of which no frame shows anything. */
  takeEvents(): readonly TrackEntry[] {
    return this.#events.take();
  }

  /** Nothing follows: `takeEvents` gives all that is left. */
  endTrack(): void {
    for (const received of this.#pendingTrades.splice(0)) this.#drop(received);
    this.#events.show();
  }

  /** Ends the current interval and emits its frame if there is anything new. */
  closeFrame(): void {
    if (this.#crossedAt !== undefined && performance.now() - this.#crossedAt > maxCrossedMs) this.#reportCrossed();
    this.#builder.end();
  }

  book(ns: bigint | undefined, change: (book: OrderBook) => void, message: BookMessage = {}): void {
    const receivedNs = this.#noteEvent(ns);
    this.#events.begin({ timestampNs: ns ?? receivedNs, receivedNs }, message);
    change(this.#book);
    this.#events.end();
    this.#pendingUpdates++;
    if (this.#book.crossed) {
      this.#crossedAt ??= performance.now();
      return;
    }
    this.#crossedAt = undefined;
    const at = this.#tapeTimeOf(ns, receivedNs);
    if (!this.#complete) this.#completeBook(at);
    else this.#showBook(at);
  }

  trade(trade: VenueTrade): void {
    const receivedNs = this.#noteEvent(trade.ns);
    const received = { trade, heard: { timestampNs: trade.ns, receivedNs } };
    const continuity = this.#gaps.checkTrade(trade);
    if (continuity === "duplicate") {
      this.counts.duplicates++;
      this.#events.trade(trade, received.heard, "duplicate");
      return;
    }
    if (continuity === "trades missing" && this.#complete) {
      this.#markGap("trades are missing");
      this.#events.gap("trades are missing");
    }
    if (trade.excluded !== undefined || trade.size <= 0) {
      this.counts.excluded++;
      this.#events.trade(trade, received.heard, "left-out");
      return;
    }
    if (this.#recordedNs !== undefined && trade.ns <= this.#recordedNs) return;
    this.#unclaimed?.add(received);
    if (this.#complete && this.#crossedAt === undefined) {
      this.#addTrade(received, this.#tapeTimeOf(trade.ns, receivedNs));
      return;
    }
    this.#pendingTrades.push({ trade, heard: this.#events.hear(trade.ns) });
    if (this.#pendingTrades.length > maxPendingTrades) this.#drop(this.#pendingTrades.shift());
  }

  bookLost(reason: string, { silent = false }: { readonly silent?: boolean } = {}): void {
    this.#crossedAt = undefined;
    this.#inconsistent = false;
    this.#gaps.restartTradeIds();
    if (!this.#complete) return;
    this.#builder.end();
    this.#complete = false;
    if (this.#unclaimed !== undefined) this.#unclaimed = new UnclaimedEvents();
    this.#gaps.bookLost(reason, silent);
    this.#events.gap(reason);
    this.#pendingUpdates = 0;
    this.#options.listener.onBook({ state: "lost", reason });
  }

  unreadable(error: unknown, text: string): void {
    const { metrics, source } = this.#options;
    metrics.unreadable(source);
    this.#report.warn(
      { err: { message: String(error) }, text: text.slice(0, 200) },
      "the venue sent an unreadable message",
    );
  }

  #completeBook(at: TapeNs): void {
    const outcome = this.#gaps.bookRestored(() => this.#matchesLastFrame());
    this.#complete = true;
    this.#unclaimed?.begin(this.#newest.ns);
    if (typeof outcome === "object") this.#markGap(outcome.gap);
    this.#options.listener.onBook({ state: "complete", quiet: outcome === "quiet" });
    this.#showBook(this.#afterLast(at));
  }

  /** Takes over the levels of the venue's book, and the trades that waited for it. */
  #showBook(at: TapeNs): void {
    this.#events.show();
    for (; this.#pendingUpdates > 1; this.#pendingUpdates--) this.#builder.apply({ ns: at, change: () => {} });
    this.#pendingUpdates = 0;
    this.#builder.apply({
      ns: at,
      change: (shown) => shown.replace(this.#book.bids.top(maxLevels), this.#book.asks.top(maxLevels)),
    });
    if (this.#pendingTrades.length === 0) return;
    const oldestNs = this.#options.now() - maxPendingNs;
    for (const received of this.#pendingTrades.splice(0)) {
      if (received.heard.receivedNs < oldestNs) this.#drop(received);
      else this.#addTrade(received, at);
    }
  }

  #addTrade(received: ReceivedTrade, at: TapeNs): void {
    const { timestamp, price, size, side } = received.trade;
    this.counts.trades++;
    this.#events.show();
    this.#adding = received;
    this.#builder.apply({ ns: at, trades: [{ timestamp, price, size, side }] });
    this.#adding = undefined;
    this.#events.show();
  }

  /** The trade waited too long for a book. */
  #drop(received: ReceivedTrade | undefined): void {
    this.counts.tradesDropped++;
    if (received !== undefined) this.#events.trade(received.trade, received.heard, "left-out");
  }

  #startTrack(gap: string | undefined, { sameClaim = false } = {}): void {
    const { ns: timestampNs, receivedNs } = this.#newest;
    this.#events.start({ at: { timestampNs, receivedNs }, gap, complete: this.#complete, sameClaim });
  }

  /** The next frame carries the gap, from the last event to its own time. */
  #markGap(reason: string): void {
    this.counts.gaps++;
    this.#builder.markGap(this.#builder.lastEventNs, reason.replace(/\.$/, ""));
  }

  /** The venue's book has the levels of the last frame, and no trade came meanwhile. */
  #matchesLastFrame(): boolean {
    const [now, shown] = [topLevels(this.#book), topLevels(this.#builder.book)];
    return this.#pendingTrades.length === 0 && sameLevels(now.bids, shown.bids) && sameLevels(now.asks, shown.asks);
  }

  #reportCrossed(): void {
    if (this.#inconsistent) return;
    this.#inconsistent = true;
    const { source, listener } = this.#options;
    const reason = `The book of ${source} is crossed: bids and asks overlap.`;
    listener.onBook({ state: "inconsistent", reason });
  }

  /** @returns when the event was received */
  #noteEvent(ns: bigint | undefined): bigint {
    const { now, metrics, source } = this.#options;
    const receivedNs = now();
    const venueNs = this.#plausible(ns, receivedNs);
    this.#newest = { ns: venueNs ?? receivedNs, receivedNs };
    this.counts.events++;
    metrics.event(source, venueNs === undefined ? undefined : Number(receivedNs - venueNs) / 1e6);
    return receivedNs;
  }

  /** Never before the last event. */
  #tapeTimeOf(ns: bigint | undefined, receivedNs: bigint): TapeNs {
    const eventNs = this.#plausible(ns, receivedNs) ?? receivedNs;
    return Math.max(this.#builder.lastEventNs, Number(this.#truncate(eventNs) - this.#originNs));
  }

  /** The venue's time, unless it is far ahead both of ours and of the tape's last event: our clock may have been set back. */
  #plausible(ns: bigint | undefined, receivedNs: bigint): bigint | undefined {
    if (ns === undefined || ns - receivedNs < maxAheadNs) return ns;
    return ns - (this.#originNs + BigInt(this.#builder.lastEventNs)) < maxAheadNs ? ns : undefined;
  }

  /** Later than the last event, so that a gap has a length. */
  #afterLast(at: TapeNs): TapeNs {
    return Math.max(at, this.#builder.lastEventNs + Number(this.#unitNs));
  }

  /** To the precision of the venue's times. */
  #truncate(ns: bigint): bigint {
    return ns - (ns % this.#unitNs);
  }

  #createBuilder(
    tape: (Omit<ContinuedTape, "reason"> & { readonly reason: string | undefined }) | undefined,
  ): FrameBuilder {
    const { symbol, source, decimals, listener } = this.#options;
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
        const [startNs, events] = [builder.startNs ?? 0n, this.#events.take()];
        listener.onFrame({ parts, startNs, receivedNs: this.#newest.receivedNs, events });
      },
      traded: (_, shown) => {
        if (this.#adding === undefined) return;
        const { trade, heard } = this.#adding;
        this.#events.trade(trade, heard, shown ? "applied" : "left-out");
      },
    });
    return builder;
  }
}
