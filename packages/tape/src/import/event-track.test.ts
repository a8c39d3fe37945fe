import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type AsyncBuffer, parquetReadObjects } from "hyparquet";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseManifest } from "../format/manifest.js";
import { recompute } from "../recompute.js";
import { TapeCatalog } from "../tape-catalog.js";
import {
  eventsOf,
  framesOf,
  type Imported,
  importedOnce,
  importToMemory,
  recording,
  recordingsAbsent,
} from "./test-recordings.js";

const compressors = { GZIP: (bytes: Uint8Array) => gunzipSync(bytes) };

const bookRow = z.object({
  n: z.bigint(),
  seq: z.bigint(),
  heard: z.bigint(),
  state: z.string(),
  is_snapshot: z.boolean(),
  side: z.enum(["bid", "ask"]),
  price: z.number(),
  amount: z.number(),
  last_id: z.bigint().nullable(),
});
type BookRow = z.infer<typeof bookRow>;

async function manifestOf({ store }: Imported, tape: string) {
  const [id = "", version = ""] = tape.split("@");
  const bytes = await store.readRange(id, Number(version), "manifest.json", 0, 1 << 20);
  return parseManifest(tape, bytes.toString());
}

async function rowsOf<Row>(
  imported: Imported,
  tape: string,
  file: "book" | "trades",
  row: z.ZodType<Row>,
): Promise<Row[]> {
  const { id, version, files } = await manifestOf(imported, tape);
  const byteLength = files[file]?.bytes ?? 0;
  const buffer: AsyncBuffer = {
    byteLength,
    slice: async (start, end = byteLength) =>
      new Uint8Array(await imported.store.readRange(id, version, `${file}.parquet`, start, end - start)).buffer,
  };
  return z.array(row).parse(await parquetReadObjects({ file: buffer, compressors }));
}

const frameShape = z.object({
  bids: z.array(z.tuple([z.number(), z.number()])),
  asks: z.array(z.tuple([z.number(), z.number()])),
});

/** A book that nothing but this test has: prices and amounts by side. */
class PlainBook {
  readonly bid = new Map<number, number>();
  readonly ask = new Map<number, number>();

  set(side: "bid" | "ask", price: number, amount: number): void {
    if (amount === 0) this[side].delete(price);
    else this[side].set(price, amount);
  }

  clear(): void {
    this.bid.clear();
    this.ask.clear();
  }

  /** The best `count` levels, best first. */
  top(side: "bid" | "ask", count: number): [number, number][] {
    const direction = side === "bid" ? -1 : 1;
    const best: number[] = [];
    for (const price of this[side].keys()) {
      if (best.length === count && direction * (price - (best[count - 1] ?? 0)) > 0) continue;
      const at = best.findIndex((other) => direction * (price - other) < 0);
      best.splice(at < 0 ? best.length : at, 0, price);
      if (best.length > count) best.pop();
    }
    return best.map((price) => [price, this[side].get(price) ?? 0]);
  }

  all(side: "bid" | "ask"): [number, number][] {
    const direction = side === "bid" ? -1 : 1;
    return [...this[side]].sort(([a], [b]) => direction * (a - b));
  }
}

/** The book after each event that changed it. */
function* booksOf(rows: readonly BookRow[]): Generator<{ row: BookRow; next: BookRow | undefined; book: PlainBook }> {
  const book = new PlainBook();
  let before: BookRow | undefined;
  for (const row of rows) {
    if (!["applied", "again", "derived"].includes(row.state)) continue;
    if (before !== undefined && row.n !== before.n) yield { row: before, next: row, book };
    if (row.is_snapshot && row.n !== before?.n) book.clear();
    book.set(row.side, rounded(row.price), rounded(row.amount));
    before = row;
  }
  if (before !== undefined) yield { row: before, next: undefined, book };
}

/** The Parquet reader multiplies decimals, which leaves float noise. */
function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(15));
}

/** For comparisons by the thousand: the matcher costs more than the comparison, so it only speaks where the texts differ. */
function expectSame(found: unknown, expected: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(expected)) expect(found).toEqual(expected);
}

const recordings: readonly (readonly [string, string[]])[] = [
  ["usdm BTC 2023", ["binance-raw/usdm_btcusdt_20230404.dat.gz", "binance-raw/usdm_btcusdt_20230405.dat.gz"]],
  ["spot BTC 2024", ["binance-raw/spot_btcusdt_20240808.gz"]],
  ["spot BTC 2023, without a snapshot", ["binance-raw/spot_btcusdt_20230405.dat.gz"]],
  ["Binance-Archiver", ["binance-archiver-csv"]],
  ["LOBSTER", ["lobster"]],
  ["Hyperliquid", ["hyperliquid/btcusd_20250126.gz"]],
  ["lob-250ms", ["lob-250ms"]],
  ["cryptofeed BitMEX", ["cryptofeed-raw/BITMEX.ws.1.0"]],
  ["cryptofeed Coinbase", ["cryptofeed-raw/COINBASE.ws.28.0"]],
];

describe.skipIf(recordingsAbsent)("the event track of each recording", () => {
  test.each(recordings)(
    "[ET1] [ET3] [ET5] %s: each message is on it, and the book at each frame is the frame's",
    async (_name, names) => {
      const files = recording(...names);
      const imported = await importedOnce(files);
      const heard = new Map<string, number>();
      for await (const { kind, instrument } of eventsOf(files)) {
        if (kind !== "ticker") heard.set(instrument.symbol, (heard.get(instrument.symbol) ?? 0) + 1);
      }
      for (const report of imported.report.tapes) {
        const { tape, symbol } = report;
        if (tape === undefined) continue;
        const rows = await rowsOf(imported, tape, "book", bookRow);
        const trades = await rowsOf(imported, tape, "trades", z.object({ heard: z.bigint(), n: z.bigint() }));
        expect(new Set([...rows, ...trades].map((row) => row.heard)).size).toBe(heard.get(symbol));
        const frames: z.infer<typeof frameShape>[] = [];
        for await (const text of framesOf(imported, report)) frames.push(frameShape.parse(JSON.parse(text)));
        let checked = 0;
        const real = (levels: [number, number][]) => levels.filter(([, size]) => size > 0);
        for (const { row, next, book } of booksOf(rows)) {
          const frame = frames[Number(row.seq)];
          if (row.seq === next?.seq || frame === undefined) continue;
          const shown = [`${row.seq}`, book.top("bid", 20), book.top("ask", 20)];
          expectSame(shown, [`${row.seq}`, real(frame.bids), real(frame.asks)]);
          checked++;
        }
        expect(checked).toBeGreaterThan(frames.length / 3);
      }
    },
    300_000,
  );
});

const binance = z.union([
  z.object({
    data: z.object({
      e: z.literal("depthUpdate"),
      u: z.number(),
      b: z.array(z.tuple([z.string(), z.string()])),
      a: z.array(z.tuple([z.string(), z.string()])),
    }),
  }),
  z.object({
    lastUpdateId: z.number(),
    bids: z.array(z.tuple([z.string(), z.string()])),
    asks: z.array(z.tuple([z.string(), z.string()])),
  }),
]);

describe.skipIf(recordingsAbsent)("the full book of the futures recording of 2023", () => {
  const files = recording("binance-raw/usdm_btcusdt_20230404.dat.gz", "binance-raw/usdm_btcusdt_20230405.dat.gz");

  test("[ET3] [ET6] at every update it equals one that is built from the messages, at full depth, and is read back at any frame", async () => {
    const imported = await importedOnce(files);
    const tape = imported.report.tapes[0]?.tape ?? "";
    const rows = await rowsOf(imported, tape, "book", bookRow);
    const rebuilt = booksOf(rows);
    const truth = new PlainBook();
    const bySeq = new Set<number>();
    let joined: number | undefined;
    let updates = 0;
    for (const file of files) {
      for (const line of gunzipSync(await readFile(file))
        .toString()
        .split("\n")) {
        const { data: message } = binance.safeParse(parsed(line.slice(line.indexOf(" ") + 1)));
        if (message === undefined) continue;
        if ("lastUpdateId" in message) {
          joined = message.lastUpdateId;
          for (const [price, size] of message.bids) truth.set("bid", Number(price), Number(size));
          for (const [price, size] of message.asks) truth.set("ask", Number(price), Number(size));
        } else {
          const { u, b, a } = message.data;
          if (joined === undefined || u < joined) continue;
          for (const [price, size] of b) truth.set("bid", Number(price), Number(size));
          for (const [price, size] of a) truth.set("ask", Number(price), Number(size));
        }
        const { value: at } = rebuilt.next();
        // Equal before, so they are equal now if they are at the prices of this message.
        const touched = "data" in message ? message.data : { b: message.bids, a: message.asks };
        const amounts = (side: Map<number, number> | undefined, levels: [string, string][]) => [
          side?.size,
          ...levels.map(([price]) => side?.get(Number(price))),
        ];
        expectSame(amounts(at?.book.bid, touched.b), amounts(truth.bid, touched.b));
        expectSame(amounts(at?.book.ask, touched.a), amounts(truth.ask, touched.a));
        if (updates++ % 500 === 0) {
          expect([at?.book.bid, at?.book.ask]).toEqual([truth.bid, truth.ask]);
          bySeq.add(Number(at?.row.seq) - 1);
        }
      }
    }
    expect(updates).toBe(16_111);
    const manifest = await manifestOf(imported, tape);
    const { track } = await new TapeCatalog(imported.store, { cacheBytes: 32 << 20 }).open(tape);
    const again = new Map<number, { bids: [number, number][]; asks: [number, number][] }>();
    for (const { row, book } of booksOf(rows)) {
      const seq = Number(row.seq);
      if (bySeq.has(seq)) again.set(seq, { bids: book.all("bid"), asks: book.all("ask") });
    }
    expect(again.size).toBeGreaterThan(20);
    for (const [seq, { bids, asks }] of again) {
      const read = await track?.bookAt({ seq });
      expect([seq, read?.bids, read?.asks]).toEqual([seq, bids, asks]);
    }
    const { files: written, track: summary } = manifest;
    const bytes = (written.book?.bytes ?? 0) + (written.snapshots?.bytes ?? 0);
    expect(bytes / (summary?.level_changes ?? 1)).toBeLessThan(6);
  }, 300_000);
});

const depthLine = (at: number, id: number, price: string, size: string, levels: number) => {
  const bids = Array.from({ length: levels }, (_, nth) => `["${Number(price) - nth}","${size}"]`);
  const update = `"e":"depthUpdate","E":${at},"T":${at},"s":"BTCUSDT","U":${id},"u":${id},"pu":${id - 1},"b":[${bids}],"a":[["${Number(price) + 1}","1"]]`;
  return `${at}000000 {"stream":"btcusdt@depth","data":{${update}}}`;
};

async function importLines(lines: readonly string[]): Promise<Imported> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-track-"));
  try {
    await writeFile(join(folder, "btcusdt.dat"), `${lines.join("\n")}\n`);
    return await importToMemory([join(folder, "btcusdt.dat")], { id: "synthetic" });
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("the scale of prices and amounts", () => {
  // More rows than a row group has, before the number that needs other decimals.
  const many = Array.from({ length: 1_100 }, (_, nth) =>
    depthLine(1_700_000_000_000 + nth * 100, nth + 1, "30000", "1.5", 100),
  );
  const last = many.length;

  test("[ET7] more decimals after a row group was written: the import begins anew, and no number is rounded", async () => {
    const imported = await importLines([...many, depthLine(1_700_000_200_000, last + 1, "30000", "1.000625", 1)]);
    const { track } = await manifestOf(imported, "synthetic@1");
    expect(track).toMatchObject({ price_decimals: 0, size_decimals: 6, exact: true, level_changes: 111_102 });
    const rows = await rowsOf(imported, "synthetic@1", "book", bookRow);
    expect(rows.map(({ amount }) => rounded(amount)).filter((amount) => amount !== 1.5 && amount !== 1)).toEqual([
      1.000625,
    ]);
  });

  test("[ET7] a number with more than 15 digits is rounded, and the manifest and the report say so", async () => {
    const imported = await importLines([
      ...many,
      depthLine(1_700_000_200_000, last + 1, "30000", "123456789012345.5", 1),
    ]);
    expect((await manifestOf(imported, "synthetic@1")).track).toMatchObject({ size_decimals: 0, exact: false });
    expect(imported.report.notices.join(" ")).toContain("more than 15 digits");
  });
});

test("[ET9] a new version with other analytics has the same event track", async () => {
  const lines = Array.from({ length: 50 }, (_, nth) =>
    depthLine(1_700_000_000_000 + nth * 100, nth + 1, "30000", `${nth + 1}`, 5),
  );
  const imported = await importLines(lines);
  const again = await recompute(imported.store, "synthetic@1");
  const [before, after] = [await manifestOf(imported, "synthetic@1"), await manifestOf(imported, again)];
  expect(after.track).toEqual(before.track);
  for (const file of ["book", "trades", "snapshots"] as const) expect(after.files[file]).toEqual(before.files[file]);
  expect(await rowsOf(imported, again, "book", bookRow)).toEqual(
    await rowsOf(imported, "synthetic@1", "book", bookRow),
  );
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
