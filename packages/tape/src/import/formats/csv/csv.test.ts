import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { framesOf, type Imported, importToMemory, tapeOf } from "../../test-recordings.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-csv-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A row of ten levels a side, price and size by turns, best first; later rows are one higher. */
function levels(row: number, side: "bid" | "ask"): [price: number, size: number][] {
  return Array.from({ length: 10 }, (_, n) => [
    side === "bid" ? 17_000 + row - n / 10 : 17_000.1 + row + n / 10,
    0.5 + n,
  ]).map(([price = 0, size = 0]) => [Number(price.toFixed(1)), size]);
}

async function written(header: string, row: (n: number) => string, rows = 5): Promise<string> {
  const path = join(folder, `l2_clean-${Math.random().toString(36).slice(2)}.csv`);
  await writeFile(path, [header, ...Array.from({ length: rows }, (_, n) => row(n)), ""].join("\n"));
  return path;
}

async function frames(imported: Imported): Promise<{ timestamp: string; bids: number[][]; asks: number[][] }[]> {
  const all = [];
  for await (const text of framesOf(imported, tapeOf(imported))) all.push(JSON.parse(text));
  return all;
}

const startMs = Date.UTC(2023, 0, 9, 22, 17, 40, 926);
const numbered = (side: string, what: string) => Array.from({ length: 10 }, (_, n) => `${side}_${what}_${n + 1}`);
/** As the first version named its columns. */
const pricesThenSizes = [
  "timestamp",
  ...numbered("bid", "price"),
  ...numbered("bid", "volume"),
  ...numbered("ask", "price"),
  ...numbered("ask", "volume"),
].join();

describe("a row per book", () => {
  test("[IM18] columns in the order of their names are read as they are", async () => {
    const path = await written(pricesThenSizes, (n) =>
      [
        new Date(startMs + n * 250).toISOString(),
        ...levels(n, "bid").map(([price]) => price),
        ...levels(n, "bid").map(([, size]) => size),
        ...levels(n, "ask").map(([price]) => price),
        ...levels(n, "ask").map(([, size]) => size),
      ].join(),
    );
    const imported = await importToMemory([path], { symbol: "BTCUSDT" });
    expect(imported.report.notices).toEqual([]);
    const [first] = await frames(imported);
    expect(first).toMatchObject({
      timestamp: "2023-01-09T22:17:40.926Z",
      bids: levels(0, "bid"),
      asks: levels(0, "ask"),
    });
  });

  test("[IM18] alternating prices and sizes under other names, and times in January 1970, are noticed and corrected", async () => {
    const path = await written(pricesThenSizes, (n) => {
      // Milliseconds that were read as microseconds.
      const time = new Date((startMs + n * 250) / 1000).toISOString().replace(/Z$/, "");
      const micros = String((startMs + n * 250) % 1000).padStart(3, "0");
      return [`${time.replace("T", " ")}${micros}`, ...levels(n, "bid").flat(), ...levels(n, "ask").flat()].join();
    });
    const imported = await importToMemory([path], { symbol: "BTCUSDT" });
    expect(imported.report.notices.join("\n")).toMatch(
      /the prices don't descend; they were read as alternating prices and sizes/,
    );
    expect(imported.report.notices.join("\n")).toMatch(/January 1970/);
    const all = await frames(imported);
    expect(all.map(({ timestamp }) => timestamp)).toEqual(
      Array.from({ length: 5 }, (_, n) => new Date(startMs + n * 250).toISOString()),
    );
    expect(all[3]).toMatchObject({ bids: levels(3, "bid"), asks: levels(3, "ask") });
  });

  test("[IM18] columns that cannot be book levels are refused", async () => {
    const path = await written(pricesThenSizes, (n) =>
      [startMs + n, ...Array.from({ length: 40 }, (_, k) => (k * 7) % 5)].join(),
    );
    await expect(importToMemory([path], { symbol: "X" })).rejects.toThrow(/the bid prices don't descend/);
  });

  test("[IM18] names like bids[0].price and quoted names are understood", async () => {
    const header = ['"time"', '"bids[0].price"', '"bids[0].amount"', '"asks[0].price"', '"asks[0].amount"'].join();
    const path = await written(header, (n) => `"${startMs + n * 200}",17000.${n},1,17001,2`);
    const all = await frames(await importToMemory([path], { symbol: "X" }));
    expect(all).toHaveLength(5);
    expect(all[2]?.bids[0]).toEqual([17_000.2, 1]);
  });

  test("[IM16] an unnamed market is refused with a request for --symbol", async () => {
    const path = await written("time,bid_price_1,bid_size_1,ask_price_1,ask_size_1", (n) => `${startMs + n},1,1,2,1`);
    await expect(importToMemory([path])).rejects.toThrow(/give --symbol/);
  });

  test("[IM15] a row with the wrong length, a value that is not a number, or prices out of order is broken", async () => {
    const rows = [
      `${startMs},1,1,2,1`,
      `${startMs + 200},1,1,2`,
      `${startMs + 400},1,x,2,1`,
      "yesterday,1,1,2,1",
      `${startMs + 600},1,-1,2,1`,
      `${startMs + 800},1.5,1,2,1`,
    ];
    const path = await written("time,bid_price_1,bid_size_1,ask_price_1,ask_size_1", (n) => rows[n] ?? "", rows.length);
    const imported = await importToMemory([path], { symbol: "X" });
    expect(imported.report.brokenLines.first.map(({ line, reason }) => [line, reason])).toEqual([
      [3, "4 values, but the header has 5"],
      [4, 'a size is not a number: "x"'],
      [5, 'the time is not a time: "yesterday"'],
      [6, "a size is negative: -1"],
    ]);
    expect(imported.report.frames).toBe(2);
  });
});
