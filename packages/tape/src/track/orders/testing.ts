import { gunzipSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { z } from "zod";
import { parseManifest } from "../../format/manifest.js";
import type { TapeStore } from "../../store/store.js";

/** A row of `orders.parquet`. */
const orderRow = z.object({
  timestamp: z.bigint(),
  local_timestamp: z.bigint(),
  order_id: z.bigint(),
  action: z.string(),
  side: z.enum(["bid", "ask"]).nullable(),
  price: z.number().nullable(),
  amount: z.number(),
  rest: z.number().nullable(),
  n: z.bigint(),
  seq: z.bigint(),
  heard: z.bigint(),
  state: z.string(),
  sequence: z.bigint().nullable(),
});
export type OrderRow = z.infer<typeof orderRow>;

const compressors = { GZIP: (bytes: Uint8Array) => gunzipSync(bytes) };
const parsers = { timestampFromNanoseconds: (ns: bigint) => ns };

export async function manifestOf(store: Pick<TapeStore, "readRange">, tape: string) {
  const [id = "", version = ""] = tape.split("@");
  const bytes = await store.readRange(id, Number(version), "manifest.json", 0, 1 << 20);
  return parseManifest(tape, bytes.toString());
}

/** The rows of a tape's `orders.parquet`. */
export async function orderRowsOf(store: Pick<TapeStore, "readRange">, tape: string): Promise<OrderRow[]> {
  return rowsOf(await objectsOf(store, tape, "orders"));
}

/** The rows of an `orders.parquet`. */
export async function orderRowsIn(file: Uint8Array): Promise<OrderRow[]> {
  return rowsOf(await parquetReadObjects({ file: new Uint8Array(file).buffer, compressors, parsers }));
}

function rowsOf(objects: unknown): OrderRow[] {
  const rows = z.array(orderRow).parse(objects);
  return rows.map((row) => ({ ...row, price: row.price === null ? null : rounded(row.price) }));
}

const wholeBookRow = z.object({
  n: z.bigint(),
  is_snapshot: z.literal(true),
  side: z.enum(["bid", "ask"]),
  price: z.number(),
  amount: z.number(),
});

export interface WholeBook {
  readonly bids: [price: number, amount: number][];
  readonly asks: [price: number, amount: number][];
}

/** Of a source that says the whole book each time: its books, event by event, best first. */
export async function wholeBooksOf(store: Pick<TapeStore, "readRange">, tape: string): Promise<WholeBook[]> {
  const books = new Map<bigint, WholeBook>();
  for (const { n, side, price, amount } of z.array(wholeBookRow).parse(await objectsOf(store, tape, "book"))) {
    const book = books.get(n) ?? { bids: [], asks: [] };
    books.set(n, book);
    (side === "bid" ? book.bids : book.asks).push([rounded(price), amount]);
  }
  return [...books.values()];
}

async function objectsOf(store: Pick<TapeStore, "readRange">, tape: string, name: "orders" | "book") {
  const { id, version, files } = await manifestOf(store, tape);
  const byteLength = files[name]?.bytes ?? 0;
  const file = {
    byteLength,
    slice: async (start: number, end = byteLength) =>
      new Uint8Array(await store.readRange(id, version, `${name}.parquet`, start, end - start)).buffer,
  };
  return parquetReadObjects({ file, compressors, parsers });
}

/** Without the noise that the Parquet reader's multiplication leaves. */
function rounded(value: number): number {
  return Number(value.toPrecision(15));
}
