/**
 * What a message costs before it is published: `npx vitest bench --project unit packages/tape`. A budget to keep in mind:
 * DESIGN's floor gives a ticker 13 to 17 us for a whole message.
 */
// biome-ignore lint/correctness/noUndeclaredDependencies: the workspace has it, for tests and benchmarks
import { bench, describe } from "vitest";
import { isCacheMiss, type Pace, type Tape } from "../tape.js";
import { TapeCatalog } from "../tape-catalog.js";
import { MemoryTapeStore, writeTestTape } from "../testing.js";
import { nextCut } from "./cuts.js";
import { renderStretch } from "./render.js";

const frames = 2_000;
const store = new MemoryTapeStore();
const name = await writeTestTape(store, { frames, tradesPerFrame: (seq) => seq % 3 });
const tape = await new TapeCatalog(store, { cacheBytes: 64 * 1024 * 1024 }).open(name);
for (let seq = 0; seq < frames; seq += 64) await tape.load(seq);

const cases: { name: string; pace: Pace }[] = [
  { name: "1x, 30 frames a second: each frame alone", pace: paceOf(tape, 1, 30) },
  { name: "10x, 10 frames a second: ten frames a message", pace: paceOf(tape, 10, 10) },
  { name: "1000x, 10 frames a second: a thousand frames a message", pace: paceOf(tape, 1_000, 10) },
];

describe("nextCut", () => {
  for (const { name, pace } of cases) {
    let after = -1;
    bench(name, () => {
      const cut = nextCut(tape, pace, after, frames - 1);
      after = cut === undefined || isCacheMiss(cut) ? -1 : cut.seq;
    });
  }
});

describe("renderStretch", () => {
  let seq = 100;
  const next = () => {
    seq = seq === frames - 1 ? 100 : seq + 1;
    return seq;
  };
  bench("one frame", () => {
    renderStretch(tape, next() - 1, seq);
  });
  bench("ten frames merged", () => {
    renderStretch(tape, next() - 10, seq);
  });
  bench("ten frames merged, as bytes", () => {
    Buffer.from(String(renderStretch(tape, next() - 10, seq)), "latin1");
  });
});

function paceOf(tape: Tape, speed: number, maxFps: number): Pace {
  return { timeline: tape.timeline("skip"), anchorNs: 0, speed, maxFps };
}
