import type { FrameParts } from "@tapedeck/market";
import { tapeOverview, tapeView } from "@tapedeck/protocol";
import {
  BlockCache,
  DamagedTape,
  MemoryTapeStore,
  minCacheBytes,
  parseTapeName,
  type RecordedTape,
  TapeNotFound,
  type TapeStore,
} from "@tapedeck/tape";
import type { CompressedBlock } from "@tapedeck/tape/blocks";
import { testFrames, writeTestTape } from "@tapedeck/tape/testing";
import fc from "fast-check";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { decodeFeedRecord, type FeedRecord } from "../feed-store/feed-record.js";
import { LiveMaintenance } from "../maintenance/live-maintenance.js";
import { finishTape } from "../segments/finish-tape.js";
import { openSegments } from "../segments/open-segments.js";
import { writeSegment } from "../segments/write-segment.js";
import { appendAll, evict, Rig, recorded, someFrames, source, storeWith, symbol } from "../testing/rig.js";
import { expectOverview, expectSame } from "../testing/same-tape.js";
import type { GrowingTape } from "./growing-tape.js";

let rig: Rig;
beforeEach(() => {
  rig = new Rig(inject("redisUrl"));
});
afterEach(() => rig.close());

/** Events in the life of a live tape. */
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("append" as const), frames: fc.integer({ min: 1, max: 90 }) }),
    },
    { weight: 2, arbitrary: fc.constant({ do: "claim" as const }) },
    { weight: 2, arbitrary: fc.constant({ do: "miss" as const }) },
    { weight: 2, arbitrary: fc.constant({ do: "forget" as const }) },
  ),
  { minLength: 3, maxLength: 9 },
);

const shape = fc.record({
  steps,
  stepMs: fc.array(fc.constantFrom(0, 50, 100, 100, 100, 900, 9_000), { minLength: 5, maxLength: 40 }),
  trades: fc.array(fc.constantFrom(0, 0, 1, 3, 200), { minLength: 3, maxLength: 30 }),
  gaps: fc.array(fc.record({ seq: fc.nat({ max: 400 }), ms: fc.constantFrom(300, 7_000, 90_000) }), { maxLength: 4 }),
  anomalies: fc.array(fc.nat({ max: 400 }), { maxLength: 12 }),
  segmentSeconds: fc.constantFrom(0, 1, 10, 10_000),
  recentSeconds: fc.constantFrom(0, 5, 60),
  retentionHours: fc.constantFrom(0, 0, 0.005),
});

test("[LT40] a growing tape gives the same answers at any time as a finished one that ends with its newest frame", async () => {
  await fc.assert(
    fc.asyncProperty(shape, async ({ steps, stepMs, trades, gaps, anomalies, ...settings }) => {
      const live = new Rig(inject("redisUrl"));
      try {
        const total = steps.reduce((sum, step) => sum + framesOf(step), 0);
        const options = {
          frames: total,
          stepNs: (seq: number) => (stepMs[seq % stepMs.length] ?? 0) * 1e6,
          tradesPerFrame: (seq: number) => trades[seq % trades.length] ?? 0,
          gapAfter: gaps,
          anomalyAt: (seq: number) => anomalies.includes(seq),
          framesPerBlock: 16,
        };
        if (total === 0) return;
        const frames = [...testFrames(options)];
        const wholeStore = new MemoryTapeStore();
        await writeTestTape(wholeStore, options);
        const whole = await recorded(wholeStore, "test");
        await play(live, steps, frames, whole, { ...settings, recentBytes: 8 << 20, maxUnstoredBytes: 64 << 20 });
      } finally {
        await live.close();
      }
    }),
    { numRuns: 15 },
  );
}, 120_000);

type Step = ReturnType<(typeof steps)["generate"]>["value"][number];

function framesOf(step: Step): number {
  return step.do === "append" ? step.frames : step.do === "miss" ? 10 : 0;
}

async function play(
  live: Rig,
  steps: readonly Step[],
  frames: readonly FrameParts[],
  whole: RecordedTape,
  settings: object,
): Promise<void> {
  let writer = await live.claim({ settings });
  const follower = live.process();
  const listener = follower.follow();
  let followed: GrowingTape | undefined;
  let appended = 0;
  for (const step of steps) {
    const some = frames.slice(appended, appended + framesOf(step));
    appended += some.length;
    const missed = step.do === "miss";
    if (missed) await follower.subscriber.unsubscribe(live.keys.live(source, symbol));
    if (step.do === "claim") writer = await live.claim({ settings });
    if (step.do === "forget") evict(follower.cache);
    await appendAll(writer, some);
    if (missed) await follower.subscriber.subscribe(live.keys.live(source, symbol));
    if (appended === 0) continue;
    await writer.settled(); // retention removes nothing during the comparison
    followed = await follower.live.open(writer.tape);
    const opened = await live.process().live.open(writer.tape);
    for (const tape of [followed, opened]) {
      if (tape === undefined) return expect.fail("the tape is not open");
      expect(await tape.grownTo(appended - 1)).toBe(true);
      expect(tape.span.lastSeq).toBe(appended - 1);
      await expectSame(tape, whole);
      await expectOverview(
        tape,
        frames.map(({ price }) => price),
      );
    }
  }
  listener.stop();
  const before = followed?.span;
  await writer.finish();
  if (before === undefined || followed === undefined) return;
  await expect.poll(() => followed?.span.growing).toBe(false);
  const [id = ""] = await live.store.ids();
  const finished = await recorded(live.store, id);
  expect(finished.span).toMatchObject({ lastSeq: before.lastSeq, growing: false });
  await expectSame(finished, whole);
  await expectSame(followed, whole);
}

const feedHash = () => rig.redis.hgetall(rig.keys.liveTape(source, symbol));
const segmentsOf = (tape: string) => rig.store.segments(parseTapeName(tape).id).ids();

test("[TR50] the market of a growing tape goes on with the wall until its next frame, and that of a finished one has ended", async () => {
  const writer = await rig.claim();
  await appendAll(writer, someFrames(0, 3));
  const { tapes } = rig.process();
  const tape = await tapes.open(writer.tape);
  const sinceFrame = () => (tape.edgeNs ?? expect.fail()) - tape.span.lastNs;
  await expect.poll(sinceFrame).toBeGreaterThan(100e6);
  const began = performance.now();
  await appendAll(writer, someFrames(3, 4));
  await tapes.open(writer.tape);
  expect(tape.span.lastSeq).toBe(3);
  expect(sinceFrame()).toBeLessThanOrEqual((performance.now() - began) * 1e6);
  await writer.finish();
  await expect.poll(async () => (await tapes.open(writer.tape)).edgeNs).toBeUndefined();
});

test("[LT44] the oldest segments are erased, and the other frames keep their seqs and times, also in the finished tape", async () => {
  const writer = await rig.claim({ settings: { segmentSeconds: 6, recentSeconds: 6, retentionHours: 60 / 3_600 } });
  const frames = someFrames(0, 1_500, {
    gapAfter: [
      { seq: 300, ms: 20_000 },
      { seq: 1_200, ms: 8_000 },
    ],
  });
  const reader = rig.process();
  await appendAll(writer, frames.slice(0, 200));
  const held = (await reader.live.open(writer.tape)) ?? expect.fail();
  const playedSince200 = held.timeline("skip").playingOf(15e9);
  for (let from = 200; from < 1_500; from += 100) {
    await appendAll(writer, frames.slice(from, from + 100));
    await writer.settled();
  }
  const tape = (await reader.live.open(writer.tape)) ?? expect.fail();
  const { first_seq } = await feedHash();
  const { firstSeq, firstNs, lastSeq } = tape.span;
  expect([firstSeq, lastSeq]).toEqual([Number(first_seq), 1_499]);
  expect(firstSeq).toBeGreaterThan(600);
  expect(tape.span.lastNs - firstNs).toBeGreaterThanOrEqual(60e9);
  expect(tape.span.lastNs - firstNs).toBeLessThan(90e9);
  expect(tape.gaps.map(({ afterSeq }) => afterSeq)).toEqual([1_200]);
  expect(tape.timeline("skip").playingOf(15e9)).not.toBeNaN();
  expect(playedSince200).toBe(15e9);
  const first = (await segmentsOf(writer.tape)).map((id) => Number(id.split("-")[0])).sort((a, b) => a - b)[0];
  expect(first).toBe(firstSeq);
  await expect(tape.load(firstSeq - 1)).rejects.toThrow(`has frames ${firstSeq} to 1499`);

  const wholeStore = new MemoryTapeStore();
  await writeTestTape(wholeStore, {
    frames: 1_500,
    gapAfter: [
      { seq: 300, ms: 20_000 },
      { seq: 1_200, ms: 8_000 },
    ],
  });
  const whole = await recorded(wholeStore, "test");
  await expectSame(tape, whole);
  await writer.finish();
  const finished = await recorded(rig.store, parseTapeName(writer.tape).id);
  expect(finished.manifest).toMatchObject({
    format_version: 2,
    first_seq: firstSeq,
    first_ns: firstNs,
    last_ns: 177.7e9,
  });
  expect(finished.view()).toMatchObject({ from: whole.iso(firstNs), frames: 1_500 - firstSeq });
  await expectSame(finished, whole);
});

test("[LT45] short segments are joined, and a reader of one of them continues with the long one", async () => {
  const writer = await rig.claim({ settings: { segmentSeconds: 6, recentSeconds: 1 } });
  const frames = someFrames(0, 1_600);
  const [early, late] = [rig.process(), rig.process()];
  for (let from = 0; from < 700; from += 64) {
    await appendAll(writer, frames.slice(from, Math.min(700, from + 64)));
    await writer.settled(); // one segment at a time, however busy the machine
  }
  const before = (await early.live.open(writer.tape)) ?? expect.fail();
  await early.subscriber.unsubscribe(rig.keys.live(source, symbol)); // gets none of the later frames
  expect((await segmentsOf(writer.tape)).length).toBeGreaterThan(5);
  for (let from = 700; from < 1_600; from += 64) {
    await appendAll(writer, frames.slice(from, from + 64));
    await writer.settled();
  }
  const ids = await segmentsOf(writer.tape);
  expect(ids.length).toBeLessThan(12);
  expect(ids).toContainEqual(expect.stringMatching(/^0-1\d{3}-0$/));
  expect((await feedHash()).parts).toBe(`${ids.length}`);
  const wholeStore = new MemoryTapeStore();
  await writeTestTape(wholeStore, { frames: 1_600 });
  const whole = await recorded(wholeStore, "test");
  expect(before.span.lastSeq).toBeLessThan(1_000); // a read under way may have brought another frame
  expect(before.block(10)).toBeUndefined();
  await expectSame(before, whole); // its segments are erased
  await expectSame((await late.live.open(writer.tape)) ?? expect.fail(), whole);
});

test("[LT46] growing tapes are listed first: complete if this process follows them, otherwise as far as they are stored", async () => {
  await writeTestTape(rig.store, { id: "old", frames: 10 });
  const writer = await rig.claim({ settings: { segmentSeconds: 6 } });
  const frames = someFrames(0, 400, { gapAfter: [{ seq: 20, ms: 9_000 }] });
  await appendAll(writer, frames.slice(0, 256));
  await writer.settled();
  await appendAll(writer, frames.slice(256));
  const [follower, other] = [rig.process(), rig.process()];
  const tape = await follower.tapes.open(writer.tape);
  const { id } = parseTapeName(writer.tape);
  const [listed, old] = await follower.tapes.list();
  expect(listed).toEqual(tape.view());
  expect(tapeView.parse(listed)).toEqual(listed);
  expect(listed).toMatchObject({
    id,
    version: 1,
    frames: 400,
    trades: 134,
    event_counts: { SPOOFING: 8 },
    growing: true,
  });
  expect(listed?.gaps).toHaveLength(1);
  expect(old).toMatchObject({ id: "old", growing: false });

  const [asStored] = await other.tapes.list();
  expect(tapeView.parse(asStored)).toEqual(asStored);
  expect(asStored).toMatchObject({
    ...listed,
    bytes: expect.any(Number),
    trades: expect.any(Number),
    event_counts: expect.any(Object),
  });
  expect(asStored?.trades).toBeLessThan(134);
  expect(await other.tapes.view(id)).toEqual(listed);
  const overview = await other.tapes.overview(id, 100);
  expect(tapeOverview.parse(overview)).toEqual(overview);
  expect(overview.points).toHaveLength(100);
  expect(overview).toMatchObject({ id, gaps: listed?.gaps });
  expect(overview.events).toHaveLength(8);
});

test("[LT46] growing tapes are not listed while Redis is away, and finished ones are", async () => {
  await writeTestTape(rig.store, { id: "old", frames: 10 });
  const redis = rig.connect();
  const reader = rig.process({ redis });
  redis.disconnect();
  expect((await reader.tapes.list()).map(({ id }) => id)).toEqual(["old"]);
});

test("[LT43] no listing shows a segment, and no name or symbol selects one; a symbol does not select a growing tape either", async () => {
  const writer = await rig.claim({ settings: { segmentSeconds: 6 } });
  await appendAll(writer, someFrames(0, 300));
  await writer.settled();
  const { tapes } = rig.process();
  const [segment = ""] = await segmentsOf(writer.tape);
  expect(await rig.store.ids()).toEqual([]);
  expect((await tapes.list()).map(({ id }) => id)).toEqual([parseTapeName(writer.tape).id]);
  await expect(tapes.open(segment)).rejects.toThrow(TapeNotFound);
  expect(await tapes.choose({ symbol })).toBeUndefined();
  expect(await tapes.choose({ tape: segment })).toBeUndefined();
  expect((await tapes.choose({ tape: writer.tape }))?.id).toBe(writer.tape);
});

test("[LT47] segments that a crash left over change nothing, and the next claim removes them", async () => {
  const writer = await rig.claim({ settings: { segmentSeconds: 6 } });
  await appendAll(writer, someFrames(0, 500));
  await writer.settled();
  await writer.release();
  const segmentStore = rig.store.segments(parseTapeName(writer.tape).id);
  const before = (await segmentStore.ids()).length;
  // As after a crash while segments were joined, and after a fenced writer stored one of its own.
  for (const [from, to] of [
    [0, 127],
    [64, 191],
    [128, 255],
  ] as const) {
    const cache = new BlockCache(minCacheBytes);
    const { segments } = await openSegments(rig.store, writer.tape, cache, { fromSeq: 0, toSeq: -1 });
    const blocks: CompressedBlock[] = [];
    for (const segment of segments) for await (const block of segment.compressedBlocks()) blocks.push(block);
    const some = blocks.filter(({ firstSeq }) => firstSeq >= from && firstSeq <= to);
    await writeSegment(rig.store, recordOf(await feedHash()), some);
  }
  const wholeStore = new MemoryTapeStore();
  await writeTestTape(wholeStore, { frames: 500 });
  const whole = await recorded(wholeStore, "test");
  await expectSame(await rig.process().tapes.open(writer.tape), whole);
  const next = await rig.claim({ settings: { segmentSeconds: 6 } });
  expect(next.continues).toMatchObject({ lastSeq: 499 });
  expect((await segmentStore.ids()).length).toBeLessThanOrEqual(before);
  await next.finish();
  await expectSame(await recorded(rig.store, parseTapeName(writer.tape).id), whole);
});

test("[LT48] a damaged segment is left out with all before it, and the tape is not finished, so that nothing is lost", async () => {
  const writer = await rig.claim({ settings: { segmentSeconds: 6 } });
  await appendAll(writer, someFrames(0, 500));
  await writer.settled();
  const { id } = parseTapeName(writer.tape);
  const ids = await segmentsOf(writer.tape);
  const damaged =
    ids.find((segment) => segment.startsWith("64-")) ??
    ids.find((segment) => segment.startsWith("128-")) ??
    expect.fail();
  const store = storeWith(rig.store, {
    segments: (tape) => {
      const segmentStore = rig.store.segments(tape);
      const read: TapeStore["read"] = async (segment, version, file) =>
        segment === damaged ? Buffer.from("{") : segmentStore.read(segment, version, file);
      return storeWith(segmentStore, { read });
    },
  });
  const tape = await rig.process({ store }).live.open(writer.tape);
  const wholeStore = new MemoryTapeStore();
  await writeTestTape(wholeStore, { frames: 500 });
  const whole = await recorded(wholeStore, "test");
  expect(tape?.span).toMatchObject({ firstSeq: Number(damaged.split("-")[1]) + 1, lastSeq: 499 });
  await expectSame(tape ?? expect.fail(), whole);
  await writer.release();
  await rig.redis.del(rig.keys.liveTape(source, symbol), rig.keys.live(source, symbol));
  await expect(finishTape(store, writer.tape)).rejects.toThrow(DamagedTape);
  const maintenance = new LiveMaintenance({ ...rig, store, orphanAfterMs: 0 });
  expect(await maintenance.finishOrphans()).toEqual([]);
  expect(await rig.store.versions(id)).toEqual([]);
  expect(await segmentsOf(writer.tape)).toEqual(ids);
});

function recordOf(hash: Record<string, string>): FeedRecord {
  return decodeFeedRecord(hash) ?? expect.fail("the hash is not readable");
}
