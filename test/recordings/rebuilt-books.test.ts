import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { FolderTapeStore, importRecording } from "@tapedeck/tape";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { Python } from "../support/python.js";
import { pathsOf } from "../support/tapes.js";
import { writeLobsterMarket } from "./lobster-market.js";

// A program of its own reads each recording and the event track that an import made of it (compare.py says how). It shares no code with
// the product, and its numbers are decimals.

const usdm2024 = "binance-raw/usdm_btcusdt_20240718.gz";
const lobster = (kind: string) => `lobster/AAPL_2012-06-21_34200000_57600000_${kind}_10.csv`;
const archiver = (kind: string) =>
  `binance-archiver-csv/test_positive_binance_${kind}_stream_spot_trxusdt_04-03-2025.csv`;

/** What the track of the only tape, or of each, has to have: whole books, updates, levels and trades. */
type Counted = readonly [wholes: number, updates: number, levels: number, trades: number];

const recordings: readonly (readonly [
  name: string,
  reader: string,
  files: readonly string[],
  Readonly<Record<string, Counted>>,
])[] = [
  [
    "Binance, futures of 2023",
    "binance",
    ["binance-raw/usdm_btcusdt_20230404.dat.gz", "binance-raw/usdm_btcusdt_20230405.dat.gz"],
    { BTCUSDT: [1, 16_110, 324_682, 12_935] },
  ],
  ["Binance, futures of 2024", "binance", [usdm2024], { BTCUSDT: [1, 3_326, 77_704, 974] }],
  [
    "Binance, spot BTC of 2024",
    "binance",
    ["binance-raw/spot_btcusdt_20240808.gz", "binance-raw/spot_btcusdt_20240809.gz"],
    { BTCUSDT: [1, 6_495, 300_111, 19_904] },
  ],
  [
    "Binance, spot ETH of 2024",
    "binance",
    ["binance-raw/spot_ethusdt_20240808.gz", "binance-raw/spot_ethusdt_20240809.gz"],
    { ETHUSDT: [1, 6_470, 274_764, 14_515] },
  ],
  [
    "Binance, spot of 2023, without a snapshot",
    "binance",
    ["binance-raw/spot_btcusdt_20230405.dat.gz"],
    { BTCUSDT: [0, 3_929, 32_024, 3_144] },
  ],
  [
    "Binance-Archiver",
    "binance_archiver",
    [archiver("difference_depth"), archiver("trade")],
    { TRXUSDT: [0, 2_833, 10_000, 10_000] },
  ],
  ["LOBSTER, 10 levels", "lobster", [lobster("message"), lobster("orderbook")], { AAPL: [999, 0, 19_980, 159] }],
  ["Hyperliquid", "hyperliquid", ["hyperliquid/btcusd_20250126.gz"], { BTC: [46, 0, 1_840, 64] }],
  [
    "lob-250ms",
    "lob_250ms",
    [1, 2, 3, 4, 5, 6, 7].map((nth) => `lob-250ms/csv_example_${nth}.csv`),
    { BTCUSDT: [896, 0, 17_920, 0] },
  ],
  [
    "cryptofeed, Binance",
    "cryptofeed_binance",
    ["cryptofeed-raw/BINANCE_FUTURES.ws.1.0", "cryptofeed-raw/BINANCE_FUTURES.http.0.0"],
    {
      AKROUSDT: [1, 189, 2_325, 8],
      CTKUSDT: [1, 185, 1_945, 38],
      KEEPUSDT: [1, 135, 1_611, 5],
      SUSHIUSDT: [1, 255, 6_029, 40],
    },
  ],
  [
    "cryptofeed, Coinbase",
    "cryptofeed_coinbase",
    ["cryptofeed-raw/COINBASE.ws.28.0"],
    {
      "BAND-BTC": [1, 1_005, 2_152, 9],
      "BAND-GBP": [1, 471, 789, 5],
      "CRV-EUR": [1, 670, 1_353, 1],
      "DASH-BTC": [1, 1_925, 2_905, 16],
      "NMR-EUR": [1, 665, 1_606, 9],
      "NU-GBP": [1, 76, 646, 2],
      "SKL-BTC": [1, 1_539, 2_166, 9],
      "SKL-GBP": [1, 289, 565, 2],
      "SKL-USD": [1, 2_592, 4_747, 53],
      "YFI-BTC": [1, 487, 1_152, 1],
    },
  ],
  [
    "cryptofeed, BitMEX",
    "cryptofeed_bitmex",
    ["cryptofeed-raw/BITMEX.ws.1.0"],
    {
      ADAUSDT: [1, 119, 444, 1],
      BCHUSD: [1, 72, 806, 1],
      EOSUSDT: [1, 85, 390, 1],
      MATICUSDT: [1, 132, 325, 2],
      SOLUSDT: [1, 141, 401, 1],
      TRXU21: [1, 2, 145, 1],
      TRXUSDT: [1, 35, 208, 1],
      UNIUSDT: [1, 79, 343, 2],
      XBTUSD: [1, 1_299, 11_058, 16],
      XRPU21: [1, 5, 213, 1],
    },
  ],
  [
    "Tardis, 25 levels",
    "tardis",
    ["tardis/binance-futures_book_snapshot_25_BTCUSDT.csv"],
    { BTCUSDT: [10, 0, 500, 0] },
  ],
  ["Tardis, 5 levels", "tardis", ["tardis/binance-futures_book_snapshot_5_BTCUSDT.csv"], { BTCUSDT: [10, 0, 100, 0] }],
  ["Tardis, quotes", "tardis", ["tardis/huobi-dm-swap_quotes_BTC-USD.csv"], { "BTC-USD": [10, 0, 20, 0] }],
];

const absent = recordings.flatMap(([, , files]) => pathsOf(files)).filter((path) => !existsSync(path));
if (absent.length > 0) {
  process.stderr.write(`\nSKIPPED: books rebuilt from the sources, since ${absent[0]} is not there\n\n`);
}
const python = absent.length > 0 ? undefined : await Python.with("duckdb==2.0.1"); // earlier ones cut times to microseconds;

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-rebuilt-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const compared = z.object({
  tapes: z.record(
    z.string(),
    z.object({
      wholes: z.int().default(0),
      updates: z.int().default(0),
      levels: z.int(),
      trades: z.int().default(0),
      differences: z.int().default(0),
      found: z.array(z.string()),
    }),
  ),
  "without a tape": z.array(z.string()),
});

/** Imports some files of a recording. The folder of each tape by its symbol. */
async function tapesOf(paths: readonly string[]): Promise<Record<string, string>> {
  const { tapes } = await importRecording(paths, {}, { store: new FolderTapeStore(folder) });
  return Object.fromEntries(tapes.map(({ symbol, tape = "" }) => [symbol, join(folder, tape.replace("@", "/"))]));
}

async function compare(format: string, files: readonly string[], tapes: Record<string, string>) {
  const script = fileURLToPath(new URL("compare.py", import.meta.url));
  return compared.parse(await python?.runFile(script, JSON.stringify({ format, files, tapes })));
}

/** One digit of the first message of some kind behind line 5,000 is another. */
interface Edit {
  readonly of: "depthUpdate" | "trade";
  readonly digit: RegExp;
  readonly says: RegExp;
}

const edits: readonly Edit[] = [
  { of: "depthUpdate", digit: /(?<="b":\[\["[\d.]+","\d*)\d/, says: /, bids: the track has/ },
  { of: "depthUpdate", digit: /(?<="a":\[\["\d+)\d(?=\.)/, says: /, asks: the track has/ },
  { of: "depthUpdate", digit: /(?<="u":\d+)\d(?=,)/, says: /, ids: the track has/ },
  { of: "depthUpdate", digit: /(?<=^\d+)\d(?= )/, says: /, times: the track has/ },
  { of: "trade", digit: /(?<="q":"[\d.]+)\d(?=")/, says: /^trade \d+: the track has/ },
];

describe.skipIf(python === undefined)("a book that another program builds from the source", () => {
  test.each(recordings)(
    "[ET1] [ET2] [ET3] [ET6] %s: the track's is the same after each message, at full depth, and each message is on it once",
    async (_, reader, files, counted) => {
      const paths = pathsOf(files);
      const { tapes, "without a tape": missing } = await compare(reader, paths, await tapesOf(paths));
      expect(missing).toEqual([]);
      expect(Object.values(tapes).flatMap(({ found }) => found)).toEqual([]);
      const counts = Object.entries(tapes).map(([symbol, { wholes, updates, levels, trades }]) => {
        return [symbol, [wholes, updates, levels, trades]];
      });
      expect(Object.fromEntries(counts)).toEqual(counted);
    },
  );

  test("[ET1] [ET6] [IM17] LOBSTER, 50 levels of a made-up market: the same, row by row", async () => {
    const paths = await writeLobsterMarket(folder, { rows: 2_000, levels: 50, seed: 7 });
    const { AAPL } = (await compare("lobster", paths, await tapesOf(paths))).tapes;
    expect(AAPL).toMatchObject({ found: [], wholes: 2_000 });
    expect(AAPL?.levels).toBeGreaterThan(150_000);
    expect(AAPL?.trades).toBeGreaterThan(500);
  });

  // A comparison that cannot fail proves nothing.
  test("differs from the track's if one digit of the source does", async () => {
    const [path = ""] = pathsOf([usdm2024]);
    const tapes = await tapesOf([path]);
    const lines = gunzipSync(await readFile(path))
      .toString()
      .split("\n");
    const changed = join(folder, basename(path, ".gz"));
    for (const { of, digit, says } of edits) {
      const at = lines.findIndex((line, nth) => nth > 5_000 && line.includes(`"e":"${of}"`) && digit.test(line));
      const edited = lines.map((line, nth) => {
        return nth === at ? line.replace(digit, (found) => String((Number(found) + 1) % 10)) : line;
      });
      await writeFile(changed, edited.join("\n"));
      const { BTCUSDT } = (await compare("binance", [changed], tapes)).tapes;
      expect(BTCUSDT?.found[0]).toMatch(says);
    }
  });
});
