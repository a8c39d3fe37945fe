import type { Header } from "./csv-row.js";

/** Where a row has its time and its levels, best first; numbers are places in the row. */
export interface BookColumns {
  readonly time: number;
  readonly bid: readonly { readonly price: number; readonly size: number }[];
  readonly ask: readonly { readonly price: number; readonly size: number }[];
}

const timeNames = ["timestamp", "time", "datetime", "date", "ts", "local_timestamp", "exchange_time", "origin_time"];
const priceWords = "price|px|p";
const sizeWords = "size|volume|vol|amount|quantity|qty|sz|v|q|s";

/** The columns of a header that names a time and levels; undefined where it names none. */
export function bookColumns(header: Header): BookColumns | undefined {
  if (isLob250ms(header)) {
    const side = (first: number) =>
      Array.from({ length: 10 }, (_, level) => ({ price: first + 2 * level, size: first + 2 * level + 1 }));
    // The first column, without a name, is the row's number; the times come twice.
    return { time: 1, bid: side(3), ask: side(23) };
  }
  const names = header.names.map((name) => name.toLowerCase());
  const time = names.findIndex((name) => timeNames.includes(name));
  const bid = sideOf(names, "bids?");
  const ask = sideOf(names, "asks?");
  return time < 0 || bid.length === 0 || ask.length === 0 ? undefined : { time, bid, ask };
}

/** Header of the public data set "BTCUSDT.P limit order book data": an empty name, then 0 to 41. */
export function isLob250ms({ names }: Header): boolean {
  return names.length === 43 && names.every((name, at) => name === (at === 0 ? "" : String(at - 1)));
}

/** The same columns read as price and size by turns, where their names say first all prices and then all sizes. */
export function separated(columns: BookColumns["bid"]): BookColumns["bid"] {
  const places = columns.flatMap(({ price, size }) => [price, size]).sort((a, b) => a - b);
  return columns.map((_, level) => ({ price: places[2 * level] ?? -1, size: places[2 * level + 1] ?? -1 }));
}

function sideOf(names: readonly string[], side: string): { price: number; size: number }[] {
  const levels: { price: number; size: number }[] = [];
  const prices = placesOf(names, side, priceWords);
  const sizes = placesOf(names, side, sizeWords);
  for (const level of [...prices.keys()].sort((a, b) => a - b)) {
    const [price, size] = [prices.get(level), sizes.get(level)];
    if (price !== undefined && size !== undefined) levels.push({ price, size });
  }
  return levels;
}

/** Places by level: `bid_price_1`, `bid1_price`, `bidPrice1`, `bids[0].price`. */
function placesOf(names: readonly string[], side: string, words: string): Map<number, number> {
  const afterwards = new RegExp(`^${side}[_ ]?(?:${words})[_ ]?(\\d+)$`);
  const between = new RegExp(`^${side}[_ [.]*(\\d+)[\\]_ .]*(?:${words})$`);
  const places = new Map<number, number>();
  names.forEach((name, place) => {
    const level = (afterwards.exec(name) ?? between.exec(name))?.[1];
    if (level !== undefined) places.set(Number(level), place);
  });
  return places;
}
