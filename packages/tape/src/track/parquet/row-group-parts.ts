import type { DecodedArray } from "hyparquet";
import {
  type BookOrigin,
  type BookRows,
  bookSides,
  type OrderRecords,
  orderSides,
  type SnapshotRows,
  type TrackRows,
  type TradeOrigin,
  type TradeRows,
  tradeSides,
} from "../batches.js";
import { eventStates } from "../track.js";
import type { ColumnsKind } from "./cached-columns.js";

/** Columns that are read and cached together. */
export interface GroupPart<Columns> extends ColumnsKind<Columns> {
  /** 0 or 1: two parts of a file have different places. */
  readonly place: 0 | 1;
  /** Their names in the file. */
  readonly names: readonly string[];
  /** Those that files of earlier releases lack. */
  readonly since?: readonly string[];
  /** @param column the values of a column, as the Parquet reader has them. Throws if they are not of their kind. */
  readonly decode: (column: ReadColumn, has: (name: string) => boolean) => Columns;
  /** Rows `start` to `end`, without a copy. */
  readonly between: (columns: Columns, start: number, end: number) => Columns;
}

type ReadColumn = (name: string) => DecodedArray;

const rowNames = ["n", "seq", "timestamp", "side", "price", "amount"];

function rowsOf(column: ReadColumn, sides: readonly string[]): TrackRows {
  return {
    n: numbers(column("n")),
    seq: numbers(column("seq")),
    timestamp: times(column("timestamp")),
    side: places(column("side"), sides),
    price: numbers(column("price")),
    amount: numbers(column("amount")),
  };
}

function rowsBetween(rows: TrackRows, start: number, end: number): TrackRows {
  return {
    n: rows.n.subarray(start, end),
    seq: rows.seq.subarray(start, end),
    timestamp: rows.timestamp.subarray(start, end),
    side: rows.side.subarray(start, end),
    price: rows.price.subarray(start, end),
    amount: rows.amount.subarray(start, end),
  };
}

export const bookRows: GroupPart<BookRows> = {
  place: 0,
  names: [...rowNames, "state", "is_snapshot"],
  decode: (column) => ({
    ...rowsOf(column, bookSides),
    state: places(column("state"), eventStates),
    isSnapshot: Uint8Array.from(column("is_snapshot"), Number),
  }),
  between: (columns, start, end) => ({
    ...rowsBetween(columns, start, end),
    state: columns.state.subarray(start, end),
    isSnapshot: columns.isSnapshot.subarray(start, end),
  }),
  sizeOf: bytesOf,
};

export const bookOrigin: GroupPart<BookOrigin> = {
  place: 1,
  names: ["local_timestamp", "heard", "first_id", "last_id", "previous_id"],
  decode: (column) => ({
    localTimestamp: times(column("local_timestamp")),
    heard: numbers(column("heard")),
    firstId: numbers(column("first_id")),
    lastId: numbers(column("last_id")),
    previousId: numbers(column("previous_id")),
  }),
  between: (columns, start, end) => ({
    localTimestamp: columns.localTimestamp.subarray(start, end),
    heard: columns.heard.subarray(start, end),
    firstId: columns.firstId.subarray(start, end),
    lastId: columns.lastId.subarray(start, end),
    previousId: columns.previousId.subarray(start, end),
  }),
  sizeOf: bytesOf,
};

export const tradeRows: GroupPart<TradeRows> = {
  place: 0,
  names: [...rowNames, "state"],
  decode: (column) => ({ ...rowsOf(column, tradeSides), state: places(column("state"), eventStates) }),
  between: (columns, start, end) => ({
    ...rowsBetween(columns, start, end),
    state: columns.state.subarray(start, end),
  }),
  sizeOf: bytesOf,
};

export const tradeOrigin: GroupPart<TradeOrigin> = {
  place: 1,
  names: ["local_timestamp", "heard", "id"],
  decode: (column) => ({
    localTimestamp: times(column("local_timestamp")),
    heard: numbers(column("heard")),
    id: Array.from(column("id"), String),
  }),
  between: (columns, start, end) => ({
    localTimestamp: columns.localTimestamp.subarray(start, end),
    heard: columns.heard.subarray(start, end),
    id: columns.id.slice(start, end),
  }),
  sizeOf: bytesOf,
};

export const snapshotRows: GroupPart<SnapshotRows> = {
  place: 0,
  names: [...rowNames, "known_low", "known_high", "limits_known"],
  since: ["limits_known"],
  decode: (column, has) => {
    const [knownLow, knownHigh] = [numbers(column("known_low")), numbers(column("known_high"))];
    const limitsKnown = has("limits_known")
      ? Uint8Array.from(column("limits_known"), Number)
      : // Where one limit is given, the other was known as well.
        Uint8Array.from(knownLow, (low, row) => Number(!Number.isNaN(low) || !Number.isNaN(knownHigh[row])));
    return { ...rowsOf(column, bookSides), knownLow, knownHigh, limitsKnown };
  },
  between: (columns, start, end) => ({
    ...rowsBetween(columns, start, end),
    knownLow: columns.knownLow.subarray(start, end),
    knownHigh: columns.knownHigh.subarray(start, end),
    limitsKnown: columns.limitsKnown.subarray(start, end),
  }),
  sizeOf: bytesOf,
};

export const orderRecords: GroupPart<OrderRecords> = {
  place: 0,
  names: [
    ...["n", "seq", "timestamp", "price", "amount", "local_timestamp", "heard"],
    ...["order_id", "action", "side", "rest", "state", "sequence"],
  ],
  decode: (column) => ({
    n: numbers(column("n")),
    seq: numbers(column("seq")),
    timestamp: times(column("timestamp")),
    price: numbers(column("price")),
    amount: numbers(column("amount")),
    localTimestamp: times(column("local_timestamp")),
    heard: numbers(column("heard")),
    orderId: unsigned(column("order_id")),
    action: Array.from(column("action"), String),
    side: places(column("side"), orderSides),
    rest: numbers(column("rest")),
    state: places(column("state"), eventStates),
    sequence: numbers(column("sequence")),
  }),
  between: (columns, start, end) => ({
    n: columns.n.subarray(start, end),
    seq: columns.seq.subarray(start, end),
    timestamp: columns.timestamp.subarray(start, end),
    price: columns.price.subarray(start, end),
    amount: columns.amount.subarray(start, end),
    localTimestamp: columns.localTimestamp.subarray(start, end),
    heard: columns.heard.subarray(start, end),
    orderId: columns.orderId.subarray(start, end),
    action: columns.action.slice(start, end),
    side: columns.side.subarray(start, end),
    rest: columns.rest.subarray(start, end),
    state: columns.state.subarray(start, end),
    sequence: columns.sequence.subarray(start, end),
  }),
  sizeOf: bytesOf,
};

type ColumnValues = Float64Array | BigInt64Array | BigUint64Array | Uint8Array | readonly string[];

function bytesOf<Name extends string>(columns: Readonly<Record<Name, ColumnValues>>): number {
  return Object.values<ColumnValues>(columns).reduce(
    (sum, column) => sum + ("byteLength" in column ? column.byteLength : textBytes(column)),
    0,
  );
}

function textBytes(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + 16 + text.length, 0);
}

function times(values: DecodedArray): BigInt64Array {
  if (values instanceof BigInt64Array) return values;
  return BigInt64Array.from(values, (value: unknown) => BigInt(String(value)));
}

/** Numbers of 64 bits, stored in the same bits as those with a sign. */
function unsigned(values: DecodedArray): BigUint64Array {
  const { buffer, byteOffset, length } = times(values);
  return new BigUint64Array(buffer, byteOffset, length);
}

/** Whole numbers below 2^53; NaN where there is none. */
function numbers(values: DecodedArray): Float64Array {
  const made = new Float64Array(values.length);
  if (values instanceof BigInt64Array) {
    // By halves: no integer object is made for each.
    const halves = new DataView(values.buffer, values.byteOffset, values.byteLength);
    for (let at = 0; at < made.length; at++) {
      made[at] = halves.getInt32(8 * at + 4, true) * 2 ** 32 + halves.getUint32(8 * at, true);
    }
    return made;
  }
  for (let at = 0; at < made.length; at++) {
    const value: unknown = values[at];
    made[at] = value == null ? Number.NaN : Number(value);
  }
  return made;
}

/** The place of each text among those that are known. */
function places(values: DecodedArray, known: readonly (string | null)[]): Uint8Array {
  const made = new Uint8Array(values.length);
  let last: unknown = known[0];
  let place = 0;
  for (let at = 0; at < made.length; at++) {
    const value: unknown = values[at] ?? null;
    if (value !== last) {
      place = known.findIndex((text) => text === value);
      if (place < 0) throw new TypeError(`${String(value)} is none of ${known.join(", ")}`);
      last = value;
    }
    made[at] = place;
  }
  return made;
}
