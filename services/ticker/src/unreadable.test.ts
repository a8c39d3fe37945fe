import { setTimeout as sleep } from "node:timers/promises";
import { RecordedTape, type Tape } from "@tapedeck/tape";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { Rig } from "./testing/rig.js";
import type { Viewer } from "./testing/viewer.js";

let rig: Rig;
beforeEach(() => {
  rig = new Rig(inject("redisUrl"));
});
afterEach(() => rig.close());

/** Numbers from..to. */
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Has blocks of a tape read as something else than what was written. */
function damage(tape: Tape, ...blocks: readonly number[]): void {
  if (!(tape instanceof RecordedTape)) throw new Error("a recorded tape");
  const offsets = new Set(blocks.map((block) => tape.index.offset(block)));
  rig.tamper = (offset, bytes) => (offsets.has(offset) ? Buffer.alloc(bytes.length, 7) : bytes);
}

const ended = (viewer: Viewer) => viewer.until(({ states }) => states.at(-1)?.reason === "ended");

describe("[TK21] a damaged block", () => {
  test("is skipped, and the frames around it are published at their times", async () => {
    const tape = await rig.tape({ frames: 100, intervalMs: 20, framesPerBlock: 10 });
    damage(tape, 4, 5);
    const { metric } = await rig.ticker();
    const { id, viewer } = await rig.playWatched(tape);
    await ended(viewer);
    expect(viewer.seqs).toEqual([...range(1, 39), ...range(60, 99)]);
    expect(viewer.holes.map(({ from, to }) => [from, to])).toEqual([[39, 59]]);
    // By the frame that was held up least, since a busy machine makes any of them late.
    const start = Math.min(...viewer.shown.filter(({ seq }) => seq <= 39).map(({ at, seq }) => at - seq * 20));
    const after = viewer.shown.find(({ seq }) => seq === 60)?.at ?? 0;
    expect(after - start).toBeGreaterThan(60 * 20 - 15);
    expect(await metric("damaged_blocks_total")).toBe(2);
    expect(await rig.record(id)).toMatchObject({ state: "STOPPED", reason: "ended", publishedSeq: 99 });
  });

  test("at the end of the tape does not prevent the end of the session", async () => {
    const tape = await rig.tape({ frames: 60, intervalMs: 20, framesPerBlock: 10 });
    damage(tape, 5);
    await rig.ticker();
    const { viewer } = await rig.playWatched(tape);
    await ended(viewer);
    expect(viewer.seqs).toEqual(range(1, 49));
  });

  test("loses no trade of the frames that it would be merged with", async () => {
    const tape = await rig.tape({ frames: 120, intervalMs: 10, framesPerBlock: 10, tradesPerFrame: (seq) => seq % 3 });
    damage(tape, 4);
    await rig.ticker();
    // Cells of 25 frames, none of which begins or ends with the block.
    const { viewer } = await rig.playWatched(tape, { max_fps: 4 });
    await ended(viewer);
    const trades = viewer.shown.flatMap(({ json }) => JSON.parse(json).trades);
    const recorded = [];
    for (const seq of [...range(1, 39), ...range(50, 119)])
      recorded.push(...JSON.parse((await tape.load(seq)).json(seq)).trades);
    expect(trades).toEqual(recorded);
  });
});

test("[TK18] a session whose frames could not be read for more than 10 s goes on at its position, without a missing frame", async () => {
  const tape = await rig.tape({ frames: 60, intervalMs: 50, framesPerBlock: 10 });
  if (!(tape instanceof RecordedTape)) throw new Error("a recorded tape");
  const slow = tape.index.offset(3);
  rig.tamper = async (offset, bytes) => {
    if (offset === slow) await sleep(11_500); // a store that hangs
    return bytes;
  };
  await rig.ticker();
  const { id, viewer } = await rig.playWatched(tape);
  await viewer.until(({ last }) => last === 29);
  const { anchorWallMs, epoch } = await rig.record(id);
  await viewer.until(({ last }) => last === 59, 20_000);
  expect(viewer.seqs).toEqual(range(1, 59));
  expect(viewer.holes).toEqual([]);
  const at = new Map(viewer.shown.map((shown) => [shown.seq, shown.at]));
  const took = (from: number, to: number) => (at.get(to) ?? 0) - (at.get(from) ?? 0);
  expect(took(29, 30)).toBeGreaterThan(10_000);
  // Each at its time again, and not all at once: 29 intervals of 50 ms.
  expect(took(30, 59)).toBeGreaterThan(29 * 50 - 100);
  const after = await rig.record(id);
  expect(after.epoch).toBe(epoch);
  expect(viewer.states.some((state) => state.anchorWallMs > anchorWallMs + 10_000 && state.anchorSeq === 29)).toBe(
    true,
  );
}, 40_000);

test("[TK18] one that trades goes on at its playhead, whose clock has gone on, and gateways show what was missed", async () => {
  const tape = await rig.tape({ frames: 600, intervalMs: 50, framesPerBlock: 10 });
  if (!(tape instanceof RecordedTape)) throw new Error("a recorded tape");
  const slow = tape.index.offset(3);
  rig.tamper = async (offset, bytes) => {
    if (offset === slow) await sleep(11_500); // a store that hangs
    return bytes;
  };
  await rig.ticker();
  const { id, viewer } = await rig.playWatched(tape);
  await rig.sessions.appendActions(id, async () => ({
    chain: { root: 1, head: 1, tag: "a", ns: -1 },
    added: { lines: ["0 a -1 settings"], length: 0 },
  }));
  await viewer.until(({ last }) => last === 29);
  const { anchorWallMs, anchorNs, epoch } = await rig.record(id);
  await viewer.until(({ last }) => last > 250, 20_000);
  expect(await rig.record(id)).toMatchObject({ epoch, anchorWallMs, anchorNs });
  const skipped = viewer.states.find(({ publishedSeq }) => publishedSeq > 200)?.publishedSeq;
  expect(viewer.holes).toEqual([{ epoch, from: 29, to: skipped }]);
  expect(Math.floor((Date.now() - anchorWallMs) / 50) - viewer.last).toBeLessThan(20);
}, 40_000);
