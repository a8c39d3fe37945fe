import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyticsVersion } from "@tapedeck/market";
import { frame } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { framesOf, importToMemory, tapeOf } from "../import/test-recordings.js";
import { BlockCache, minCacheBytes } from "../reading/block-cache.js";
import { simulatedTapeInPlace } from "../simulated/in-place-generator.js";
import { trackOf } from "../track/track-of.js";
import { exportRows } from "./export-rows.js";
import { encodeRows } from "./formats.js";
import { exportContents } from "./row-source.js";
import { rowsOf, wholeFile } from "./testing.js";

const open = (name = `sim2.BTCUSDT.42.mixed@${analyticsVersion}`) =>
  simulatedTapeInPlace(name, new BlockCache(minCacheBytes));

test("[EX14] a range of a simulated tape has rows of each kind", async () => {
  const tape = await open();
  const range = { from: { seq: 590 }, to: { seq: 612 } };
  const track = trackOf(tape);
  const counts: Record<string, number> = {};
  for (const content of exportContents) {
    counts[content] = (await rowsOf(await exportRows(tape, content, range))).length;
  }
  let [levels, trades, orders] = [0, 0, 0];
  const events = { from: { seq: 590 }, to: { seq: 613 } };
  for await (const event of track.events(events)) {
    if (event.kind === "book") levels += event.levels.length;
    else trades++;
  }
  for await (const { rows } of track.orders?.batches(events) ?? []) orders += rows;
  // The book begins with the whole one of the frame before.
  const { bids, asks } = await track.bookAt({ seq: 589 });
  expect(counts).toEqual({
    ...{ trades, orders, frames: 23, bars: counts.bars },
    book: bids.length + asks.length + levels,
  });
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(0);
});

test("[EX14] a range has both ends, six hours apart at most", async () => {
  const tape = await open();
  for (const content of exportContents) {
    await expect(exportRows(tape, content)).rejects.toThrow("from: is required; tape sim2.BTCUSDT.42.mixed@");
    await expect(exportRows(tape, content, { from: { seq: 0 } })).rejects.toThrow("to: is required; ");
    const tooLong = { from: { seq: 0 }, to: { seq: 216_000 } };
    await expect(exportRows(tape, content, tooLong)).rejects.toThrow("to: must be at most six hours after from; ");
    const [from, to] = [tape.startNs - 99_000_000n, tape.startNs - 99_000_000n + 6n * 3_600_000_000_000n];
    await exportRows(tape, content, { from: { ns: from }, to: { ns: to } });
  }
});

test("[EX14] a tape with orders of a user is not there", async () => {
  await expect(open(`sim2.BTCUSDT.42.mixed~0c5e49b1a2f7~me@${analyticsVersion}`)).rejects.toMatchObject({
    code: "TAPE_NOT_FOUND",
  });
});

test("[EX13] a part of a simulated tape, imported again, has the same book in each frame and the same trades", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-simulated-"));
  try {
    const tape = await open();
    const range = { from: { seq: 550 }, to: { seq: 1_250 } };
    const paths: string[] = [];
    for (const content of ["book", "trades"] as const) {
      const path = join(folder, `${content}.csv`);
      await writeFile(path, await wholeFile(encodeRows(await exportRows(tape, content, range), "csv")));
      paths.push(path);
    }
    const imported = await importToMemory(paths);
    const shown = async (seq: number) => bookAndTrades((await tape.load(seq)).json(seq));
    // The whole book that comes first is one of the frame before.
    let seq = range.from.seq - 1;
    const [trades, expected]: [object[], object[]] = [[], []];
    for await (const json of framesOf(imported, tapeOf(imported))) {
      const again = bookAndTrades(json);
      const first = await shown(seq);
      expect([seq, again.book]).toEqual([seq, first.book]);
      trades.push(...again.trades);
      if (seq >= range.from.seq) expected.push(...first.trades);
      seq++;
    }
    expect(seq).toBe(range.to.seq + 1);
    expect(trades).toEqual(expected);
  } finally {
    await rm(folder, { recursive: true });
  }
});

function bookAndTrades(json: string) {
  const { timestamp, bids, asks, trades } = frame.parse(JSON.parse(json));
  return {
    book: { timestamp, bids, asks },
    // A trade with the order that closes a frame has that frame's time, and is in the next one: an import cannot know.
    trades: trades.map(({ timestamp: at, price, size, side }) => ({ at, price, size, side })),
  };
}
