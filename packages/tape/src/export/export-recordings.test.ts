import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { frame as frameSchema } from "@tapedeck/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ImportOptions, importRecording } from "../import/import-recording.js";
import { framesOf, type Imported, importedOnce, recording, recordingsAbsent } from "../import/test-recordings.js";
import { readManifest } from "../reading/recorded-tape.js";
import { MemoryTapeStore } from "../store/memory-store.js";
import type { TapeStore } from "../store/store.js";
import type { Tape } from "../tape.js";
import { TapeCatalog } from "../tape-catalog.js";
import { parseTapeName } from "../tape-id.js";
import { trackOf } from "../track/track-of.js";
import { exportRows } from "./export-rows.js";
import { type ExportFormat, encodeRows } from "./formats.js";
import { rowsOf, wholeFile } from "./testing.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-export-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

function opened(store: TapeStore, name: string): Promise<Tape> {
  return new TapeCatalog(store, { cacheBytes: 32 << 20 }).open(name);
}

/** Book and trades as files; their paths. */
async function exported(tape: Tape, format: ExportFormat): Promise<string[]> {
  const paths: string[] = [];
  for (const content of ["book", "trades"] as const) {
    const path = join(folder, `${content}.${format}`);
    await writeFile(path, await wholeFile(encodeRows(await exportRows(tape, content), format)));
    paths.push(path);
  }
  return paths;
}

/** What a version is but for its id, number and age, and what is not exported: its orders, and how many levels the source has. */
async function contentOf(store: TapeStore, name: string) {
  const { id, version = 0 } = parseTapeName(name);
  const { id: _, version: __, created_at: ___, ...manifest } = await readManifest(store, id, version);
  const {
    track: { orders: ____, depth: _____, ...track } = {},
    files: { orders: ______, ...files },
  } = manifest;
  return { ...manifest, track, files };
}

async function importedAgain(
  imported: Imported,
  name: string,
  options: ImportOptions = {},
  format: ExportFormat = "csv",
) {
  const store = new MemoryTapeStore();
  const paths = await exported(await opened(imported.store, name), format);
  const { tapes } = await importRecording(paths, { ...options, id: "again" }, { store });
  return { tapes, content: await contentOf(store, "again@1") };
}

const both: ExportFormat[] = ["csv", "parquet"];

/**
 * Of recordings of two days the first: two files and the gap between them are no matter of the export. Of the three that take the longest each
 * format has some.
 */
const exact: [name: string, files: string[], options: ImportOptions, formats: ExportFormat[]][] = [
  ["usdm BTC 2023", ["binance-raw/usdm_btcusdt_20230404.dat.gz"], {}, ["parquet"]],
  ["usdm BTC 2024, a frame for each event", ["binance-raw/usdm_btcusdt_20240718.gz"], { intervalMs: 0 }, both],
  ["spot BTC 2024", ["binance-raw/spot_btcusdt_20240808.gz"], {}, ["csv"]],
  ["spot BTC 2023, without a snapshot", ["binance-raw/spot_btcusdt_20230405.dat.gz"], {}, both],
  ["Binance-Archiver", ["binance-archiver-csv"], {}, [...both, "ndjson"]],
  ["LOBSTER", ["lobster"], {}, [...both, "ndjson"]],
  ["Hyperliquid", ["hyperliquid/btcusd_20250126.gz"], {}, [...both, "ndjson"]],
  ["lob-250ms", ["lob-250ms"], {}, both],
  ["cryptofeed Coinbase", ["cryptofeed-raw/COINBASE.ws.28.0"], {}, ["parquet"]],
  [
    "cryptofeed Binance",
    ["cryptofeed-raw/BINANCE_FUTURES.ws.1.0", "cryptofeed-raw/BINANCE_FUTURES.http.0.0"],
    {},
    both,
  ],
];

describe.skipIf(recordingsAbsent)("export and import", () => {
  test.each(exact)(
    "[EX8] %s: book and trades, exported and imported again, are the same blocks and event track",
    async (_, files, options, formats) => {
      const imported = await importedOnce(recording(...files), options);
      for (const { tape } of imported.report.tapes) {
        if (tape === undefined) continue;
        const content = await contentOf(imported.store, tape);
        for (const format of formats) {
          const again = await importedAgain(imported, tape, options, format);
          expect([tape, format, again.content]).toEqual([tape, format, content]);
        }
      }
    },
    300_000,
  );

  test("[EX8] BitMEX, whose messages say levels by ids: the same numbers of events, levels, trades and frames", async () => {
    const imported = await importedOnce(recording("cryptofeed-raw/BITMEX.ws.1.0"), { symbol: "XBTUSD" });
    const tape = imported.report.tapes[0]?.tape ?? "";
    const { content } = await importedAgain(imported, tape);
    const { track, frames, trades } = await contentOf(imported.store, tape);
    expect(content).toMatchObject({ track, frames, trades });
  });
});

describe.skipIf(recordingsAbsent)("a part of the futures recording of 2024", () => {
  const files = recording("binance-raw/usdm_btcusdt_20240718.gz");

  test("[EX2] [EX3] its book begins with the whole book, and its rows make the book of each frame, to its full depth", async () => {
    const { store, report } = await importedOnce(files);
    const tape = await opened(store, report.tapes[0]?.tape ?? "");
    const track = trackOf(tape);
    const [from, to] = [700, 1_100];
    const rows = await rowsOf(await exportRows(tape, "book", { from: { seq: from }, to: { seq: to } }));
    expect(new Set(rows.slice(0, 100).map(({ is_snapshot, n, state }) => `${is_snapshot} ${n} ${state}`)).size).toBe(1);
    const sides = { bid: new Map<number, number>(), ask: new Map<number, number>() };
    const scale = { price: 10 ** track.decimals.price, size: 10 ** track.decimals.size };
    const sorted = (side: "bid" | "ask", direction: 1 | -1) =>
      [...sides[side]].sort(([a], [b]) => direction * (a - b)).map(([price, size]) => [price, size]);
    let checked = 0;
    for (const [at, { seq, side, state, price, amount }] of rows.entries()) {
      if (side !== "bid" && side !== "ask") throw new Error(`the side is ${String(side)}`);
      if (["applied", "again", "derived"].includes(String(state))) {
        const levels = sides[side];
        if (amount === 0n) levels.delete(Number(price) / scale.price);
        else levels.set(Number(price) / scale.price, Number(amount) / scale.size);
      }
      const shown = Number(seq);
      if (rows[at + 1]?.seq === seq || (shown - from) % 50 !== 0) continue;
      const book = await track.bookAt({ seq: shown });
      expect([sorted("bid", -1), sorted("ask", 1)]).toEqual([book.bids, book.asks]);
      checked++;
    }
    expect(checked).toBeGreaterThan(3);
    expect(rows.every(({ seq }) => Number(seq) >= from - 1 && Number(seq) <= to)).toBe(true);
  });

  test("[EX3] [IM4] imported on its own it has the same books at the same times, and no gap", async () => {
    const imported = await importedOnce(files);
    const tape = await opened(imported.store, imported.report.tapes[0]?.tape ?? "");
    const paths: string[] = [];
    for (const content of ["book", "trades"] as const) {
      const path = join(folder, `${content}.csv`);
      const part = await exportRows(tape, content, { from: { seq: 700 }, to: { seq: 1_100 } });
      await writeFile(path, await wholeFile(encodeRows(part, "csv")));
      paths.push(path);
    }
    const store = new MemoryTapeStore();
    const again = await importRecording(paths, { id: "part" }, { store });
    expect(again.tapes[0]).toMatchObject({ gaps: [], book: { sequenceBreaks: 0, crossed: 0 } });
    const books = new Map<string, unknown>();
    for (let seq = 700; seq <= 1_100; seq++) {
      const { timestamp, bids, asks } = frameSchema.parse(JSON.parse((await tape.load(seq)).json(seq)));
      books.set(timestamp, { bids, asks });
    }
    let same = 0;
    const [report] = again.tapes;
    if (report === undefined) throw new Error("no tape was made");
    for await (const text of framesOf({ store, report: again }, report)) {
      const { timestamp, bids, asks } = frameSchema.parse(JSON.parse(text));
      const book = books.get(timestamp);
      if (book === undefined) continue; // that of the snapshot is between two frames
      expect([timestamp, { bids, asks }]).toEqual([timestamp, book]);
      same++;
    }
    expect(same).toBeGreaterThan(390);
  });

  test("[EX2] trades have all rows of the event track, and their sum is exact", async () => {
    const { store, report } = await importedOnce(files);
    const tape = await opened(store, report.tapes[0]?.tape ?? "");
    const rows = await rowsOf(await exportRows(tape, "trades"));
    let amount = 0n;
    let count = 0;
    for await (const batch of trackOf(tape).tradeBatches()) {
      count += batch.rows;
      for (const units of batch.amount) amount += BigInt(units);
    }
    expect(rows).toHaveLength(count);
    expect(rows.reduce((sum, row) => sum + (typeof row.amount === "bigint" ? row.amount : 0n), 0n)).toBe(amount);
  });

  test("[EX4] frames have the analytics, and bars all trades that frames have", async () => {
    const { store, report } = await importedOnce(files);
    const tape = await opened(store, report.tapes[0]?.tape ?? "");
    const rows = await rowsOf(await exportRows(tape, "frames", { from: { seq: 1_000 } }));
    for (const name of ["obi", "ofi", "directional_prob", "vpin", "spoofing_risk", "volume_volatility"]) {
      expect(rows.every((row) => typeof row[name] === "number")).toBe(true);
    }
    const trades = (row: Record<string, unknown>) => Number(row.trades ?? row.trade_count);
    const total = (all: Record<string, unknown>[]) => all.reduce((sum, row) => sum + trades(row), 0);
    const bars = await rowsOf(await exportRows(tape, "bars", { from: { seq: 1_000 }, intervalNs: 5_000_000_000n }));
    expect(total(bars)).toBe(total(rows));
    expect(bars.length).toBeGreaterThan(1);
  });
});
