import type { TestFeed } from "@tapedeck/live/testing";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { soon } from "../../../test/support/soon.js";
import { Rig } from "./testing/rig.js";
import type { Viewer } from "./testing/viewer.js";

let rig: Rig;
let feed: TestFeed;
let stop: () => Promise<void>;
beforeEach(async () => {
  rig = new Rig(inject("redisUrl"));
  feed = await rig.feed({ intervalMs: 20 });
  await feed.append(100); // 2 s of market
  stop = async () => {};
});
afterEach(async () => {
  await stop();
  await feed.writer.release();
  await rig.close();
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** The frames that messages brought or states let gateways take from the tape, each once. */
function framesOf(viewer: Viewer): number[] {
  const shown = viewer.shown.flatMap(({ prev, seq }) => range(prev + 1, seq));
  const filled = viewer.holes.flatMap(({ from, to }) => range(from + 1, to));
  return [...shown, ...filled].sort((a, b) => a - b);
}

const states = ({ states }: Viewer) => states.map(({ state, edge }) => `${state}${edge ? " at the edge" : ""}`);

describe("a session behind the edge", () => {
  test("[LV40] plays on a growing tape at a constant delay", async () => {
    await rig.ticker();
    stop = feed.run();
    const { record, viewer } = await rig.liveWatched();
    await rig.sessions.perform(record.id, { type: "goback", seconds: 1 });
    await viewer.until(({ states }) => states.length > 0);
    const from = viewer.states[0]?.anchorSeq ?? -1;
    await viewer.until(({ last }) => last > from + 100);
    expect(framesOf(viewer)).toEqual(range(from + 1, viewer.last));
    expect(viewer.holes).toEqual([]);
    // Of the 50 that a second has. A busy machine may hold up this process, and with it the feed, but not for long.
    await vi.waitFor(() => expect(feed.last - viewer.last).toBeGreaterThan(30), soon);
    const tape = await rig.tapes.open(feed.tape);
    for (const { seq, json } of viewer.shown) expect(json).toBe((await tape.load(seq)).json(seq));
    expect(await rig.record(record.id)).toMatchObject({ state: "PLAYING", edge: false });
  });

  test("[LV41] faster than the market reaches the edge and stays there, and its lease ends", async () => {
    const { ticker } = await rig.ticker();
    stop = feed.run();
    const { record, viewer } = await rig.liveWatched();
    await rig.sessions.perform(record.id, { type: "goback", seconds: 1 });
    const { record: faster } = await rig.sessions.perform(record.id, { type: "speed", value: 5 });
    await viewer.until(({ states }) => states.at(-1)?.edge === true);
    const reached = await rig.record(record.id);
    expect(reached).toMatchObject({ edge: true, epoch: faster.epoch, speed: 5, ticker: "" });
    expect(feed.last - reached.anchorSeq).toBeLessThan(25);
    expect(framesOf(viewer)).toEqual(range(framesOf(viewer)[0] ?? -1, reached.anchorSeq));
    await vi.waitFor(() => expect(ticker.leases).toBe(0), soon);
  });

  test("[LV41] goes on at the edge where the market has stopped", async () => {
    await rig.ticker();
    const { record, viewer } = await rig.liveWatched();
    await rig.sessions.perform(record.id, { type: "goback", seconds: 0.5 });
    await viewer.until(({ states }) => states.at(-1)?.edge === true);
    expect(await rig.record(record.id)).toMatchObject({ edge: true, anchorSeq: 99 });
    expect(viewer.last).toBe(99);
  });

  test("[LV42] slower than the market waits for new frames, and plays them", async () => {
    await rig.ticker();
    const { record, viewer } = await rig.liveWatched();
    await rig.sessions.perform(record.id, { type: "goback", seconds: 0.2 });
    await rig.sessions.perform(record.id, { type: "speed", value: 0.5 });
    await viewer.until(({ last }) => last === 99);
    for (const last of [100, 105, 110]) {
      await feed.append(last - feed.last);
      await viewer.until((shown) => shown.last === last);
    }
    expect(states(viewer)).not.toContain("PLAYING at the edge");
    expect(framesOf(viewer)).toEqual(range(90, 110));
  });

  test("[LV42] with a range that ends in the future plays up to that time, and ends", async () => {
    await rig.ticker();
    stop = feed.run();
    const { record, viewer } = await rig.liveWatched();
    const tape = await rig.tapes.open(feed.tape);
    const to = tape.iso(tape.span.lastNs + 10 * 20e6);
    const { record: ranged } = await rig.sessions.perform(record.id, { type: "range", to });
    expect(ranged).toMatchObject({ edge: false, state: "PLAYING" });
    await viewer.until(({ states }) => states.at(-1)?.reason === "ended");
    expect(await rig.record(record.id)).toMatchObject({ state: "STOPPED", anchorNs: ranged.toNs });
    // The market may have gone on between the session's making and its range: those frames are of the tape.
    const [first = -1] = framesOf(viewer);
    expect(first).toBeLessThanOrEqual(ranged.anchorSeq + 1);
    expect(framesOf(viewer)).toEqual(range(first, viewer.last));
  });

  test("[LV42] a REPLAY of a growing tape never follows the edge, but plays new frames", async () => {
    await rig.ticker();
    const { record } = await rig.sessions.open(undefined, { tape: feed.tape, max_fps: 0 });
    const viewer = await rig.watch(record.id, { epoch: record.epoch, seq: 0 });
    await rig.sessions.perform(record.id, { type: "start" });
    await viewer.until(({ last }) => last === 99);
    await feed.append(5);
    await viewer.until(({ last }) => last === 104);
    expect(framesOf(viewer)).toEqual(range(1, 104));
    await feed.writer.finish();
    await viewer.until(({ states }) => states.at(-1)?.reason === "ended");
  });
});

describe("a tape that is finished while it is played", () => {
  test("[LV43] plays on, and at its end LIVE follows the edge", async () => {
    await rig.ticker();
    const { record, viewer } = await rig.liveWatched();
    await rig.sessions.perform(record.id, { type: "goback", seconds: 1.5 });
    await viewer.frames(5);
    await feed.writer.finish();
    await viewer.until(({ states }) => states.at(-1)?.edge === true);
    expect(framesOf(viewer)).toEqual(range(25, 99));
    expect(await rig.record(record.id)).toMatchObject({ edge: true, tape: feed.tape, anchorSeq: 99 });
  });
});

test("[LV44] a session whose frames retention has removed goes on at the first remaining frame", async () => {
  await feed.writer.release();
  await rig.redis.del(rig.keys.live("BINANCE", "BTCUSDT"), rig.keys.liveTape("BINANCE", "BTCUSDT"));
  feed = await rig.feed({
    intervalMs: 20,
    settings: { segmentSeconds: 0.5, recentSeconds: 0.5, retentionHours: 1.5 / 3600 },
  });
  await feed.append(50);
  await rig.ticker();
  const { record, viewer } = await rig.liveWatched();
  await rig.sessions.perform(record.id, { type: "goback", seconds: 1 });
  await rig.sessions.perform(record.id, { type: "speed", value: 0.1 });
  stop = feed.run();
  const failovers = () => viewer.states.filter(({ ticker, anchorSeq }) => ticker !== "" && anchorSeq > 40);
  await viewer.until(() => failovers().length >= 2);
  const tape = await rig.tapes.open(feed.tape);
  await viewer.until(({ last }) => last > (failovers().at(-1)?.anchorSeq ?? 0) + 1);
  const [first, next] = failovers();
  expect(next?.anchorSeq).toBeGreaterThan(first?.anchorSeq ?? 0);
  expect(next?.epoch).toBe(first?.epoch);
  expect(viewer.last).toBeGreaterThanOrEqual(tape.span.firstSeq);
});
