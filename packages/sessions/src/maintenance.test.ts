import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { soon } from "../../../test/support/soon.js";
import { parseHead } from "./store/channel.js";
import { type SessionsOnRedis, sessionsOnRedis } from "./testing/sessions-on-redis.js";

let rig: SessionsOnRedis;

function openRig(ttl: number): void {
  beforeEach(() => {
    rig = sessionsOnRedis(inject("redisUrl"), { ttl });
  });
}

afterEach(async () => {
  expect(rig.warnings).toEqual([]);
  await rig.close();
});

/** Waits until Redis has dropped the hash and the index says that it should. */
async function expired(id: string): Promise<void> {
  await vi.waitUntil(async () => {
    const due = await rig.redis.zcount(rig.keys.expiry, 0, await rig.store.now());
    return (await rig.redis.exists(rig.keys.session(id))) === 0 && due > 0;
  }, soon);
}

describe("expired sessions", () => {
  openRig(1);

  test("[S11] [S12] are counted once, leave no keys, and notify subscribers", async () => {
    const { record } = await rig.sessions.open("a", { start: true, createdBy: "192.0.2.7" });
    await rig.sessions.perform("a", { type: "seek", to: { seq: 3 } });
    await rig.store.touch("a", "gateway-1", 1);
    await rig.redis.hset(rig.keys.shares("a"), "link", "{}");
    const received = await rig.listen(rig.keys.sessionChannel("a"));
    await expired("a");
    const [first, second] = await Promise.all([rig.maintenance.sweepExpired(), rig.maintenance.sweepExpired()]);
    expect(first + second).toBe(1);
    expect(await rig.maintenance.sweepExpired()).toBe(0);
    await vi.waitUntil(() => received.length === 1, soon);
    const head = parseHead(received[0] ?? Buffer.alloc(0));
    expect(head).toMatchObject({ kind: "D", cause: "expired" });
    expect(head?.epoch).toBeGreaterThan(record.epoch);
    await vi.waitUntil(async () => (await rig.allKeys()).every((key) => key.startsWith(rig.keys.stats)), soon);
    const stats = await rig.store.stats();
    expect(stats).toMatchObject({ total_sessions: 0, expired_total: 1, deleted_total: 0 });
    expect(stats.average_session_duration_seconds).toBeGreaterThanOrEqual(1);
  });

  test("[S9] [S12] are counted before their id is created again", async () => {
    const former = await rig.sessions.open("a");
    await expired("a");
    const later = await rig.sessions.open("a");
    expect(later).toMatchObject({ created: true });
    expect(later.record.epoch).toBeGreaterThan(former.record.epoch);
    expect(await rig.store.stats()).toMatchObject({ total_sessions: 1, created_total: 2, expired_total: 1 });
    expect(await rig.maintenance.sweepExpired()).toBe(0);
  });

  test("[S9] the notification of an expiry does not end the next session with that id", async () => {
    await rig.sessions.open("a");
    await expired("a");
    const received = await rig.listen(rig.keys.sessionChannel("a"));
    const { record } = await rig.sessions.open("a");
    await vi.waitUntil(() => received.length === 1, soon);
    expect(parseHead(received[0] ?? Buffer.alloc(0))?.epoch).toBeLessThan(record.epoch);
  });

  test("[S14] the index entry of a session that still exists is repaired", async () => {
    const { record } = await rig.sessions.open("a");
    await rig.redis.zadd(rig.keys.expiry, 1, "a");
    expect(await rig.maintenance.sweepExpired()).toBe(0);
    expect(Number(await rig.redis.zscore(rig.keys.expiry, "a"))).toBe(record.lastActivity + 1000);
  });
});

describe("orphans", () => {
  openRig(3600);

  test("[L4] get a ticker requested while they have no live one", async () => {
    await rig.sessions.open("waiting", { start: true });
    await rig.sessions.open("paused", { start: true });
    await rig.sessions.perform("paused", { type: "pause" });
    await rig.sessions.open("served", { start: true });
    await rig.sessions.perform("served", { type: "claim", node: "ticker-1" });
    await rig.sessions.open("tapeless", { mode: "LIVE" });
    rig.requested.length = 0;
    expect(await rig.maintenance.requeueOrphans()).toBe(1);
    expect(rig.requested).toEqual(["waiting-1"]);
    await rig.redis.hset(rig.keys.session("served"), "ticker_seen_ms", (await rig.store.now()) - 7501);
    expect(await rig.maintenance.requeueOrphans()).toBe(2);
    expect(rig.requested).toContain("served-2");
  });

  test("[S11] [L4] an index entry without a session is removed", async () => {
    await rig.redis.zadd(rig.keys.state("PLAYING"), 5, "ghost");
    await rig.redis.zadd(rig.keys.created, 5, "ghost");
    expect(await rig.maintenance.requeueOrphans()).toBe(0);
    expect(await rig.allKeys()).toEqual([]);
  });

  test("[L4] all are found, however many there are", async () => {
    await Promise.all(Array.from({ length: 450 }, (_, at) => rig.sessions.open(`s${at}`, { start: true })));
    rig.requested.length = 0;
    expect(await rig.maintenance.requeueOrphans()).toBe(450);
    expect(new Set(rig.requested).size).toBe(450);
  });
});
