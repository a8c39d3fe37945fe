import type { BookSideName } from "@tapedeck/market";
import { type Column, type ColumnValues, type GroupValues, ParquetFile } from "../parquet-file.js";
import type { EventState, TrackDecimals } from "../track.js";

/**
 * What happened to an order. `execute`: it rested and was filled. `hidden`: so was one that no book shows. `trade`: it came and filled others.
 * `clear`: all orders are gone.
 */
export type OrderAction = "add" | "modify" | "cancel" | "execute" | "hidden" | "trade" | "clear";

/** What a source says of one order. */
export interface TrackOrder {
  /** Nanoseconds since 1970 by the venue's clock, and by the recorder's. */
  readonly timestampNs: bigint;
  readonly receivedNs: bigint;
  readonly action: OrderAction;
  /** The venue's number of the order, up to 64 bits; 0: none. */
  readonly id: number | bigint;
  readonly side: BookSideName | undefined;
  readonly price: number | undefined;
  /** The new size of an order that was added or modified; of others what was cancelled or traded. */
  readonly amount: number;
  /** What of the order rests in the book now; undefined if that is not known. */
  readonly rest: number | undefined;
  /** The venue's number of the message. */
  readonly sequence: number | undefined;
  /** The source did not say so. */
  readonly derived?: boolean;
}

/** What a file does not say that begins without it: all orders are gone. */
export const cleared = {
  action: "clear",
  derived: true,
  id: 0,
  side: undefined,
  price: undefined,
  amount: 0,
  rest: undefined,
  sequence: undefined,
} as const;

/** The event that an order's row is part of. */
interface OrderOrigin {
  readonly n: number;
  readonly heard: number;
  readonly state: EventState;
}

interface OrderRow extends OrderOrigin {
  readonly order: TrackOrder;
}

/** The rows of `orders.parquet` that wait for their row group to be full, and the file. */
export class OrderRows {
  readonly #rows: OrderRow[] = [];
  /** The first frame that shows each; those at the end are not shown yet. */
  readonly #seqs: number[] = [];
  #file: ParquetFile | undefined;
  /** Rows so far, also those that were written. */
  total = 0;

  get waiting(): number {
    return this.#rows.length;
  }

  add(order: TrackOrder, { n, heard, state }: OrderOrigin): void {
    this.#rows.push({ n, heard, state, order });
    this.total++;
  }

  /** Those since the last call are shown first by this frame. */
  shownBy(seq: number): void {
    while (this.#seqs.length < this.#rows.length) this.#seqs.push(seq);
  }

  /** Writes a row group of those that wait. The decimals are the same each time. */
  write(market: { readonly exchange: string; readonly symbol: string }, decimals: TrackDecimals): void {
    if (this.#rows.length === 0) return;
    this.#file ??= new ParquetFile(orderColumnsOf(decimals));
    this.#file.addGroup(this.#columns(market, decimals));
    this.#rows.length = this.#seqs.length = 0;
  }

  finish(): void {
    this.#file?.finish();
  }

  /** What was encoded since the last call. */
  take(): Uint8Array {
    return this.#file?.take() ?? new Uint8Array(0);
  }

  #columns({ exchange, symbol }: { exchange: string; symbol: string }, decimals: TrackDecimals): GroupValues {
    const prices = scaled(
      this.#map(({ order }) => order.price),
      decimals.price,
    );
    return {
      exchange: this.#map(() => exchange),
      symbol: this.#map(() => symbol),
      timestamp: this.#whole(({ order }) => order.timestampNs),
      local_timestamp: this.#whole(({ order }) => order.receivedNs),
      order_id: BigUint64Array.from(this.#rows, ({ order }) => BigInt(order.id)),
      action: this.#map(({ order }) => order.action),
      side: this.#map(({ order }) => order.side),
      price: prices,
      amount: scaled(
        this.#map(({ order }) => order.amount),
        decimals.size,
      ),
      rest: scaled(
        this.#map(({ order }) => order.rest),
        decimals.size,
      ),
      n: this.#whole(({ n }) => BigInt(n)),
      seq: BigInt64Array.from(this.#seqs, BigInt),
      heard: this.#whole(({ heard }) => BigInt(heard)),
      state: this.#map(({ state }) => state),
      sequence: this.#map(({ order }) => (order.sequence === undefined ? undefined : BigInt(order.sequence))),
    };
  }

  #map<T>(value: (row: OrderRow) => T): T[] {
    return this.#rows.map(value);
  }

  #whole(value: (row: OrderRow) => bigint): BigInt64Array {
    return BigInt64Array.from(this.#rows, value);
  }
}

/** The columns of `orders.parquet`, in order. */
export function orderColumnsOf(decimals: TrackDecimals): readonly Column[] {
  const text = (name: string): Column => ({ name, kind: "text" });
  const steady = (name: string, kind: "number" | "time"): Column => ({ name, kind, encoding: "differences" });
  const amount = { kind: { decimals: decimals.size } };
  return [
    ...[text("exchange"), text("symbol")],
    { ...steady("timestamp", "time"), indexed: true },
    steady("local_timestamp", "time"),
    { name: "order_id", kind: "unsigned", encoding: "differences" },
    text("action"),
    { ...text("side"), optional: true },
    { name: "price", kind: { decimals: decimals.price }, optional: true },
    { ...amount, name: "amount" },
    { ...amount, name: "rest", optional: true },
    { ...steady("n", "number"), indexed: true },
    { ...steady("seq", "number"), indexed: true },
    steady("heard", "number"),
    text("state"),
    { ...steady("sequence", "number"), optional: true },
  ];
}

/** Units of the last decimal. Exact as long as a number has no more than 15 digits. */
function scaled(values: readonly (number | undefined)[], decimals: number): ColumnValues {
  const scale = Number(`1e${decimals}`);
  return values.map((value) => (value === undefined ? undefined : BigInt(Math.round(value * scale))));
}
