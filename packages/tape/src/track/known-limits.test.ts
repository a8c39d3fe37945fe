import { afterAll, beforeAll, expect, test } from "vitest";
import { trackIn } from "../import/formats/testing.js";
import { binanceLines, TestFolder, textOf } from "../import/input/testing.js";
import { importToMemory, tapeOf } from "../import/test-recordings.js";
import { snapshotRows } from "./parquet/row-group-parts.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

const diffs = binanceLines(400);

/** The book at the end of a recording of diffs with this whole book before them, or none. */
async function bookOf(whole?: { readonly bids: number; readonly asks: number }) {
  const levels = (count: number, price: (at: number) => number) =>
    Array.from({ length: count }, (_, at) => [price(at).toFixed(2), "1"]);
  const snapshot = whole && {
    lastUpdateId: -1 + 1,
    bids: levels(whole.bids, (at) => 99 - at / 100),
    asks: levels(whole.asks, (at) => 102 + at / 100),
  };
  const lines = snapshot ? [diffs[0] ?? "", JSON.stringify(snapshot), ...diffs.slice(1)] : diffs;
  const imported = await importToMemory([await folder.file(textOf(lines))]);
  const { knownLow, knownHigh, limitsKnown } = await (await trackIn(imported, tapeOf(imported))).bookAt({ seq: 300 });
  return { knownLow, knownHigh, limitsKnown };
}

test("[ET6] a book from diffs alone, a whole one and one that was cut off differ in whether and where they are complete", async () => {
  const without = { knownLow: undefined, knownHigh: undefined };
  expect(await bookOf()).toEqual({ ...without, limitsKnown: false });
  expect(await bookOf({ bids: 30, asks: 40 })).toEqual({ ...without, limitsKnown: true });
  // A venue that is asked for 1,000 levels cuts off what lies behind them.
  expect(await bookOf({ bids: 1000, asks: 40 })).toEqual({ knownLow: 89.01, knownHigh: undefined, limitsKnown: true });
});

test("[ET6] files of earlier releases say that limits are known where one is given", () => {
  const columns: Readonly<Record<string, unknown[]>> = {
    known_low: [9900n, undefined, undefined],
    known_high: [undefined, undefined, 10_200n],
    side: ["bid", "bid", "bid"],
  };
  const read = snapshotRows.decode(
    (name) => columns[name] ?? [1n, 2n, 3n],
    (name) => name !== "limits_known",
  );
  expect([...read.limitsKnown]).toEqual([1, 0, 1]);
});
