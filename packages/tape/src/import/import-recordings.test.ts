import { checkFrameText, checkNext, frame } from "@tapedeck/protocol";
import { describe, expect, test } from "vitest";
import {
  eventsOf,
  framesOf,
  type Imported,
  importedOnce,
  recording,
  recordingsAbsent,
  tapeOf,
} from "./test-recordings.js";

/** Every recording file, alone or with its companions, and the tapes expected of it. */
interface Case {
  readonly name: string;
  readonly files: string[];
  readonly tapes: Readonly<Record<string, { frames: number; trades: number; updates: number }>>;
}

const cases: Case[] = [
  {
    name: "usdm BTC 2023, two days",
    files: ["binance-raw/usdm_btcusdt_20230404.dat.gz", "binance-raw/usdm_btcusdt_20230405.dat.gz"],
    tapes: { "btcusdt-binance-futures-20230404": { frames: 4_920, trades: 12_928, updates: 16_110 } },
  },
  {
    name: "spot BTC 2024, two days",
    files: ["binance-raw/spot_btcusdt_20240808.gz", "binance-raw/spot_btcusdt_20240809.gz"],
    tapes: { "btcusdt-binance-20240808": { frames: 6_280, trades: 19_903, updates: 6_493 } },
  },
  {
    name: "spot ETH 2024, two days",
    files: ["binance-raw/spot_ethusdt_20240808.gz", "binance-raw/spot_ethusdt_20240809.gz"],
    tapes: { "ethusdt-binance-20240808": { frames: 6_273, trades: 14_515, updates: 6_468 } },
  },
  {
    name: "usdm BTC 20240718",
    files: ["binance-raw/usdm_btcusdt_20240718.gz"],
    tapes: { "btcusdt-binance-futures-20240718": { frames: 1_416, trades: 974, updates: 3_321 } },
  },
  {
    name: "spot BTC 2023, without a snapshot",
    files: ["binance-raw/spot_btcusdt_20230405.dat.gz"],
    tapes: { "btcusdt-binance-20230405": { frames: 3_407, trades: 3_128, updates: 3_929 } },
  },
  {
    name: "Binance-Archiver, depth and trades",
    files: ["binance-archiver-csv"],
    tapes: { "trxusdt-binance-20250304": { frames: 2_602, trades: 1_505, updates: 2_833 } },
  },
  {
    name: "Binance-Archiver, depth alone",
    files: ["binance-archiver-csv/test_positive_binance_difference_depth_stream_spot_trxusdt_04-03-2025.csv"],
    tapes: { "trxusdt-binance-20250304": { frames: 2_566, trades: 0, updates: 2_833 } },
  },
  {
    name: "lob-250ms, seven windows",
    files: ["lob-250ms"],
    tapes: { "btcusdt-binance-futures-20230109": { frames: 890, trades: 0, updates: 896 } },
  },
  {
    name: "LOBSTER, the pair",
    files: ["lobster"],
    tapes: { "aapl-nasdaq-20120621": { frames: 171, trades: 159, updates: 999 } },
  },
  {
    name: "Hyperliquid",
    files: ["hyperliquid/btcusd_20250126.gz"],
    tapes: { "btc-hyperliquid-20250126": { frames: 53, trades: 34, updates: 45 } },
  },
  {
    name: "cryptofeed, Binance futures with the requests",
    files: ["cryptofeed-raw/BINANCE_FUTURES.ws.1.0", "cryptofeed-raw/BINANCE_FUTURES.http.0.0"],
    tapes: {
      "sushiusdt-binance-futures-20210722": { frames: 240, trades: 40, updates: 252 },
      "akrousdt-binance-futures-20210722": { frames: 168, trades: 8, updates: 188 },
      "keepusdt-binance-futures-20210722": { frames: 95, trades: 5, updates: 132 },
      "ctkusdt-binance-futures-20210722": { frames: 155, trades: 37, updates: 180 },
    },
  },
  {
    name: "cryptofeed, Binance futures without the requests",
    files: ["cryptofeed-raw/BINANCE_FUTURES.ws.1.0"],
    tapes: {
      "sushiusdt-binance-futures-20210722": { frames: 244, trades: 40, updates: 255 },
      "akrousdt-binance-futures-20210722": { frames: 172, trades: 8, updates: 189 },
      "keepusdt-binance-futures-20210722": { frames: 111, trades: 5, updates: 135 },
      "ctkusdt-binance-futures-20210722": { frames: 165, trades: 38, updates: 185 },
    },
  },
  {
    name: "cryptofeed, the requests alone: a book at one moment of each",
    files: ["cryptofeed-raw/BINANCE_FUTURES.http.0.0"],
    tapes: {
      "sushiusdt-binance-futures-20210722": { frames: 1, trades: 0, updates: 1 },
      "akrousdt-binance-futures-20210722": { frames: 1, trades: 0, updates: 1 },
      "keepusdt-binance-futures-20210722": { frames: 1, trades: 0, updates: 1 },
      "ctkusdt-binance-futures-20210722": { frames: 1, trades: 0, updates: 1 },
    },
  },
  {
    name: "cryptofeed, Coinbase",
    files: ["cryptofeed-raw/COINBASE.ws.28.0"],
    tapes: {
      "skl-usd-coinbase-20210417": { frames: 282, trades: 52, updates: 2_593 },
      "skl-btc-coinbase-20210417": { frames: 270, trades: 8, updates: 1_540 },
      "band-gbp-coinbase-20210417": { frames: 147, trades: 4, updates: 472 },
      "nmr-eur-coinbase-20210417": { frames: 158, trades: 8, updates: 666 },
      "band-btc-coinbase-20210417": { frames: 228, trades: 8, updates: 1_006 },
      "yfi-btc-coinbase-20210417": { frames: 139, trades: 0, updates: 488 },
      "dash-btc-coinbase-20210417": { frames: 293, trades: 15, updates: 1_926 },
      "nu-gbp-coinbase-20210417": { frames: 26, trades: 1, updates: 77 },
      "crv-eur-coinbase-20210417": { frames: 153, trades: 0, updates: 671 },
      "skl-gbp-coinbase-20210417": { frames: 119, trades: 1, updates: 290 },
    },
  },
  {
    name: "cryptofeed, BitMEX",
    files: ["cryptofeed-raw/BITMEX.ws.1.0"],
    tapes: {
      "xbtusd-bitmex-20210722": { frames: 166, trades: 15, updates: 1_300 },
      "xrpu21-bitmex-20210722": { frames: 4, trades: 0, updates: 6 },
      "uniusdt-bitmex-20210722": { frames: 32, trades: 0, updates: 80 },
      "adausdt-bitmex-20210722": { frames: 42, trades: 0, updates: 120 },
      "solusdt-bitmex-20210722": { frames: 58, trades: 0, updates: 142 },
      "trxu21-bitmex-20210722": { frames: 3, trades: 0, updates: 3 },
      "eosusdt-bitmex-20210722": { frames: 34, trades: 0, updates: 86 },
      "trxusdt-bitmex-20210722": { frames: 8, trades: 0, updates: 36 },
      "bchusd-bitmex-20210722": { frames: 25, trades: 0, updates: 73 },
      "maticusdt-bitmex-20210722": { frames: 48, trades: 1, updates: 133 },
    },
  },
  {
    name: "Tardis, 25 levels",
    files: ["tardis/binance-futures_book_snapshot_25_BTCUSDT.csv"],
    tapes: { "btcusdt-binance-futures-20200901": { frames: 4, trades: 0, updates: 10 } },
  },
  {
    name: "Tardis, 5 levels",
    files: ["tardis/binance-futures_book_snapshot_5_BTCUSDT.csv"],
    tapes: { "btcusdt-binance-futures-20200901": { frames: 6, trades: 0, updates: 10 } },
  },
  {
    name: "Tardis, quotes: a book of one level",
    files: ["tardis/huobi-dm-swap_quotes_BTC-USD.csv"],
    tapes: { "btc-usd-huobi-dm-swap-20200501": { frames: 8, trades: 0, updates: 10 } },
  },
];

/** Checks every frame of every tape. */
async function checkTapes(imported: Imported): Promise<void> {
  for (const tape of imported.report.tapes) {
    if (tape.refused !== undefined) continue;
    let before: unknown;
    let trades = 0;
    let frames = 0;
    for await (const text of framesOf(imported, tape)) {
      const frame = JSON.parse(text);
      const problems = [...checkFrameText(text), ...(before === undefined ? [] : checkNext(before, frame))];
      if (problems.length > 0) throw new Error(`${tape.tape}, frame ${frames}: ${problems.join("; ")}\n${text}`);
      before = frame;
      frames++;
      trades += frame.trades.length;
    }
    expect({ frames, trades }).toEqual({ frames: tape.frames, trades: tape.trades });
  }
}

describe.skipIf(recordingsAbsent)("every recording", () => {
  test.each(cases)(
    "[IM1] $name: is recognised by its content, and every frame keeps every rule",
    async ({ files, tapes }) => {
      const imported = await importedOnce(recording(...files));
      const found = imported.report.tapes.map(({ tape, frames, trades, bookUpdates, updatesAfterTape }) => [
        tape?.replace("@1", ""),
        { frames, trades, updates: bookUpdates + updatesAfterTape },
      ]);
      expect(Object.fromEntries(found)).toEqual(tapes);
      expect(imported.report.brokenLines.count).toBe(0);
      for (const { book, duplicates, outOfOrder, missingTrades, symbol } of imported.report.tapes) {
        expect(book).toMatchObject({ crossed: 0, sequenceBreaks: 0, snapshotsApart: 0, unknownIds: 0 });
        expect(missingTrades).toBe(0);
        expect(outOfOrder).toEqual({ book: 0, trades: 0, bookLeftOut: 0, tradesLate: 0 });
        expect(duplicates).toBe(symbol === "BTC" ? 1 : 0);
      }
      await checkTapes(imported);
    },
    300_000,
  );

  test("[FR1] every frame keeps every rule with a frame per event, in thin books and fast markets too", async () => {
    const thin = recording("cryptofeed-raw/BINANCE_FUTURES.ws.1.0", "cryptofeed-raw/BINANCE_FUTURES.http.0.0");
    await checkTapes(await importedOnce(thin, { intervalMs: 0 }));
    await checkTapes(await importedOnce(recording("hyperliquid"), { intervalMs: 0 }));
    await checkTapes(await importedOnce(recording("lobster"), { intervalMs: 0 }));
  });

  const refused: [file: string, reason: RegExp][] = [
    ["tardis/deribit_incremental_book_L2_BTC-PERPETUAL.csv", /no price is known: it has 15 ask levels and no bid/],
    ["tardis/bitmex_trades_XBTUSD.csv", /no book: it has 10 trades and no order book/],
    [
      "binance-archiver-csv/test_positive_binance_trade_stream_spot_trxusdt_04-03-2025.csv",
      /no book: it has 10000 trades/,
    ],
    ["lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv", /is a message file: give its orderbook file/],
    ["lobster/AAPL_2012-06-21_34200000_57600000_orderbook_10.csv", /is an orderbook file, which has no times/],
    ["README.md", /is not a recording in a known format/],
  ];
  test.each(refused)("[IM16] %s is refused with the reason", async (file, reason) => {
    await expect(importedOnce(recording(file))).rejects.toThrow(reason);
  });

  test("[IM16] the Tardis folder becomes two tapes, and the report says why the rest was refused", async () => {
    const { report } = await importedOnce(recording("tardis"));
    expect(report.tapes.filter(({ tape }) => tape !== undefined)).toHaveLength(2);
    expect(report.tapes.map(({ refused: why }) => why).filter(Boolean)).toEqual([
      "no book: it has 10 trades and no order book; import a file with the same market's book along with it",
      "no price is known: it has 15 ask levels and no bid",
    ]);
    expect(report.notices.join()).toMatch(/snapshot_5_BTCUSDT.csv was left out: another file has a deeper book/);
  });

  test("[IM2] with a symbol only that instrument becomes a tape, whatever its letter case", async () => {
    const { report } = await importedOnce(recording("cryptofeed-raw/COINBASE.ws.28.0"), { symbol: "skl-usd" });
    expect(report.tapes.map(({ symbol }) => symbol)).toEqual(["SKL-USD"]);
    await expect(importedOnce(recording("cryptofeed-raw/COINBASE.ws.28.0"), { symbol: "BTC-USD" })).rejects.toThrow(
      /does not contain BTC-USD; it contains BAND-BTC, BAND-GBP, CRV-EUR/,
    );
  });

  test("[IM21] one id for several instruments is refused unless a symbol selects one", async () => {
    const files = recording("cryptofeed-raw/BITMEX.ws.1.0");
    await expect(importedOnce(files, { id: "mine" })).rejects.toThrow(/several instruments/);
    const { report } = await importedOnce(files, { id: "mine", symbol: "XBTUSD" });
    expect(report.tapes[0]?.tape).toBe("mine@1");
  });
});

describe.skipIf(recordingsAbsent)("quirks of the recordings", () => {
  test("[IM11] an insurance fund trade is left out and counted", async () => {
    const imported = await importedOnce(recording("binance-raw/usdm_btcusdt_20230405.dat.gz"));
    expect(tapeOf(imported).tradesLeftOut).toMatchObject({ INSURANCE_FUND: 1 });
    for await (const text of framesOf(imported, tapeOf(imported))) {
      for (const { price } of JSON.parse(text).trades) expect(Math.abs(price - 28_150)).toBeLessThan(150);
    }
  });

  test("[IM9] the archiver's edited last depth row is a gap of a day", async () => {
    const { gaps } = tapeOf(await importedOnce(recording("binance-archiver-csv")));
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toMatchObject({ to: "2025-03-04T23:59:56.000000Z" });
    expect(gaps[0]?.ms).toBeGreaterThan(85_900_000);
  });

  test("[IM10] trades after the last book update are left out and counted", async () => {
    const { tradesLeftOut, trades, gaps } = tapeOf(await importedOnce(recording("binance-archiver-csv")));
    expect(trades + (tradesLeftOut.withoutBook ?? 0)).toBe(10_000);
    expect(trades).toBeGreaterThanOrEqual(1_504);
    expect(gaps[0]?.reason).toContain("the book was silent while trades went on");
  });

  test("[IM9] marked gaps separate the windows of lob-250ms, and unchanged rows make no frame", async () => {
    const { gaps, frames, bookUpdates } = tapeOf(await importedOnce(recording("lob-250ms")));
    expect(gaps).toHaveLength(6);
    expect(bookUpdates - frames).toBe(6);
  });

  test("[IM13] spot BTC 2024 moves beyond the prices of its snapshot, and the report says so", async () => {
    const files = recording("binance-raw/spot_btcusdt_20240808.gz", "binance-raw/spot_btcusdt_20240809.gz");
    const { book } = tapeOf(await importedOnce(files));
    expect(book).toMatchObject({ levelsOutsideSnapshot: 1_217, diffsBeforeSnapshot: 2, snapshotsUsed: 1 });
  });

  test("[IM11] trades from before the recording are left out and counted", async () => {
    const coinbase = await importedOnce(recording("cryptofeed-raw/COINBASE.ws.28.0"));
    for (const { tradesLeftOut } of coinbase.report.tapes) {
      expect(tradesLeftOut).toMatchObject({ "from before the recording": 1, beforeFirstFrame: 0 });
    }
    const bitmex = await importedOnce(recording("cryptofeed-raw/BITMEX.ws.1.0"));
    for (const { tradesLeftOut } of bitmex.report.tapes) expect(tradesLeftOut["from before the recording"]).toBe(1);
    const hyperliquid = tapeOf(await importedOnce(recording("hyperliquid")));
    expect(hyperliquid.trades + (hyperliquid.tradesLeftOut.beforeFirstFrame ?? 0)).toBe(64);
  });

  test("[IM11] traders' accounts are not recorded", async () => {
    const imported = await importedOnce(recording("hyperliquid"));
    for await (const text of framesOf(imported, tapeOf(imported))) expect(text).not.toMatch(/users|0x[0-9a-f]{8}/);
  });

  test("[IM14] times are the venue's, with the venue's decimals", async () => {
    const firsts: string[] = [];
    for (const files of [
      ["binance-raw/usdm_btcusdt_20240718.gz"],
      ["binance-archiver-csv"],
      ["lobster"],
      ["hyperliquid"],
    ]) {
      firsts.push(tapeOf(await importedOnce(recording(...files))).from ?? "");
    }
    expect(firsts).toEqual([
      "2024-07-18T23:57:02.764Z",
      "2025-03-04T00:00:00.062507Z",
      "2012-06-21T13:30:00.050241056Z",
      "2025-01-26T19:14:03.542Z",
    ]);
  });

  test("[IM23] each trade of a recording is on the tape once and in order, or counted as left out", async () => {
    const files = recording("binance-raw/spot_ethusdt_20240808.gz", "binance-raw/spot_ethusdt_20240809.gz");
    const expected: { timestamp: string; price: number; size: number; side: string }[] = [];
    for await (const event of eventsOf(files)) {
      if (event.kind !== "trade") continue;
      const { timestamp, price, size, side } = event;
      expected.push({ timestamp, price, size, side });
    }
    const imported = await importedOnce(files);
    const found: unknown[] = [];
    for await (const text of framesOf(imported, tapeOf(imported))) {
      for (const { mid_price, ...trade } of frame.parse(JSON.parse(text)).trades) {
        expect(mid_price).toBeGreaterThan(0);
        found.push(trade);
      }
    }
    expect(found).toEqual(expected.slice(expected.length - found.length));
    expect(expected.length - found.length).toBe(tapeOf(imported).tradesLeftOut.beforeFirstFrame);
  });
});
