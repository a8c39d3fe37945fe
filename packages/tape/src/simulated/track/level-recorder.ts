import { type MarketTrade, type Precision, type SegmentEvent, simulatedStartNs, type TickLots } from "@tapedeck/market";
import { nsOfIso } from "@tapedeck/protocol";
import { tradeSides } from "../../track/batches.js";
import { eventStates } from "../../track/track.js";
import { frameNs } from "../layout.js";
import { firstNumberOf, type OpeningRows, type SegmentLevels } from "./segment-track.js";

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

type BookLevels = Pick<SegmentEvent, "bids" | "asks">;

function openingOf({ bids = [], asks = [] }: BookLevels): OpeningRows {
  const levels = [...bids, ...asks];
  return {
    side: new Uint8Array(levels.length).fill(1, bids.length),
    price: Float64Array.from(levels, ([tick]) => tick),
    amount: Float64Array.from(levels, ([, lots]) => lots),
  };
}

/** Numbers the events of a segment, and keeps its changes of levels and its trades as columns, in units of the last decimal. */
export class LevelRecorder {
  readonly #segment: number;
  readonly #priceScale: number;
  readonly #sizeScale: number;
  readonly #decimals: Precision;
  /** The book before the first of the rows. */
  #opening: BookLevels = {};
  #book = new Rows();
  #trades = new Rows();
  #own: number[] = [];
  /** Rows of the book that an event of the tape's first segment says whole. */
  #wholeRows = 0;
  #next: number;

  constructor(segment: number, decimals: Precision) {
    const { priceDecimals, sizeDecimals } = decimals;
    this.#segment = segment;
    this.#decimals = decimals;
    this.#priceScale = Number(`1e${priceDecimals}`);
    this.#sizeScale = Number(`1e${sizeDecimals}`);
    this.#next = firstNumberOf(segment);
  }

  /** The whole book that the segment begins with: an event if nothing was before. */
  open(opening: SegmentEvent): RecordedEvent {
    const event = this.#number(opening.ns);
    if (this.#segment > 0) this.#opening = opening;
    else this.#addLevels(event, opening);
    this.#wholeRows = this.#book.n.length;
    return event;
  }

  /** One that goes on numbering here, and has the same book before its first row. */
  copy(): LevelRecorder {
    const copy = new LevelRecorder(this.#segment, this.#decimals);
    copy.#opening = this.#opening;
    copy.#next = this.#next;
    return copy;
  }

  // HOT: once per event of a segment that is read.
  /** Returns the event of a change of the book; undefined for trades, each of which is an event. */
  add(event: SegmentEvent): RecordedEvent | undefined {
    for (const trade of event.trades ?? []) this.#addTrade(event.ns, trade);
    if (event.change === undefined) return undefined;
    const recorded = this.#number(event.ns);
    this.#addLevels(recorded, event);
    return recorded;
  }

  /**
   * The rows since the last call.
   *
   * @param now the whole book that they have come to
   */
  take(now: BookLevels): SegmentLevels {
    const opening = openingOf(this.#opening);
    const book = this.#book.columns();
    const trades = { ...this.#trades.columns(), own: new Uint8Array(this.#own) };
    const isSnapshot = new Uint8Array(book.n.length).fill(1, 0, this.#wholeRows);
    this.#opening = now;
    this.#book = new Rows();
    this.#trades = new Rows();
    this.#own = [];
    this.#wholeRows = 0;
    return { opening, book: { ...book, isSnapshot }, trades };
  }

  #number(ns: number): RecordedEvent {
    return { n: this.#next++, seq: Math.max(0, Math.ceil(ns / frameNs)) };
  }

  #addLevels(event: RecordedEvent, { ns, bids = [], asks = [] }: SegmentEvent): void {
    const timestamp = simulatedStartNs + BigInt(ns);
    const add = (side: number, levels: readonly TickLots[]) => {
      for (const [tick, lots] of levels) this.#book.add(event, timestamp, side, tick, lots);
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
