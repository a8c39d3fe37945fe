import { mkdtemp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { readManifest } from "../../../reading/recorded-tape.js";
import { importToMemory, tapeOf } from "../../test-recordings.js";
import { TestFolder, zipOf, zstdOf } from "../testing.js";
import { type ParquetContents, parquetOf, parquetOfCsv, stored, timestamp } from "./testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());
afterEach(() => vi.unstubAllEnvs());

/** The checksums of all files of the tape that a recording becomes. */
async function filesOf(...contents: readonly (string | Uint8Array)[]) {
  const paths = [];
  for (const content of contents) paths.push(await folder.file(content));
  const { store } = await importToMemory(paths, { id: "tape", symbol: "BTCUSDT" });
  return (await readManifest(store, "tape", 1)).files;
}

const start = Date.UTC(2024, 7, 8) * 1000;
const market = "exchange,symbol,timestamp,local_timestamp";

/** What Tardis' CSV of level changes has: a whole book, then messages of one or two changes. */
function updates(count: number): string {
  const rows = Array.from({ length: count }, (_, n) => {
    const time = start + n * 100_000 + 7;
    const level = (side: string, price: number, amount: number) =>
      `binance,BTCUSDT,${time},${time + 900},${n === 0},${side},${price},${amount}`;
    const changes = [level("bid", 100 - (n % 5) / 10, (n % 3) / 8), level("ask", 100.1 + (n % 4) / 10, 1 + (n % 7))];
    return n % 2 === 0 ? changes : changes.slice(0, 1);
  });
  return `${[`${market},is_snapshot,side,price,amount`, ...rows.flat()].join("\n")}\n`;
}

function trades(count: number): string {
  const rows = Array.from({ length: count }, (_, n) => {
    const time = start + n * 300_000 + 50_000;
    return `binance,BTCUSDT,${time},${time + 900},${n + 1},${n % 2 === 0 ? "buy" : "sell"},100.1,${(n + 1) / 16}`;
  });
  return `${[`${market},id,side,price,amount`, ...rows].join("\n")}\n`;
}

function books(count: number): string {
  const header = [
    market,
    ..."asks,bids,asks,bids".split(",").map((side, n) => `${side}[${n >> 1}].price,${side}[${n >> 1}].amount`),
  ];
  const rows = Array.from({ length: count }, (_, n) => {
    const time = start + n * 100_000;
    // A thin book has fewer levels than columns.
    const second = n % 3 === 0 ? ",,," : `100.3,4,99.8,${n + 1}`;
    return `deribit,BTCUSDT,${time},${time + 900},100.2,1,99.9,${n + 1},${second}`;
  });
  return `${[header.join(","), ...rows].join("\n")}\n`;
}

type Time = "whole" | "MILLIS" | "MICROS" | "NANOS";

function tardis(csv: string, time: Time): Uint8Array {
  return parquetOfCsv(
    csv,
    (name) => {
      if (name.endsWith("timestamp")) return time === "whole" ? stored.whole : timestamp(time);
      if (name === "is_snapshot") return stored.flag;
      if (["exchange", "symbol", "side", "id"].includes(name)) return stored.text;
      return { ...stored.double, repetition_type: "OPTIONAL" };
    },
    37,
  );
}

test.each(["whole", "MICROS", "NANOS"] as const)(
  "[IM63] Tardis' columns in a Parquet file make the tape that its CSV makes, with times stored as %s",
  async (time) => {
    expect(await filesOf(tardis(updates(500), time), tardis(trades(100), time))).toEqual(
      await filesOf(updates(500), trades(100)),
    );
    expect(await filesOf(tardis(books(200), time))).toEqual(await filesOf(books(200)));
  },
);

test("[IM63] [IM18] any CSV of books can be a Parquet file, with exact decimals and lists left aside", async () => {
  const decimal = { type: "INT64", converted_type: "DECIMAL", scale: 2, precision: 18 } as const;
  const rows = Array.from({ length: 50 }, (_, n) => n);
  const column = (element: ParquetContents["columns"][string]["element"], value: (n: number) => unknown) => ({
    element,
    values: rows.map(value),
  });
  const file = parquetOf({
    columns: {
      note: column({ type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" }, (n) =>
        n % 2 ? 'a "b", c' : undefined,
      ),
      time: column(timestamp("MILLIS"), (n) => BigInt(start / 1000 + n * 100)),
      bid_price_1: column(decimal, (n) => BigInt(10_001 + n)),
      bid_size_1: column(stored.double, (n) => n + 0.5),
      ask_price_1: column(decimal, (n) => BigInt(10_101 + n)),
      ask_size_1: column({ type: "INT32" }, (n) => n + 1),
    },
  });
  const lines = rows.map(
    (n) => `${start / 1000 + n * 100},${(10_001 + n) / 100},${n + 0.5},${(10_101 + n) / 100},${n + 1}`,
  );
  const csv = `time,bid_price_1,bid_size_1,ask_price_1,ask_size_1\n${lines.join("\n")}\n`;
  expect(await filesOf(file)).toEqual(await filesOf(csv));
});

test("[IM63] rows count as lines after the header's, and progress reaches the end", async () => {
  const csv = updates(500).replace("bid,99.9,0.25", "none,99.9,0.25");
  const path = await folder.file(tardis(csv, "whole"), "updates.parquet");
  const { report } = await importToMemory([path]);
  expect(report.lines).toBe(csv.trimEnd().split("\n").length);
  const line = csv.split("\n").findIndex((row) => row.includes("none")) + 1;
  const reason = 'side is neither bid nor ask: "none"';
  expect(report.brokenLines).toEqual({
    count: expect.any(Number),
    first: expect.arrayContaining([{ file: path, line, reason }]),
  });
});

test("[IM30] [IM63] a damaged Parquet file makes no tape, and with --keep-partial the row groups before", async () => {
  const bytes = Buffer.from(tardis(updates(500), "whole"));
  const cut = await folder.file(bytes.subarray(0, -20), "cut.parquet");
  await expect(importToMemory([cut])).rejects.toThrow(
    /^cut.parquet is a Parquet file that cannot be read: the footer is missing or damaged/,
  );
  bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 400);
  const damaged = await folder.file(bytes, "damaged.parquet");
  await expect(importToMemory([damaged])).rejects.toThrow(
    /damaged.parquet cannot be read to its end: after line \d+, received at .*, rows \d+ to \d+ are damaged \(.*\). Nothing was imported/,
  );
  const { report } = await importToMemory([damaged], { keepPartial: true });
  expect(tapeOf({ report })).toMatchObject({ symbol: "BTCUSDT" });
  expect(report.cutShort).toHaveLength(1);
});

test("[IM63] a packed Parquet file makes the same tape, and nothing that was unpacked stays", async () => {
  const csv = updates(50);
  const bytes = tardis(csv, "whole");
  const temporary = await mkdtemp(join(folder.path, "temporary-"));
  vi.stubEnv("TMPDIR", temporary);
  const tape = await filesOf(csv);
  for (const packed of [
    gzipSync(bytes),
    zstdOf(bytes),
    zipOf({ "a.parquet": bytes }),
    zipOf({ "a.parquet.gz": gzipSync(bytes) }),
  ]) {
    expect(await filesOf(packed)).toEqual(tape);
  }
  const cut = await folder.file(gzipSync(bytes).subarray(0, -200), "cut.parquet.gz");
  await expect(importToMemory([cut])).rejects.toThrow(
    "cut.parquet.gz cannot be read: the gzip data ends in the middle.",
  );
  expect(await readdir(temporary)).toEqual([]);
});
