import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { z } from "zod";

const level = z.tuple([z.string(), z.string()]);
const levels = z.array(level);
const snapshotLine = z.object({ lastUpdateId: z.int(), bids: levels, asks: levels });
const streamLine = z.object({
  data: z.union([
    z.object({ e: z.literal("depthUpdate"), u: z.int(), b: levels, a: levels }),
    z.object({ e: z.literal("trade"), q: z.string() }),
  ]),
});

/** Rows, and the sum of their amounts. */
export interface Total {
  count: number;
  units: bigint;
}

/** A decimal of at most eight decimals as a whole number. */
export function unitsOf(text: string): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(8, "0"));
}

export function addTo(total: Total, amount: string): void {
  total.count++;
  total.units += unitsOf(amount);
}

/** A side of a book: sizes by price, as the venue wrote them. */
type PlainSide = Map<string, string>;

/** What a recording of Binance says, read by nothing of the product. */
export interface SourceTotals {
  readonly trades: Total;
  /** Without those of whole books. */
  readonly changes: Total;
  /** The whole book after each of these update ids, for which it was asked. */
  readonly books: ReadonlyMap<number, { readonly bid: PlainSide; readonly ask: PlainSide }>;
}

/**
 * Reads a recording whose depth response comes before its first update.
 *
 * @param files gzipped lines of a time and a message
 * @param wanted update ids after which the book is kept
 */
export async function readSource(files: readonly string[], wanted: ReadonlySet<number>): Promise<SourceTotals> {
  const trades: Total = { count: 0, units: 0n };
  const changes: Total = { count: 0, units: 0n };
  const books = new Map<number, { readonly bid: PlainSide; readonly ask: PlainSide }>();
  const bid: PlainSide = new Map();
  const ask: PlainSide = new Map();
  let lastId = Number.POSITIVE_INFINITY;
  for (const file of files) {
    for await (const line of createInterface(createReadStream(file).pipe(createGunzip()))) {
      const message: unknown = JSON.parse(line.slice(line.indexOf(" ")));
      const snapshot = snapshotLine.safeParse(message).data;
      if (snapshot !== undefined) {
        for (const [price, size] of snapshot.bids) bid.set(price, size);
        for (const [price, size] of snapshot.asks) ask.set(price, size);
        lastId = snapshot.lastUpdateId;
        continue;
      }
      if (!/"e":"(depthUpdate|trade)"/.test(line)) continue;
      const { data } = streamLine.parse(message);
      if (data.e === "trade") {
        addTo(trades, data.q);
        continue;
      }
      for (const [, size] of [...data.b, ...data.a]) addTo(changes, size);
      if (data.u < lastId) continue;
      for (const [side, sideLevels] of [
        [bid, data.b],
        [ask, data.a],
      ] as const) {
        for (const [price, size] of sideLevels) {
          if (Number(size) === 0) side.delete(price);
          else side.set(price, size);
        }
      }
      if (wanted.has(data.u)) books.set(data.u, { bid: new Map(bid), ask: new Map(ask) });
    }
  }
  return { trades, changes, books };
}
