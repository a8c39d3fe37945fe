import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cut, Pace, Seq, Tape } from "../tape.js";
import { TapeCatalog } from "../tape-catalog.js";
import { MemoryTapeStore, type TestTapeOptions, writeTestTape } from "../testing.js";
import { cuts, nextCut } from "./cuts.js";
import { playedTape } from "./played-tape.arbitrary.js";

async function openTape(options: TestTapeOptions): Promise<Tape> {
  const store = new MemoryTapeStore();
  return new TapeCatalog(store, { cacheBytes: 8 * 1024 * 1024 }).open(await writeTestTape(store, options));
}

async function seqsOf(tape: Tape, pace: Pace, after = -1, last = tape.span.lastSeq): Promise<Seq[]> {
  const found: Cut[] = [];
  for await (const cut of cuts(tape, pace, after, last)) found.push(cut);
  return found.map((cut) => cut.seq);
}

function paceOf(tape: Tape, pace: Partial<Pace>): Pace {
  return { timeline: tape.timeline("skip"), anchorNs: 0, speed: 1, maxFps: 30, ...pace };
}

describe("cuts", () => {
  test("[TP40] without a cap each frame is a message of its own, also where several have one time", async () => {
    const tape = await openTape({ frames: 10, stepNs: () => 0 });
    expect(await seqsOf(tape, paceOf(tape, { maxFps: 0, speed: 1000 }))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("[TP41] the frames of a cell go out together, at the time of the last of them", async () => {
    const tape = await openTape({ frames: 35, intervalMs: 100, framesPerBlock: 8 });
    const pace = paceOf(tape, { speed: 10, maxFps: 10 }); // cells of a second: (0, 1], (1, 2], ...
    expect(await seqsOf(tape, pace)).toEqual([0, 10, 20, 30, 34]);
    expect(nextCut(tape, pace, 10, 34)).toEqual({ seq: 20, ns: 2e9 });
  });

  test("[TP41] a frame alone in its cell keeps its own time", async () => {
    const tape = await openTape({ frames: 40, intervalMs: 100 });
    await tape.load(0);
    const pace = paceOf(tape, { anchorNs: 50_000_000 });
    for (let seq = 0; seq < 40; seq++) expect(nextCut(tape, pace, seq - 1, 39)).toEqual({ seq, ns: seq * 1e8 });
  });

  test("[TP41] the grid begins at the anchor, whose own frame lies in the cell that ends there", async () => {
    const tape = await openTape({ frames: 20, intervalMs: 100 });
    expect(await seqsOf(tape, paceOf(tape, { anchorNs: 3e8, speed: 5, maxFps: 10 }), 3)).toEqual([8, 13, 18, 19]);
    expect(await seqsOf(tape, paceOf(tape, { anchorNs: 3.5e8, speed: 5, maxFps: 10 }), 3)).toEqual([8, 13, 18, 19]);
  });

  test("[TP42] a skipped gap takes a second of the grid, a kept one all its time", async () => {
    const tape = await openTape({ frames: 30, intervalMs: 100, gapAfter: [{ seq: 9, ms: 60_000 }] });
    const pace = paceOf(tape, { speed: 20, maxFps: 10 }); // cells of two seconds
    expect(await seqsOf(tape, pace)).toEqual([0, 11, 29]);
    expect(await seqsOf(tape, { ...pace, timeline: tape.timeline("keep") })).toEqual([0, 9, 21, 29]);
  });

  test("[TP43] nothing beyond the last frame counts: a cell is cut there", async () => {
    const tape = await openTape({ frames: 100, intervalMs: 100 });
    const pace = paceOf(tape, { speed: 10, maxFps: 10 });
    expect(await seqsOf(tape, pace, -1, 14)).toEqual([0, 10, 14]);
    expect(nextCut(tape, pace, 14, 14)).toBeUndefined();
    expect(nextCut(tape, pace, 99, 1_000)).toBeUndefined();
  });

  test("[TP44] a cell with more than 1,000 trades is cut before the frame that would exceed them", async () => {
    const tape = await openTape({ frames: 10, tradesPerFrame: () => 400, framesPerBlock: 3 });
    expect(await seqsOf(tape, paceOf(tape, { speed: 1000, maxFps: 1 }))).toEqual([0, 2, 4, 6, 8, 9]);
    const exact = await openTape({ frames: 10, tradesPerFrame: () => 500, framesPerBlock: 3 });
    expect(await seqsOf(exact, paceOf(exact, { speed: 1000, maxFps: 1 }))).toEqual([0, 2, 4, 6, 8, 9]);
  });

  test("[TP45] blocks that lie in a cell as a whole are not read", async () => {
    const tape = await openTape({
      frames: 10_000,
      intervalMs: 100,
      tradesPerFrame: (seq) => (seq % 100 === 0 ? 1 : 0),
    });
    const pace = paceOf(tape, { speed: 1000, maxFps: 2 }); // cells of 500 s: 5,000 frames
    await tape.load(1);
    expect(nextCut(tape, pace, 0, 9_999)).toEqual({ seqToLoad: 4_992 });
    await tape.load(4_992);
    expect(nextCut(tape, pace, 0, 9_999)).toEqual({ seq: 5_000, ns: 500e9 });
    expect(tape.block(64)).toBeUndefined();
  });
});

describe("whatever the tape and the pace", () => {
  test("[TP46] cuts are those of the definition: no frame is lost or repeated", async () => {
    await fc.assert(
      fc.asyncProperty(playedTape, async (played) => {
        const { tape, pace } = await played.open();
        expect(await seqsOf(tape, pace)).toEqual(played.expectedCuts());
      }),
      { numRuns: 100 },
    );
  });

  test("[TP46] the cuts after any cut are the rest of the cuts", async () => {
    await fc.assert(
      fc.asyncProperty(playedTape, async (played) => {
        const { tape, pace } = await played.open();
        const all = await seqsOf(tape, pace);
        for (const [at, after] of all.entries()) expect(await seqsOf(tape, pace, after)).toEqual(all.slice(at + 1));
      }),
      { numRuns: 50 },
    );
  });
});
