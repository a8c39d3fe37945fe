import { existsSync, openSync, readSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { checkFrameText } from "@tapedeck/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TapeWriteError } from "../errors.js";
import { bookTickerRows } from "./formats/binance-vision/testing.js";
import { bookLine, headers as bybitHeaders, contractRows } from "./formats/bybit/testing.js";
import { someDumps } from "./formats/cryptofeed/testing.js";
import {
  dbnOf,
  type Level,
  priceRecord,
  schemaNumbers,
  someBooks,
  someOrders,
} from "./formats/databento/dbn/testing.js";
import { csvOf, someRows } from "./formats/databento/testing.js";
import { itchOf, someItch } from "./formats/itch/testing.js";
import { someDeltas } from "./formats/nautilus/testing.js";
import { toldMarket } from "./formats/testing.js";
import { ImportRefused } from "./import-errors.js";
import { someTable } from "./input/table/testing.js";
import { binanceLines, csvLines, TestFolder, textOf, zipOf, zstdOf } from "./input/testing.js";
import { framesOf, importToMemory, recording, tapeOf } from "./test-recordings.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

/** The beginning of a real recording of each format, if present, and small generated ones. */
const plain: Buffer[] = [
  ...recording(
    "binance-raw/usdm_btcusdt_20240718.gz",
    "hyperliquid/btcusd_20250126.gz",
    "cryptofeed-raw/BINANCE_FUTURES.ws.1.0",
    "cryptofeed-raw/COINBASE.ws.28.0",
    "cryptofeed-raw/BITMEX.ws.1.0",
    "binance-archiver-csv/test_positive_binance_difference_depth_stream_spot_trxusdt_04-03-2025.csv",
    "binance-archiver-csv/test_positive_binance_trade_stream_spot_trxusdt_04-03-2025.csv",
    "lob-250ms/csv_example_1.csv",
    "tardis/binance-futures_book_snapshot_5_BTCUSDT.csv",
    "tardis/deribit_incremental_book_L2_BTC-PERPETUAL.csv",
  )
    .filter((path) => existsSync(path))
    .map((path) => beginningOf(path, 20_000)),
  Buffer.from(csvOf(someRows(30), { levels: 10, pretty: true, symbols: true })),
  Buffer.from(csvOf(someRows(60), { levels: 1, pretty: false, symbols: false })),
  Buffer.from(textOf(bookTickerRows(60))),
  Buffer.from(textOf(toldMarket(40, 12).map((told) => bookLine(told, { depth: 12 }))).replaceAll("BTCUSDT", "AAPL")),
  Buffer.from(textOf([bybitHeaders.contracts, ...contractRows(toldMarket(200))]).replaceAll("BTCUSDT", "AAPL")),
  ...someDumps().map((text) => Buffer.from(text)),
  Buffer.from(textOf(binanceLines(60))),
  Buffer.from(`[${binanceLines(60).join(",\n")}]`),
  Buffer.from(textOf(csvLines(60))),
  Buffer.from(textOf(csvLines(60).map((line) => line.replace(/\w+/g, '"$&"')))),
];

const dbn = [Buffer.from(someOrders(60)), Buffer.from(someBooks(20))];

const itch = Buffer.from(itchOf(someItch(200)));

const tables = [Buffer.from(someTable(200)), Buffer.from(someDeltas(200))];

const seeds: readonly Buffer[] = [
  ...tables,
  ...plain,
  ...dbn,
  itch,
  gzipSync(itch),
  ...dbn.map((bytes) => Buffer.from(zstdOf(bytes))),
  ...plain
    .slice(-4)
    .flatMap((bytes) => [
      gzipSync(bytes),
      Buffer.from(zipOf({ "a.txt": bytes, "b.txt": bytes })),
      Buffer.from(zstdOf(bytes.toString())),
    ]),
];

function beginningOf(path: string, length: number): Buffer {
  const bytes = Buffer.alloc(4_000_000);
  const read = bytes.subarray(0, readSync(openSync(path, "r"), bytes));
  const text = path.endsWith(".gz") ? gunzipSync(read) : read;
  return Buffer.from(text.subarray(0, text.lastIndexOf("\n", length) + 1));
}

/** Texts with a meaning in some format. */
const words = [
  '"',
  "\n",
  ",",
  "[",
  "{",
  "}",
  "]",
  "\0",
  "NaN",
  "1e400",
  "-1",
  "0",
  "9".repeat(19),
  "null",
  "\uFEFF",
  "é",
  "\\",
  ": ",
  "wss://x",
  "PK\x03\x04",
];

/** One change of a file at a relative position, 0 to 1. */
const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  change: fc.oneof(
    fc.record({ kind: fc.constant("put" as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
    fc.record({ kind: fc.constant("word" as const), word: fc.constantFrom(...words), over: fc.nat(24) }),
    fc.record({ kind: fc.constant("remove" as const), length: fc.nat(400) }),
    fc.record({ kind: fc.constant("repeat" as const), length: fc.nat(400) }),
    fc.constant({ kind: "cut" as const }),
  ),
});

function edited(bytes: Buffer, { at, change }: typeof edit extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const place = Math.floor(at * bytes.length);
  const before = bytes.subarray(0, place);
  switch (change.kind) {
    case "put":
      return Buffer.concat([before, change.bytes, bytes.subarray(place + change.bytes.length)]);
    case "word":
      return Buffer.concat([before, Buffer.from(change.word), bytes.subarray(place + change.over)]);
    case "remove":
      return Buffer.concat([before, bytes.subarray(place + change.length)]);
    case "repeat":
      return Buffer.concat([bytes.subarray(0, place + change.length), bytes.subarray(place)]);
    case "cut":
      return before;
  }
}

/** Imports the files: they are refused in one sentence, or every frame keeps every rule. */
async function importAnything(contents: readonly Uint8Array[], keepPartial: boolean): Promise<void> {
  const paths = [];
  for (const [n, content] of contents.entries()) paths.push(await folder.file(content, `AAPL_2012-06-21_${n}`));
  let imported: Awaited<ReturnType<typeof importToMemory>>;
  try {
    imported = await importToMemory(paths, { symbol: "AAPL", keepPartial });
  } catch (error) {
    if (error instanceof ImportRefused || error instanceof TapeWriteError) return;
    throw error;
  }
  for (const tape of imported.report.tapes.filter(({ refused }) => refused === undefined)) {
    for await (const text of framesOf(imported, tape)) expect(checkFrameText(text)).toEqual([]);
  }
}

const runs = { numRuns: 150, endOnFailure: false };

test("[IM39] a damaged recording of any format is imported or refused in one sentence", async () => {
  const damaged = fc.record({
    seed: fc.constantFrom(...seeds.keys()),
    edits: fc.array(edit, { minLength: 1, maxLength: 6 }),
    keepPartial: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(damaged, async ({ seed, edits, keepPartial }) => {
      await importAnything([edits.reduce(edited, seeds[seed] ?? Buffer.alloc(0))], keepPartial);
    }),
    runs,
  );
}, 120_000);

test("[IM39] a damaged pair of LOBSTER files is imported or refused in one sentence", async () => {
  const pair = [
    "34200.1,1,1,18,5853300,1\n34200.2,4,1,18,5853300,-1\n".repeat(40),
    "5859400,200,5853300,18,5859500,10,5853200,7\n".repeat(80),
  ].map((text) => Buffer.from(text));
  const damaged = fc.record({
    file: fc.nat(1),
    edits: fc.array(edit, { minLength: 1, maxLength: 4 }),
    keepPartial: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(damaged, async ({ file, edits, keepPartial }) => {
      await importAnything(
        pair.map((bytes, n) => (n === file ? edits.reduce(edited, bytes) : bytes)),
        keepPartial,
      );
    }),
    { ...runs, numRuns: 60 },
  );
}, 120_000);

test("[IM39] a damaged file of binary records or of columns is imported or refused in one sentence", async () => {
  const damaged = fc.record({
    seed: fc.constantFrom(...dbn, itch, ...tables),
    edits: fc.array(edit, { minLength: 1, maxLength: 6 }),
    keepPartial: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(damaged, async ({ seed, edits, keepPartial }) => {
      await importAnything([edits.reduce(edited, seed)], keepPartial);
    }),
    runs,
  );
}, 120_000);

test("[IM39] a DBN file whose last price has more decimals than the steps from it can have makes frames that keep every rule", async () => {
  const bids: Level[] = [[100_000_000_000n, 5]];
  const asks: Level[] = [
    [100_010_000_001n, 5],
    [14_443_478_095_124_500n, 131_072],
  ];
  const record = priceRecord({ action: "A", side: "B", price: 100_000_000_000n, size: 5, bids, asks }, 10);
  const file = dbnOf({ schema: schemaNumbers.mbp10, records: [record] });
  const imported = await importToMemory([await folder.file(file)], { symbol: "AAPL" });
  const frames = [];
  for await (const text of framesOf(imported, tapeOf(imported))) frames.push(text);
  expect(frames.map(checkFrameText)).toEqual([[]]);
});

test("[IM39] random bytes after any format's signature are imported or refused in one sentence", async () => {
  const beginnings = [
    "",
    "[",
    "[{",
    '{"e":"trade"',
    "1723161240.5 {",
    "1723161240.5: {",
    "PK\x03\x04",
    "PK\x05\x06",
    "\x1f\x8b\x08",
    "\x28\xb5\x2f\xfd",
    "\x50\x2a\x4d\x18",
    "time,bid_price_1,bid_size_1,ask_price_1,ask_size_1\n",
    "exchange,symbol,timestamp,local_timestamp\n",
    "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,bid_ct_00,ask_ct_00,symbol\n",
    '1723161240000 {"channel":"trades"',
    "34200.1,1,1,18,5853300,1\n",
    "DBN\x01",
    "DBN\x03\x64\0\0\0",
    Buffer.from(someOrders(0)).toString("latin1"),
    Buffer.from(someBooks(1)).toString("latin1"),
    Buffer.from(itchOf(someItch(3))).toString("latin1"),
    "PAR1",
  ];
  const anything = fc.record({
    beginning: fc.constantFrom(...beginnings),
    rest: fc.uint8Array({ maxLength: 400 }),
    keepPartial: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(anything, async ({ beginning, rest, keepPartial }) => {
      await importAnything([Buffer.concat([Buffer.from(beginning, "latin1"), rest])], keepPartial);
    }),
    { ...runs, numRuns: 400 },
  );
}, 120_000);
