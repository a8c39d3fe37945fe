import { type BookBatch, bookSides, eventStates, type Seq, type TradeBatch, tradeSides } from "@tapedeck/tape";
import type { BookOrigin, BookRows, TrackEvent, TradeOrigin, TradeRows } from "@tapedeck/tape/blocks";
import { type KnownPrices, type PlacedEntry, timestampOf } from "../track/track-entry.js";

/** A place where a reader of the book can begin, knowing nothing of the events before. */
export interface WholeBook {
  /** The last event in it. */
  readonly n: number;
  readonly seq: Seq;
  readonly known: KnownPrices | undefined;
  /** Its levels, if it stands between the events; otherwise event `n` has them. */
  readonly full: FullEntry | undefined;
}

export type FullEntry = Extract<PlacedEntry, { readonly kind: "full" }>;

/** The events of some lines as columns. Prices and amounts are numbers as the venue said them. */
export interface EventColumns {
  readonly book: BookRows & BookOrigin;
  readonly trades: TradeRows & TradeOrigin;
  /** In order. */
  readonly wholeBooks: readonly WholeBook[];
  /** Bytes that they take in memory. */
  readonly size: number;
}

const noCause: TrackEvent = { heard: 0, timestampNs: 0n, receivedNs: 0n };

/** Makes columns of entries, in their order. */
export class ColumnsBuilder {
  readonly #book = new Rows();
  readonly #trades = new Rows();
  readonly #wholeBooks: WholeBook[] = [];
  /** The last message of the book: levels that it made obsolete have its times. */
  #cause = noCause;

  // HOT: once per event that is read.
  add(entry: PlacedEntry): void {
    const { n, seq } = entry;
    switch (entry.kind) {
      case "gap":
        return;
      case "full":
        this.#wholeBooks.push({ n: n - 1, seq, known: entry.known, full: entry });
        return;
      case "trade": {
        const row = this.#trades.begin(n, seq, entry, eventStates.indexOf(entry.state), false);
        this.#trades.add(row, tradeSides.indexOf(entry.side), entry.price, entry.size);
        this.#trades.id.push(entry.id === undefined ? "" : String(entry.id));
        return;
      }
      case "derived": {
        const row = this.#book.begin(n, seq, this.#cause, eventStates.indexOf("derived"), false);
        const side = bookSides.indexOf(entry.side);
        for (const price of entry.prices) this.#book.add(row, side, price, 0);
        return;
      }
      case "book": {
        const { state, snapshot, bids, asks, known } = entry;
        this.#cause = entry;
        if (snapshot && state === "applied") this.#wholeBooks.push({ n, seq, known, full: undefined });
        const row = this.#book.begin(n, seq, entry, eventStates.indexOf(state), snapshot);
        for (const [price, size] of bids) this.#book.add(row, 0, price, size);
        for (const [price, size] of asks) this.#book.add(row, 1, price, size);
      }
    }
  }

  finish(): EventColumns {
    const [book, trades] = [this.#book.columns(), { ...this.#trades.columns(), id: this.#trades.id }];
    let size = 0;
    for (const columns of [book, trades]) {
      for (const column of Object.values(columns))
        size += "byteLength" in column ? column.byteLength : 32 * column.length;
    }
    for (const { full } of this.#wholeBooks) if (full) size += 64 * (full.bids.length + full.asks.length);
    return { book, trades, wholeBooks: this.#wholeBooks, size };
  }
}

type RowEvent = readonly [event: TrackEvent, n: number, seq: Seq, state: number, snapshot: boolean];

class Rows {
  readonly #events: RowEvent[] = [];
  readonly #event: number[] = [];
  readonly #side: number[] = [];
  readonly #price: number[] = [];
  readonly #amount: number[] = [];
  /** Of trades. */
  readonly id: string[] = [];

  begin(n: number, seq: Seq, event: TrackEvent, state: number, snapshot: boolean): number {
    return this.#events.push([event, n, seq, state, snapshot]) - 1;
  }

  add(event: number, side: number, price: number, amount: number): void {
    this.#event.push(event);
    this.#side.push(side);
    this.#price.push(price);
    this.#amount.push(amount);
  }

  columns(): BookRows & BookOrigin {
    const rows = this.#event.length;
    const columns = {
      n: new Float64Array(rows),
      seq: new Float64Array(rows),
      timestamp: new BigInt64Array(rows),
      side: Uint8Array.from(this.#side),
      price: Float64Array.from(this.#price),
      amount: Float64Array.from(this.#amount),
      state: new Uint8Array(rows),
      isSnapshot: new Uint8Array(rows),
      localTimestamp: new BigInt64Array(rows),
      heard: new Float64Array(rows),
      firstId: new Float64Array(rows),
      lastId: new Float64Array(rows),
      previousId: new Float64Array(rows),
    };
    for (let row = 0; row < rows; row++) {
      const found = this.#events[this.#event[row] ?? 0];
      if (found === undefined) continue;
      const [event, n, seq, state, snapshot] = found;
      columns.n[row] = n;
      columns.seq[row] = seq;
      columns.timestamp[row] = event.timestampNs;
      columns.state[row] = state;
      columns.isSnapshot[row] = snapshot ? 1 : 0;
      columns.localTimestamp[row] = event.receivedNs;
      columns.heard[row] = event.heard;
      columns.firstId[row] = event.ids?.first ?? Number.NaN;
      columns.lastId[row] = event.ids?.last ?? Number.NaN;
      columns.previousId[row] = event.ids?.previous ?? Number.NaN;
    }
    return columns;
  }
}

/** The levels of a whole book that stands between the events, as the event that they are for a reader who begins there. */
export function columnsOfWholeBook(full: FullEntry, n: number): EventColumns {
  const builder = new ColumnsBuilder();
  builder.add({ ...full, kind: "book", n, state: "derived", snapshot: true });
  return builder.finish();
}

/** The latest time of entries by the venue's clock; 0 without one. */
export function lastTimeOf(entries: readonly PlacedEntry[]): bigint {
  let last = 0n;
  for (const entry of entries) {
    const ns = timestampOf(entry) ?? 0n;
    if (ns > last) last = ns;
  }
  return last;
}

/** How numbers become integers, and which frame is the tape's first. */
export interface RowScale {
  /** What prices are multiplied by. */
  readonly price: number;
  readonly amount: number;
  readonly firstSeq: Seq;
}

/** Rows `start` to `end` of the book. */
export function bookBatchOf({ book }: EventColumns, start: number, end: number, scale: RowScale): BookBatch {
  return {
    rows: end - start,
    ...rowsBetween(book, start, end, scale),
    isSnapshot: book.isSnapshot.subarray(start, end),
    origin: async () => ({
      localTimestamp: book.localTimestamp.subarray(start, end),
      heard: book.heard.subarray(start, end),
      firstId: book.firstId.subarray(start, end),
      lastId: book.lastId.subarray(start, end),
      previousId: book.previousId.subarray(start, end),
    }),
  };
}

/** Rows `start` to `end` of the trades. */
export function tradeBatchOf({ trades }: EventColumns, start: number, end: number, scale: RowScale): TradeBatch {
  return {
    rows: end - start,
    ...rowsBetween(trades, start, end, scale),
    origin: async () => ({
      localTimestamp: trades.localTimestamp.subarray(start, end),
      heard: trades.heard.subarray(start, end),
      id: trades.id.slice(start, end),
    }),
  };
}

function rowsBetween(rows: TradeRows, start: number, end: number, { price, amount, firstSeq }: RowScale): TradeRows {
  const seq = rows.seq.subarray(start, end);
  return {
    n: rows.n.subarray(start, end),
    // Frames before it were erased.
    seq: (seq[0] ?? firstSeq) < firstSeq ? seq.map((shown) => Math.max(shown, firstSeq)) : seq,
    timestamp: rows.timestamp.subarray(start, end),
    side: rows.side.subarray(start, end),
    state: rows.state.subarray(start, end),
    price: rows.price.subarray(start, end).map((value) => Math.round(value * price)),
    amount: rows.amount.subarray(start, end).map((value) => Math.round(value * amount)),
  };
}
