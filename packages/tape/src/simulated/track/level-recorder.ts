import { type MarketTrade, type Precision, type SegmentEvent, simulatedStartNs, type TickLots } from "@tapedeck/market";
import { nsOfIso } from "@tapedeck/protocol";
import { tradeSides } from "../../track/batches.js";
import { eventStates } from "../../track/track.js";
import { frameNs } from "../layout.js";
import { firstNumberOf, type SegmentLevels } from "./segment-track.js";

const applied = eventStates.indexOf("applied");

/** An event as others refer to it. */
export interface RecordedEvent {
  readonly n: number;
  /** The frame that shows it first. */
  readonly seq: number;
}

/** Rows in columns of plain numbers, since it is not known how many come. */
class Rows {
  readonly n: number[] = [];
  readonly seq: number[] = [];
  readonly timestamp: bigint[] = [];
  readonly side: number[] = [];
  readonly price: number[] = [];
  readonly amount: number[] = [];

  add({ n, seq }: RecordedEvent, timestamp: bigint, side: number, price: number, amount: number): void {
    this.n.push(n);
    this.seq.push(seq);
    this.timestamp.push(timestamp);
    this.side.push(side);
    this.price.push(price);
    this.amount.push(amount);
  }

  columns() {
    return {
      n: new Float64Array(this.n),
      seq: new Float64Array(this.seq),
      timestamp: new BigInt64Array(this.timestamp),
      side: new Uint8Array(this.side),
      price: new Float64Array(this.price),
      amount: new Float64Array(this.amount),
      state: new Uint8Array(this.n.length).fill(applied),
    };
  }
}

/** Numbers the events of a segment, and keeps its changes of levels and its trades as columns, in units of the last decimal. */
export class LevelRecorder {
  readonly #segment: number;
  readonly #priceScale: number;
  readonly #sizeScale: number;
  readonly #opening = new Rows();
  readonly #book = new Rows();
  readonly #trades = new Rows();
  readonly #own: number[] = [];
  /** Rows of the book that an event of the tape's first segment says whole. */
  #wholeRows = 0;
  #next: number;

  constructor(segment: number, { priceDecimals, sizeDecimals }: Precision) {
    this.#segment = segment;
    this.#priceScale = Number(`1e${priceDecimals}`);
    this.#sizeScale = Number(`1e${sizeDecimals}`);
    this.#next = firstNumberOf(segment);
  }

  /** The whole book that the segment begins with: an event if nothing was before. */
  open(opening: SegmentEvent): RecordedEvent {
    const event = this.#number(opening.ns);
    const rows = this.#segment === 0 ? this.#book : this.#opening;
    this.#addLevels(rows, event, opening);
    this.#wholeRows = this.#book.n.length;
    return event;
  }

  // HOT: once per event of a segment that is read.
  /** Returns the event of a change of the book; undefined for trades, each of which is an event. */
  add(event: SegmentEvent): RecordedEvent | undefined {
    for (const trade of event.trades ?? []) this.#addTrade(event.ns, trade);
    if (event.change === undefined) return undefined;
    const recorded = this.#number(event.ns);
    this.#addLevels(this.#book, recorded, event);
    return recorded;
  }

  finish(): SegmentLevels {
    const { side, price, amount } = this.#opening.columns();
    const book = this.#book.columns();
    const trades = { ...this.#trades.columns(), own: new Uint8Array(this.#own) };
    const isSnapshot = new Uint8Array(book.n.length).fill(1, 0, this.#wholeRows);
    return { opening: { side, price, amount }, book: { ...book, isSnapshot }, trades };
  }

  #number(ns: number): RecordedEvent {
    return { n: this.#next++, seq: Math.max(0, Math.ceil(ns / frameNs)) };
  }

  #addLevels(rows: Rows, event: RecordedEvent, { ns, bids = [], asks = [] }: SegmentEvent): void {
    const timestamp = simulatedStartNs + BigInt(ns);
    const add = (side: number, levels: readonly TickLots[]) => {
      for (const [tick, lots] of levels) rows.add(event, timestamp, side, tick, lots);
    };
    add(0, bids);
    add(1, asks);
  }

  /** What trades with the order that closes a frame is in the next one, and has the time of the one before. */
  #addTrade(ns: number, { timestamp, side, price, size, own }: MarketTrade): void {
    const time = nsOfIso(timestamp) ?? simulatedStartNs + BigInt(ns);
    const [tick, lots] = [Math.round(price * this.#priceScale), Math.round(size * this.#sizeScale)];
    this.#trades.add(this.#number(ns), time, tradeSides.indexOf(side), tick, lots);
    this.#own.push(own ? 1 : 0);
  }
}
