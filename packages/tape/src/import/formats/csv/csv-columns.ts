import type { Header } from "./csv-header.js";

interface Level {
  readonly price: number;
  readonly size: number;
}

/** Column numbers of a row's time and levels, best first. */
export interface BookColumns {
  readonly time: number;
  readonly bid: readonly Level[];
  readonly ask: readonly Level[];
}

/** What a header must name, for the refusal's sentence. */
export const neededColumns =
  "a time column (timestamp, time, ts, ...) and prices and sizes of both sides (bid_price_1, bid_size_1, ask_price_1, ask_size_1, ... or names like them)";

/** The first list wins: a row with two times has the others as well. */
const timeNames = [
  ["timestamp", "time", "datetime", "date", "ts", "local_timestamp", "exchange_time", "origin_time"],
  ["ts_event", "event_time", "transaction_time", "exchange_timestamp", "timestamp_ms", "time_ms", "timestamp_ns"],
  ["ts_recv", "receive_time", "received_time", "recv_time", "unix_time", "epoch"],
];
const priceWords = "price|px|p";
const sizeWords = "size|volume|vol|amount|quantity|qty|sz|v|q|s";
const sideWords = "bids?|asks?|b|a";
/** `bid`, `bidprice`, `px`, `b`: letters of a name, which hold its side, its kind or both. */
const sideAndKind = new RegExp(`^(${sideWords})?(${priceWords}|${sizeWords})?$`);
const isPrice = new RegExp(`^(?:${priceWords})$`);
/** Words that add nothing to the rest of a name. */
const fillers = new Set(["l", "level", "lvl", "best", "top"]);

/** The columns of a header that names a time and levels; undefined for any other header. */
export function bookColumns(header: Header): BookColumns | undefined {
  if (isLob250ms(header)) {
    const side = (first: number) =>
      Array.from({ length: 10 }, (_, level) => ({ price: first + 2 * level, size: first + 2 * level + 1 }));
    // The first column, without a name, is the row's number; the times come twice.
    return { time: 1, bid: side(3), ask: side(23) };
  }
  const names = header.names.map((name) => name.toLowerCase());
  const time = timeNames.map((some) => names.findIndex((name) => some.includes(name))).find((place) => place >= 0);
  const columns = header.names.map(levelColumn);
  const bid = sideOf(columns, "bid");
  const ask = sideOf(columns, "ask");
  return time === undefined || bid.length === 0 || ask.length === 0 ? undefined : { time, bid, ask };
}

/** Header of the public data set "BTCUSDT.P limit order book data": an empty name, then 0 to 41. */
export function isLob250ms({ names }: Header): boolean {
  return names.length === 43 && names.every((name, at) => name === (at === 0 ? "" : String(at - 1)));
}

/** The same columns read as alternating prices and sizes, though their names list all prices first. */
export function interleaved(columns: BookColumns["bid"]): BookColumns["bid"] {
  const places = columns.flatMap(({ price, size }) => [price, size]).sort((a, b) => a - b);
  return columns.map((_, level) => ({ price: places[2 * level] ?? -1, size: places[2 * level + 1] ?? -1 }));
}

interface LevelColumn {
  readonly side: "bid" | "ask";
  /** Undefined: a price, where the level has no other column of prices. */
  readonly kind: "price" | "size" | undefined;
  /** Undefined: the best, where no level has a number. */
  readonly level: number | undefined;
}

/** `bid_price_1`, `bid1_price`, `bidPrice1`, `bids[0].price`, `b1_p`, `bid_px_00`, `bid1`, `best_bid_qty`. */
function levelColumn(name: string): LevelColumn | undefined {
  const words =
    name
      .replace(/([a-z])(?=[A-Z])/g, "$1_")
      .toLowerCase()
      .match(/[a-z]+|\d+|[^a-z0-9_ .[\]-]/g) ?? [];
  let side: string | undefined;
  let kind: string | undefined;
  let level: number | undefined;
  for (const word of words) {
    if (/^\d+$/.test(word) && level === undefined) level = Number(word);
    else if (!fillers.has(word)) {
      const [, ofSide, ofKind] = sideAndKind.exec(word) ?? [];
      // A word says something new about the column, or the column is about something else.
      if ((ofSide ?? ofKind) === undefined || (ofSide && side) || (ofKind && kind)) return undefined;
      side = ofSide ?? side;
      kind = ofKind ?? kind;
    }
  }
  // Short names such as `b` and `aq` mean levels only where they are numbered.
  if (side === undefined || (level === undefined && side.length === 1)) return undefined;
  return {
    side: side.startsWith("b") ? "bid" : "ask",
    kind: kind === undefined ? undefined : isPrice.test(kind) ? "price" : "size",
    level,
  };
}

function sideOf(columns: readonly (LevelColumn | undefined)[], side: "bid" | "ask"): Level[] {
  const numbered = columns.some((column) => column?.side === side && column.level !== undefined);
  const places = (kind: LevelColumn["kind"]) => {
    const found = new Map<number, number>();
    columns.forEach((column, place) => {
      if (column?.side !== side || column.kind !== kind || numbered !== (column.level !== undefined)) return;
      found.set(column.level ?? 1, place);
    });
    return found;
  };
  const prices = new Map([...places(undefined), ...places("price")]);
  const sizes = places("size");
  const levels: Level[] = [];
  for (const [level, price] of [...prices].sort(([a], [b]) => a - b)) {
    const size = sizes.get(level);
    if (size !== undefined) levels.push({ price, size });
  }
  return levels;
}
