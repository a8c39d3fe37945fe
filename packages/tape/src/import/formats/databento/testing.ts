import { textOf } from "../../input/testing.js";

/** A row as a test describes it: the rest is the same in every row. */
export interface Row {
  /** Milliseconds after the start. */
  readonly ms: number;
  readonly action: string;
  readonly side?: string;
  readonly price?: number;
  readonly size?: number;
  readonly id?: number;
  readonly symbol?: string;
  readonly bids?: readonly (readonly [price: number, size: number])[];
  readonly asks?: readonly (readonly [price: number, size: number])[];
}

export interface CsvStyle {
  readonly levels: number;
  readonly pretty: boolean;
  readonly symbols: boolean;
}

/** Nanoseconds since 1970 of millisecond 0. */
export const start = BigInt(Date.UTC(2024, 2, 1, 14, 30)) * 1_000_000n;

/** A file as Databento writes it, in one of its styles. */
export function csvOf(rows: readonly Row[], { levels, pretty, symbols }: CsvStyle): string {
  const price = (value: number | undefined) => {
    if (value === undefined) return pretty ? "" : "9223372036854775807";
    return pretty ? value.toFixed(9) : String(BigInt(Math.round(value * 1000)) * 1_000_000n);
  };
  const time = (ns: bigint) =>
    pretty ? `${new Date(Number(ns / 1_000_000n)).toISOString().slice(0, -1)}${ns % 1_000_000n}Z` : String(ns);
  const places = Array.from({ length: levels }, (_, n) => n);
  const names = places.flatMap((n) => {
    const number = String(n).padStart(2, "0");
    return ["bid_px", "ask_px", "bid_sz", "ask_sz", "bid_ct", "ask_ct"].map((name) => `${name}_${number}`);
  });
  const header =
    "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence";
  const lines = rows.map(({ ms, action, side = "N", price: at, size = 0, id = 5482, symbol = "ESH4", ...book }) => {
    const eventNs = start + BigInt(ms) * 1_000_000n + 123_456n;
    const row = [time(eventNs + 200_000n), time(eventNs), levels, 1, id, action, side, 0, price(at), size, 128, 17, ms];
    for (const n of places) {
      const [bid, ask] = [book.bids?.[n], book.asks?.[n]];
      row.push(price(bid?.[0]), price(ask?.[0]), bid?.[1] ?? 0, ask?.[1] ?? 0, bid ? 1 : 0, ask ? 1 : 0);
    }
    return [...row, ...(symbols ? [symbol] : [])].join(",");
  });
  return textOf([[header, ...names, ...(symbols ? ["symbol"] : [])].join(","), ...lines]);
}

/** Rows of two instruments with books of ten levels, a trade in every fifth. */
export function someRows(count: number): Row[] {
  return Array.from({ length: count }, (_, n) => {
    const levels = (price: number, step: number) =>
      Array.from({ length: 10 }, (_level, place) => [price + step * place, 10 + ((n + place) % 7)] as const);
    return {
      ms: n * 50,
      action: n % 5 === 4 ? "T" : "A",
      side: n % 2 === 0 ? "B" : "A",
      price: 5100,
      size: 1 + (n % 3),
      id: n % 10 === 9 ? 5483 : 5482,
      symbol: n % 10 === 9 ? "NQH4" : "ESH4",
      bids: levels(5100 - (n % 4) / 4, -0.25),
      asks: levels(5100.25 + (n % 3) / 4, 0.25),
    };
  });
}
