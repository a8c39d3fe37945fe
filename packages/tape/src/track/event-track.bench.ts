import { OrderBook } from "@tapedeck/market";
// biome-ignore lint/correctness/noUndeclaredDependencies: the workspace has it, for tests and benchmarks
import { bench, describe } from "vitest";
import { importToMemory, recording, recordingsAbsent, tapeOf } from "../import/test-recordings.js";
import { TapeCatalog } from "../tape-catalog.js";
import { BookReplay } from "./book-replay.js";
import type { TrackReader } from "./track-reader.js";

// The goals of the event track: a million level changes per second and core in batches with the book rebuilt, 500,000 one by one. A
// sample is the whole futures recording of 2023, read and decoded anew. Times are CPU time of all threads, so that other work on the machine does
// not count. The reference does the same changes to a book from arrays in memory, which no change of the reader makes faster or slower.

const options = { time: 3_000, warmupTime: 1_000, iterations: 5, now: cpuMs };
const files = recording("binance-raw/usdm_btcusdt_20230404.dat.gz", "binance-raw/usdm_btcusdt_20230405.dat.gz");

if (!recordingsAbsent) {
  const imported = await importToMemory(files);
  /** With nothing in the cache. */
  const openTrack = async (): Promise<TrackReader> => {
    const catalog = new TapeCatalog(imported.store, { cacheBytes: 8 << 20 });
    const { track } = await catalog.open(tapeOf(imported).tape ?? "");
    if (track === undefined) throw new Error("the tape has no event track");
    return track;
  };
  const changes: { readonly bid: boolean; readonly price: number; readonly amount: number }[] = [];
  for await (const { side, price, amount } of (await openTrack()).bookBatches()) {
    price.forEach((units, at) => {
      changes.push({ bid: side[at] === 0, price: units, amount: amount[at] ?? 0 });
    });
  }

  describe(`an event track of ${changes.length.toLocaleString("en-US")} level changes`, () => {
    bench(
      "batches, with the book rebuilt",
      async () => {
        const replay = new BookReplay();
        for await (const batch of (await openTrack()).bookBatches()) replay.apply(batch);
      },
      options,
    );

    bench(
      "events one by one",
      async () => {
        let units = 0;
        for await (const event of (await openTrack()).events()) {
          if (event.kind === "book") for (const { amountUnits } of event.levels) units += amountUnits;
        }
        if (units === 0) throw new Error("no level was read");
      },
      options,
    );

    bench(
      "the book alone, from arrays in memory",
      () => {
        const { bids, asks } = new OrderBook();
        for (const { bid, price, amount } of changes) (bid ? bids : asks).set(price, amount);
      },
      options,
    );
  });
}

/** Milliseconds of CPU time of this process. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
