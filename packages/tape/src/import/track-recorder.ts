import type {
  BookLevel,
  BookListener,
  BookSideName,
  DepthDiff,
  DepthObserver,
  DepthSnapshot,
  MarketTrade,
  OrderBook,
  UnusedUpdate,
} from "@tapedeck/market";
import type { EventState, TrackDecimals, TrackEvent } from "../track/track.js";
import { TrackWriter } from "../track/track-writer.js";
import type { Instrument, SourceEvent, SourceTrade } from "./events/source-event.js";

type BookEvent = Exclude<SourceEvent, { kind: "trade" | "ticker" | "pulse" }>;

/** A message of a recording, and when it was said and heard. */
export interface HeardEvent<E extends SourceEvent = SourceEvent> extends TrackEvent {
  readonly event: E;
}

/**
 * Writes the event track of an import: what the recording says, as it says it, and what became of each message. It learns of that from the book
 * and from those that drive it.
 */
export class TrackRecorder implements BookListener, DepthObserver {
  readonly writer: TrackWriter;
  readonly #originNs: bigint;
  #heard = 0;
  /** Where the updates and trades come from that are on their way to the book. */
  readonly #updates = new WeakMap<DepthDiff | DepthSnapshot, HeardEvent<BookEvent>>();
  readonly #trades = new WeakMap<MarketTrade, HeardEvent<SourceTrade>>();
  /** What changes the book now. */
  #current: HeardEvent<BookEvent> | undefined;
  #state: EventState = "applied";

  /** @param originNs nanoseconds since 1970 of event time 0 */
  constructor({ source, symbol }: Instrument, originNs: bigint, decimals: TrackDecimals | undefined) {
    this.writer = new TrackWriter({ exchange: source, symbol }, decimals);
    this.#originNs = originNs;
  }

  /** The next message in the order of receipt. @param ns its event time */
  heard<E extends SourceEvent>(event: E, ns: number): HeardEvent<E> {
    const timestampNs = event.ns ?? this.#originNs + BigInt(ns);
    if ((event.kind === "diff" || event.kind === "snapshot") && event.depth !== undefined)
      this.writer.limitDepth(event.depth);
    const ids = idsOf(event);
    const heard = event.heard ?? this.#heard;
    this.#heard = heard + 1;
    return { event, heard, timestampNs, receivedNs: event.receivedNs, ...(ids && { ids }) };
  }

  /** This update comes from that message. */
  noteUpdate(update: DepthDiff | DepthSnapshot, heard: HeardEvent<BookEvent>): void {
    this.#updates.set(update, heard);
  }

  noteTrade(trade: MarketTrade, heard: HeardEvent<SourceTrade>): void {
    this.#trades.set(trade, heard);
  }

  /** What changes the book next. */
  begin(heard: HeardEvent<BookEvent>, state: EventState = "applied"): void {
    this.#current = heard;
    this.#state = state;
  }

  /** A message that changes nothing. */
  unusedEvent(heard: HeardEvent, state: EventState): void {
    const { event } = heard;
    if (event.kind === "trade") this.#addTrade({ ...heard, event }, state);
    else if (event.kind === "keyed") {
      this.writer.beginBook(heard, state, event.action === "partial");
      for (const { side, price, size } of event.rows) this.writer.addLevels(side, [[price, size]]);
    } else if (event.kind !== "ticker" && event.kind !== "pulse")
      this.#addBook(heard, state, event.kind === "snapshot", event.bids, event.asks);
  }

  applying(update: DepthDiff | DepthSnapshot, again: boolean): void {
    const heard = this.#updates.get(update);
    if (heard !== undefined) this.begin(heard, again ? "again" : "applied");
  }

  unused(update: DepthDiff | DepthSnapshot, why: UnusedUpdate): void {
    const heard = this.#updates.get(update);
    if (heard !== undefined) this.unusedEvent(heard, why);
  }

  changed(bids: Iterable<BookLevel>, asks: Iterable<BookLevel>): void {
    const heard = this.#current;
    if (heard === undefined) return;
    // Each level of a message with ids for levels changes the book by itself.
    if (heard.event.kind === "keyed") this.#addKeyed(heard, bids, asks);
    else this.#addBook(heard, this.#state, false, bids, asks);
  }

  replaced(bids: Iterable<BookLevel>, asks: Iterable<BookLevel>): void {
    if (this.#current !== undefined) this.#addBook(this.#current, this.#state, true, bids, asks);
  }

  removed(side: BookSideName, prices: readonly number[]): void {
    this.writer.addDerived(side, prices);
  }

  /** A frame has the trade, or it was left out. */
  traded(trade: MarketTrade, shown: boolean): void {
    const heard = this.#trades.get(trade);
    if (heard !== undefined) this.#addTrade(heard, shown ? "applied" : "left-out");
  }

  frameMade(book: OrderBook, known: { readonly low: number; readonly high: number } | undefined): void {
    this.writer.frameMade(book, known);
  }

  #keyedEvent: HeardEvent | undefined;

  #addKeyed(heard: HeardEvent<BookEvent>, bids: Iterable<BookLevel>, asks: Iterable<BookLevel>): void {
    if (this.#keyedEvent !== heard) this.writer.beginBook(heard, this.#state, false);
    this.#keyedEvent = heard;
    this.writer.addLevels("bid", bids);
    this.writer.addLevels("ask", asks);
  }

  #addBook(
    heard: HeardEvent,
    state: EventState,
    isSnapshot: boolean,
    bids: Iterable<BookLevel>,
    asks: Iterable<BookLevel>,
  ): void {
    this.#keyedEvent = heard;
    this.writer.beginBook(heard, state, isSnapshot);
    this.writer.addLevels("bid", bids);
    this.writer.addLevels("ask", asks);
    if ("orders" in heard.event && heard.event.orders) this.writer.addOrders(heard, state, heard.event.orders);
  }

  #addTrade(heard: HeardEvent<SourceTrade>, state: EventState): void {
    const { id, side, price, size } = heard.event;
    this.writer.addTrade(heard, state, { id, side, price, amount: size });
  }
}

function idsOf(event: SourceEvent): TrackEvent["ids"] {
  if (event.kind === "diff" && event.ids !== undefined) return event.ids;
  const last = event.kind === "snapshot" ? (event.lastId ?? event.sequence) : event.sequence;
  return last === undefined ? undefined : { last };
}
