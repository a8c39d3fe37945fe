import { frame, fullBook } from "@tapedeck/protocol";
import { MemoryTapeStore, TapeCatalog } from "@tapedeck/tape";
import { describe, expect } from "vitest";
import { type TestCluster, test } from "../support/cluster.js";
import "../support/expect.js";
import type { SeenFrame, Viewer } from "../support/viewer.js";

/** A SIMULATION session and a socket that watches it; calls alternate between apis and gateways. */
async function simulate(cluster: TestCluster, body: Record<string, unknown>): Promise<{ id: string; viewer: Viewer }> {
  const { session_id: id } = await cluster.http.create({ mode: "SIMULATION", max_fps: 0, ...body });
  return { id, viewer: await cluster.watch(id) };
}

const bytes = (frames: readonly SeenFrame[]) => new Map(frames.map(({ seq, json }) => [seq, json]));

describe("simulated markets on a cluster", () => {
  test("[SM30] one seed is the same market byte for byte on any node, at any speed, and after a ticker's death", async ({
    cluster,
  }) => {
    const market = { seed: 4_711, scenario: "mixed" };
    const slow = await simulate(cluster, { ...market, speed: 2 });
    const fast = await simulate(cluster, { ...market, speed: 20 });
    const other = await simulate(cluster, { ...market, seed: 4_712 });
    await Promise.all([slow.viewer.next(20), fast.viewer.next(200), other.viewer.next(10)]);

    const { ticker } = await cluster.record(fast.id);
    const victim = cluster.tickers.find(({ name }) => ticker.startsWith(`${name}-`));
    if (victim === undefined) throw new Error(`no ticker ${ticker}`);
    cluster.signal(victim, "SIGKILL");
    // Over the border of the first segment, and of the second.
    await fast.viewer.until(() => fast.viewer.lastSeq > 1_250, "frame 1,250", 60_000);
    await slow.viewer.until(() => slow.viewer.lastSeq > 60, "frame 60");

    const catalog = new TapeCatalog(new MemoryTapeStore(), { cacheBytes: 32 << 20 });
    const tape = await catalog.open("sim2.BTCUSDT.4711.mixed");
    for (const { viewer } of [slow, fast]) {
      expect(viewer.frames).toHaveConsecutiveSeqs();
      for (const [seq, json] of bytes(viewer.live)) expect(json).toBe((await tape.load(seq)).json(seq));
    }
    const [one, another] = [bytes(slow.viewer.live), bytes(other.viewer.live)];
    const shared = [...one.keys()].filter((seq) => another.has(seq));
    expect(shared.length).toBeGreaterThan(5);
    for (const seq of shared) expect(another.get(seq)).not.toBe(one.get(seq));
    for (const { id, viewer } of [slow, fast, other]) await cluster.end({ id, viewers: [viewer] });
    await cluster.untilAllReady();
  });

  test("[SM31] a change of mode starts playing at once, and a seek a day ahead shows its frame", async ({
    cluster,
  }) => {
    const { session_id: id } = await cluster.http.create({});
    const viewer = await cluster.watch(id);
    const answer = await cluster.http.call("POST", `/mode/${id}`, { mode: "SIMULATION" });
    expect(answer.body).toMatchObject({ status: "success", mode: "SIMULATION", state: "PLAYING" });
    await viewer.next(5);
    const before = viewer.frames.length;
    const began = performance.now();
    const { epoch } = await cluster.http.control(id, "seek", { seq: 864_000 });
    await viewer.until(
      () => viewer.frames.slice(before).some((frame) => frame.epoch === epoch),
      "a frame of the next day",
    );
    cluster.note(`  a seek 24 h ahead showed its frame after ${Math.round(performance.now() - began)} ms`);
    expect(viewer.frames.find((frame) => frame.epoch === epoch)?.seq).toBe(864_000);
    await cluster.http.control(id, "goback/3600");
    await viewer.next(5);
    expect(viewer.frames.every(({ seq }) => seq <= 864_100)).toBe(true);
    expect(await cluster.http.refused("POST", `/mode/${id}`, { mode: "SIMULATION", scenario: "chaos" })).toEqual({
      status: 422,
      code: "INVALID_VALUE",
    });
    await cluster.end({ id, viewers: [viewer] });
  });

  test("[A125] [ET61] the whole book at the playhead is the same on any node, and behind the frame's levels", async ({
    cluster,
  }) => {
    const { id, viewer } = await simulate(cluster, { seed: 4_711, scenario: "mixed" });
    await viewer.next(5);
    await cluster.http.control(id, "pause");
    await cluster.http.control(id, "seek", { seq: 90_000 });
    const books = [];
    for (const _ of cluster.apis) {
      const { body } = await cluster.http.call("GET", `/sessions/${id}/book?depth=1000`);
      books.push(fullBook.parse(body));
    }
    const [book] = books;
    expect(books).toEqual(cluster.apis.map(() => book));
    expect([book?.seq, (book?.bids.length ?? 0) > 20]).toEqual([90_000, true]);
    await viewer.until(() => viewer.lastSeq === 90_000, "frame 90,000");
    const { bids } = frame.parse(JSON.parse(viewer.frames.at(-1)?.json ?? ""));
    expect(book?.bids.slice(0, 10).map(([price, size]) => [Number(price), Number(size)])).toEqual(bids.slice(0, 10));
    await cluster.end({ id, viewers: [viewer] });
  });
});
