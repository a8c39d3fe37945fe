import { checkFrame } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { MemoryTapeStore } from "./store/memory-store.js";
import { TapeCatalog } from "./tape-catalog.js";
import { writeTestTape } from "./testing.js";

test("[FR1] frames of tapes that are made for tests keep the rules too", async () => {
  const store = new MemoryTapeStore();
  const name = await writeTestTape(store, {
    frames: 130,
    anomalyAt: (seq) => seq % 7 === 0,
    tradesPerFrame: (seq) => seq % 3,
    gapAfter: [{ seq: 40, ms: 8000 }],
  });
  const tape = await new TapeCatalog(store, { cacheBytes: 16 * 2 ** 20 }).open(name);
  for (let seq = 0; seq <= tape.span.lastSeq; seq++) {
    const block = await tape.load(seq);
    expect(checkFrame(JSON.parse(block.json(seq)))).toEqual([]);
  }
});
