import { join } from "node:path";
import { trackOf } from "@tapedeck/tape";
import { expect } from "vitest";
import { z } from "zod";
import { signIn, tokenOf } from "../support/sign-in.js";
import type { Truth } from "../support/truth.js";
import { runPython } from "./python-environment.js";
import { havePython, python, pythonTestOnCluster } from "./python-test.js";

const test = pythonTestOnCluster(() => ({ env: { all: signIn } })).skipIf(!havePython);

const table = z.object({ rows: z.int(), amount: z.string(), columns: z.array(z.string()) });
const tables = z.object({ whole: table, frames: table });
const library = z.object({ trades: tables, book: tables });
const printed = z.object({
  name: z.string(),
  tables: z.object({ polars: library, pandas: library, arrow: library }),
  floats: z.array(z.number()),
  part: z.object({ rows: z.int(), received: z.int(), bytes: z.int() }),
  downloaded: z.object({ rows: z.int(), files: z.int() }),
  made: z.object({ frames: z.int(), barTrades: z.int(), frameTrades: z.int(), orders: z.string() }),
  simulated: z.int(),
  snapshots: z.int(),
  bookAt: z.looseObject({ tape: z.string(), bids: z.array(z.tuple([z.string(), z.string()])), bid_levels: z.int() }),
  atPlayhead: z.array(z.tuple([z.string(), z.string()])),
  events: z.object({ book: z.int(), trade: z.int() }),
  refusal: z.string(),
});

interface Sum {
  rows: number;
  amount: string;
}

/** Rows and the sum of amounts, of all frames and of those that `tables.py` asks for, as the track of the store has them. */
async function truthOf({ tape }: Truth, file: "trades" | "book"): Promise<{ whole: Sum; frames: Sum }> {
  const track = trackOf(tape);
  const sums = { whole: { rows: 0, units: 0 }, frames: { rows: 0, units: 0 } };
  for await (const { rows, seq, amount } of file === "book" ? track.bookBatches() : track.tradeBatches()) {
    for (let row = 0; row < rows; row++) {
      const at = seq[row] ?? -1;
      for (const sum of at >= 100 && at <= 200 ? [sums.whole, sums.frames] : [sums.whole]) {
        sum.rows++;
        sum.units += amount[row] ?? Number.NaN;
      }
    }
  }
  const { size } = track.decimals;
  const written = ({ rows, units }: { rows: number; units: number }) => ({
    rows,
    amount: (units / 10 ** size).toFixed(size),
  });
  return { whole: written(sums.whole), frames: written(sums.frames) };
}

test("[PY6] [PY7] [PY10] [PY11] a tape's event track is a table of polars, pandas and pyarrow, with the rows and sums of its source", async ({
  cluster,
  skip,
}) => {
  const truth = await cluster.recording("usdm");
  if (truth.tape.track === undefined) skip("the recordings are not there, and a made-up tape has no event track");
  const script = join(import.meta.dirname, "tables.py");
  const text = await runPython(python, [script, cluster.url, await tokenOf("ada"), "usdm"]);
  const seen = printed.parse(JSON.parse(text));
  expect(seen.name).toBe(truth.tape.id);
  const expected = { trades: await truthOf(truth, "trades"), book: await truthOf(truth, "book") };
  expect(expected.book.frames.rows).toBeGreaterThan(100);
  for (const { trades, book } of Object.values(seen.tables)) {
    expect({ trades, book }).toMatchObject(expected);
    expect(book.whole.columns).toEqual(
      expect.arrayContaining(["timestamp", "side", "price", "amount", "seq", "state"]),
    );
    expect(book.frames.columns).toEqual(["seq", "amount"]);
  }
  for (const sum of seen.floats) expect(sum).toBeCloseTo(Number(expected.trades.whole.amount), 3);
  expect(seen.downloaded).toEqual({ rows: expected.book.whole.rows, files: 1 });
  expect(seen.snapshots).toBeGreaterThan(0);
  expect(seen.events).toEqual({ book: expected.book.frames.rows, trade: expected.trades.frames.rows });
  expect(seen.made).toMatchObject({ frames: 101, barTrades: seen.made.frameTrades, orders: "TRACK_NOT_FOUND" });
  expect(seen.made.frameTrades).toBeGreaterThan(100);
  expect(seen.simulated).toBe(50);
  expect(seen.refusal).toBe("TRACK_NOT_FOUND");
  const best = truth.frame(500).bids.slice(0, 5);
  expect(seen.bookAt.bids.map(([price, size]) => [Number(price), Number(size)])).toEqual(best);
  expect(seen.atPlayhead).toEqual(seen.bookAt.bids);
  expect(seen.bookAt.bid_levels).toBeGreaterThan(100);
  // One column out of many, and no more.
  expect(seen.part.rows).toBe(expected.book.whole.rows);
  expect(seen.part.received).toBeLessThan(seen.part.bytes / 4);
  cluster.note(`python: one column of ${seen.part.bytes} bytes of level changes took ${seen.part.received}`);
});
