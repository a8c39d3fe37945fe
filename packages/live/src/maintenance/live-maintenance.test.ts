import { parseTapeName } from "@tapedeck/tape";
import { Queue } from "bullmq";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { feedJobId, feedQueueName } from "../feed-store/feed-queue.js";
import { claimTimeoutMs, isClaimed } from "../feed-store/feed-state.js";
import { appendAll, Rig, recorded, someFrames, source, startNs, symbol } from "../testing/rig.js";
import { LiveMaintenance } from "./live-maintenance.js";

let rig: Rig;
beforeEach(() => {
  rig = new Rig(inject("redisUrl"));
});
afterEach(() => rig.close());

const user = { session: "session", owner: "user one" };
const another = { session: "another", owner: "user one" };
const maintenance = (orphanAfterMs?: number) =>
  new LiveMaintenance({ ...rig, ...(orphanAfterMs !== undefined && { orphanAfterMs }) });
const now = async () => {
  const [seconds = 0, micros = 0] = await rig.redis.time();
  return Number(seconds) * 1000 + Number(micros) / 1000;
};

async function jobs(): Promise<(string | undefined)[]> {
  const queue = new Queue(feedQueueName, { connection: rig.redis, prefix: rig.keys.bullPrefix });
  const ids = (await queue.getJobs()).map(({ id }) => id);
  await queue.close();
  return ids;
}

describe("a request for a feed", () => {
  test("[LT70] lasts for the linger time, and never shortens a longer one", async () => {
    const before = await now();
    await rig.process({ lingerMs: 30_000 }).live.requestFeed(source, symbol, user);
    const { demandedUntil, demanded } = await maintenance().inspect(source, symbol);
    expect(demanded).toBe(true);
    expect(demandedUntil).toBeGreaterThanOrEqual(Math.floor(before) + 30_000);
    expect(demandedUntil).toBeLessThanOrEqual((await now()) + 30_000);
    await rig.process({ lingerMs: 1_000 }).live.requestFeed(source, symbol, user);
    expect(await maintenance().inspect(source, symbol)).toMatchObject({ demandedUntil });
  });

  test("[LT71] requests a worker if the feed has no valid claim, once per revision of the feed", async () => {
    const { live } = rig.process();
    await Promise.all([
      live.requestFeed(source, symbol, user),
      live.requestFeed(source, symbol, user),
      rig.process().live.requestFeed(source, symbol, user),
    ]);
    expect(await jobs()).toEqual([feedJobId({ source, symbol }, 0)]);

    const writer = await rig.claim();
    await live.requestFeed(source, symbol, user);
    expect(await jobs()).toHaveLength(1);
    await writer.release();
    await Promise.all([live.requestFeed(source, symbol, user), live.requestFeed(source, symbol, user)]);
    const { state } = await maintenance().inspect(source, symbol);
    expect((await jobs()).sort()).toEqual([feedJobId(state, 0), feedJobId(state, state.rev)].sort());
  });

  test("[LT72] shows the feed as connecting until a writer publishes its status, and again when the claim has expired", async () => {
    const { live } = rig.process();
    await live.requestFeed("SIM", "ETHUSDT", user);
    expect(await live.feedsInDemand()).toMatchObject([
      { source: "SIM", symbol: "ETHUSDT", tape: "", status: { status: "connecting" } },
    ]);
    const writer = await rig.claim({ symbol: "ETHUSDT" });
    await writer.publishStatus({ status: "down", reason: "no such instrument" });
    expect(await live.feedsInDemand()).toMatchObject([{ status: { status: "down", reason: "no such instrument" } }]);
    await writer.publishStatus({ status: "up" });
    expect(await live.feedsInDemand()).toMatchObject([{ status: { status: "up" }, node: "feed-1" }]);
    await rig.redis.hincrby(rig.keys.liveTape("SIM", "ETHUSDT"), "seen_ms", -claimTimeoutMs);
    const [state = expect.fail()] = await live.feedsInDemand();
    expect(state.status).toMatchObject({ status: "connecting", reason: expect.stringContaining("No worker") });
    expect(isClaimed(state, await now())).toBe(false);
  });
});

describe("maintenance", () => {
  test("[LT73] inspects each feed that is in demand or has a hash", async () => {
    const { live } = rig.process();
    await live.requestFeed("SIM", "A", user);
    const b = await rig.claim({ symbol: "B" });
    await live.requestFeed("SIM", "B", another);
    const c = await rig.claim({ symbol: "C" });
    await c.release();
    const summaries = await maintenance().inspectAll();
    const short = summaries.map(({ state, demanded, claimed }) => [state.symbol, demanded, claimed, state.rev > 0]);
    expect(short.sort()).toEqual([
      ["A", true, false, false],
      ["B", true, true, true],
      ["C", false, false, true],
    ]);
    expect(await maintenance().inspect("SIM", "D")).toMatchObject({
      demandedUntil: 0,
      demanded: false,
      claimed: false,
      state: { rev: 0 },
    });
    await b.finish();
    await c.finish();
  });

  test("[LT73] removes demand and claims that ended long ago, and nothing else", async () => {
    const { live } = rig.process();
    await live.requestFeed("SIM", "A", user);
    await rig.redis.zadd(rig.keys.liveWanted, 1_000, "SIM:OLD", (await now()) - 1_000, "SIM:LATELY");
    await rig.redis.zadd(rig.keys.liveFeeds, 1_000, "SIM:OLD", Math.floor(await now()), "SIM:CLAIMING");
    await maintenance().inspectAll();
    expect((await rig.redis.zrange(rig.keys.liveWanted, "0", "-1")).sort()).toEqual(["SIM:A", "SIM:LATELY"]);
    expect(await rig.redis.zrange(rig.keys.liveFeeds, "0", "-1")).toEqual(["SIM:CLAIMING"]);
  });

  test("[LT62] finishes a tape that no feed continues, and leaves the others alone", async () => {
    const writer = await rig.claim({ settings: { segmentSeconds: 6 } });
    await appendAll(writer, someFrames(0, 200));
    await writer.settled();
    expect(await maintenance(0).finishOrphans()).toEqual([]);
    expect(await rig.store.tapesWithSegments()).toHaveLength(1);
    await rig.redis.del(rig.keys.live(source, symbol), rig.keys.liveTape(source, symbol));
    expect(await writer.append(someFrames(200, 201)[0] ?? expect.fail(), startNs)).toBe("lost");
    const next = await rig.claim({ settings: { segmentSeconds: 6 } });
    await appendAll(next, someFrames(0, 200));
    await next.settled();
    expect(await maintenance(0).finishOrphans()).toEqual([writer.tape]);
    expect(await maintenance(0).finishOrphans()).toEqual([]);
    expect((await recorded(rig.store, parseTapeName(writer.tape).id)).span).toMatchObject({
      firstSeq: 0,
      lastSeq: 199,
    });
    expect(await rig.store.tapesWithSegments()).toEqual([parseTapeName(next.tape).id]);
    await appendAll(next, someFrames(200, 210));
  });

  test("[LT62] waits while a writer may still be storing a segment", async () => {
    const writer = await rig.claim({ settings: { segmentSeconds: 6 } });
    await appendAll(writer, someFrames(0, 200));
    await writer.settled();
    await rig.redis.del(rig.keys.live(source, symbol), rig.keys.liveTape(source, symbol));
    expect(await maintenance().finishOrphans()).toEqual([]);
    expect(await rig.store.tapesWithSegments()).toHaveLength(1);
  });

  test("[LT62] removes the left-over segments of a finished tape", async () => {
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 20));
    await writer.finish();
    const { id } = parseTapeName(writer.tape);
    const draft = await rig.store.segments(id).begin("0-63-0"); // a writer that was fenced long ago continues
    await draft.append("manifest.json", Buffer.from("{}"));
    await draft.commit();
    expect(await maintenance(0).finishOrphans()).toEqual([]);
    expect((await recorded(rig.store, id)).span.lastSeq).toBe(19);
  });
});
