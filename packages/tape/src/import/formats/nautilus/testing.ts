import type { SchemaElement } from "hyparquet";
import { parquetOf, stored } from "../../input/table/testing.js";

/** Writes the files of a nautilus_trader catalog, as its documentation describes them, for tests: it shares no code with the importer. */

/** How numbers are stored: in 16 or 8 bytes, or, by early versions, in a whole number. */
export type Precision = "high" | "standard" | "early";

const scales = { high: 16, standard: 9, early: 9 } as const;
const lengths = { high: 16, standard: 8, early: 0 } as const;

/** A text of a decimal, as the file has it. */
function fixed(text: string, precision: Precision): unknown {
  const [whole = "", fraction = ""] = text.split(".");
  const raw = BigInt(whole + fraction.padEnd(scales[precision], "0"));
  if (precision === "early") return raw;
  const bytes = new Uint8Array(lengths[precision]);
  for (let at = 0, rest = BigInt.asUintN(8 * bytes.length, raw); at < bytes.length; at++, rest >>= 8n) {
    bytes[at] = Number(rest & 255n);
  }
  return bytes;
}

function numbers(precision: Precision): Omit<SchemaElement, "name"> {
  return precision === "early" ? stored.whole : { type: "FIXED_LEN_BYTE_ARRAY", type_length: lengths[precision] };
}

export interface Delta {
  readonly action: "add" | "update" | "delete" | "clear";
  readonly side?: "buy" | "sell";
  readonly price?: string;
  readonly size?: string;
  readonly id?: bigint;
  readonly flags?: number;
  readonly sequence?: number;
  /** Nanoseconds after `startNs`. */
  readonly event: number;
  readonly init?: number;
}

/** Nanoseconds since 1970. */
export const startNs = BigInt(Date.UTC(2024, 7, 8, 23, 54)) * 1_000_000n;
export const flags = { last: 128, snapshot: 32 } as const;

function metadataOf(instrument: string) {
  return { instrument_id: instrument, price_precision: "2", size_precision: "6" };
}

function times(rows: readonly { readonly event: number; readonly init?: number }[]) {
  const at = (value: (row: (typeof rows)[number]) => number) => ({
    element: stored.unsigned,
    values: rows.map((row) => startNs + BigInt(value(row))),
  });
  return { ts_event: at(({ event }) => event), ts_init: at(({ event, init = event + 1_000 }) => init) };
}

export function deltasOf(
  rows: readonly Delta[],
  precision: Precision = "high",
  instrument = "BTCUSDT.BINANCE",
): Uint8Array {
  const actions = { add: 1, update: 2, delete: 3, clear: 4 } as const;
  const column = (element: Omit<SchemaElement, "name">, value: (row: Delta) => unknown) => ({
    element,
    values: rows.map(value),
  });
  return parquetOf({
    metadata: metadataOf(instrument),
    columns: {
      action: column(stored.byte, ({ action }) => actions[action]),
      side: column(stored.byte, ({ side }) => (side === undefined ? 0 : side === "buy" ? 1 : 2)),
      price: column(numbers(precision), ({ price = "0" }) => fixed(price, precision)),
      size: column(numbers(precision), ({ size = "0" }) => fixed(size, precision)),
      order_id: column(stored.unsigned, ({ id = 0n }) => id),
      flags: column(stored.byte, (row) => row.flags ?? 0),
      sequence: column(stored.unsigned, ({ sequence = 0 }) => BigInt(sequence)),
      ...times(rows),
    },
  });
}

export interface Trade {
  readonly price: string;
  readonly size: string;
  readonly aggressor: 0 | 1 | 2;
  readonly id: string;
  readonly event: number;
}

export function tradesOf(rows: readonly Trade[], precision: Precision = "high"): Uint8Array {
  return parquetOf({
    metadata: metadataOf("BTCUSDT.BINANCE"),
    columns: {
      price: { element: numbers(precision), values: rows.map(({ price }) => fixed(price, precision)) },
      size: { element: numbers(precision), values: rows.map(({ size }) => fixed(size, precision)) },
      aggressor_side: { element: stored.byte, values: rows.map(({ aggressor }) => aggressor) },
      trade_id: { element: stored.text, values: rows.map(({ id }) => id) },
      ...times(rows),
    },
  });
}

export interface Book {
  /** Best first, at most ten. */
  readonly bids: readonly (readonly [price: string, size: string])[];
  readonly asks: readonly (readonly [price: string, size: string])[];
  readonly event: number;
}

/** Ten levels a side, or, as quotes, the best. */
export function booksOf(rows: readonly Book[], kind: "depth10" | "quotes", precision: Precision = "high"): Uint8Array {
  const places = kind === "quotes" ? [0] : Array.from({ length: 10 }, (_, place) => place);
  const columns = Object.fromEntries(
    (["bid", "ask"] as const).flatMap((side) =>
      (["price", "size"] as const).flatMap((what) =>
        places.map((place) => {
          const name = kind === "quotes" ? `${side}_${what}` : `${side}_${what}_${place}`;
          const value = (row: Book) => row[`${side}s`][place]?.[what === "price" ? 0 : 1] ?? "0";
          return [name, { element: numbers(precision), values: rows.map((row) => fixed(value(row), precision)) }];
        }),
      ),
    ),
  );
  return parquetOf({ metadata: metadataOf("BTCUSDT.BINANCE"), columns: { ...columns, ...times(rows) } });
}

/** Changes of AAPL's levels, a whole book first. */
export function someDeltas(count: number): Uint8Array {
  const rows = Array.from({ length: count }, (_, n): Delta => {
    const side = n % 2 === 0 ? "buy" : "sell";
    const price = n % 2 === 0 ? `${100 - (n % 5)}.00` : `${101 + (n % 4)}.50`;
    const what = {
      side,
      price,
      size: `${n % 3}.25`,
      event: 1 + (n >> 1) * 50_000_000,
      flags: n % 2 === 0 ? 0 : flags.last,
    } as const;
    return n === 0
      ? { action: "clear", event: 1 }
      : { ...what, action: n % 7 === 6 ? "delete" : n % 3 === 0 ? "update" : "add" };
  });
  return deltasOf(rows, "high", "AAPL.NASDAQ");
}
