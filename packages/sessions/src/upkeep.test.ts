import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { parseHead } from "./channel.js";
import { type DeckOnRedis, deckOnRedis } from "./testing/deck-on-redis.js";

let on: DeckOnRedis;
beforeEach(() => {
  on = deckOnRedis(inject("redisUrl"), { ttl: 1 });
});
afterEach(async () => {
  expect(on.warnings).toEqual([]);
  await on.close();
});

/** Waits until Redis has dropped the hash and the index says that it should. */
async function expired(id: string): Promise<void> {
  await vi.waitUntil(async () => {
    const due = await on.redis.zcount(on.keys.expiry, 0, await on.store.now());
    return (await on.redis.exists(on.keys.session(id))) === 0 && due > 0;
  }, 5000);
}

describe("expired sessions", () => {
  test("[S11] [S12] are counted once, leave nothing, and whoever listens is told", async () => {
    const { record } = await on.deck.open("a", { start: true, createdBy: "192.0.2.7" });
    await on.deck.perform("a", { type: "seek", to: { seq: 3 } });
    await on.store.touch("a", "gateway-1", 1);
    await on.redis.hset(on.keys.shares("a"), "link", "{}");
    const heard = await on.listen(on.keys.sessionChannel("a"));
    await expired("a");
    const [first, second] = await Promise.all([on.upkeep.sweepExpired(), on.upkeep.sweepExpired()]);
    expect(first + second).toBe(1);
    expect(await on.upkeep.sweepExpired()).toBe(0);
    await vi.waitUntil(() => heard.length === 1);
    const head = parseHead(heard[0] ?? Buffer.alloc(0));
    expect(head).toMatchObject({ kind: "D", cause: "expired" });
    expect(head?.epoch).toBeGreaterThan(record.epoch);
    await vi.waitUntil(async () => (await on.allKeys()).every((key) => key.startsWith(on.keys.stats)), 5000);
    const stats = await on.store.stats();
    expect(stats).toMatchObject({ total_sessions: 0, expired_total: 1, deleted_total: 0 });
    expect(stats.average_session_duration_seconds).toBeGreaterThanOrEqual(1);
  });

  test("[S9] [S12] are counted before their id is made again", async () => {
    const former = await on.deck.open("a");
    await expired("a");
    const later = await on.deck.open("a");
    expect(later).toMatchObject({ created: true });
    expect(later.record.epoch).toBeGreaterThan(former.record.epoch);
    expect(await on.store.stats()).toMatchObject({ total_sessions: 1, created_total: 2, expired_total: 1 });
    expect(await on.upkeep.sweepExpired()).toBe(0);
  });

  test("[S9] what tells that one has expired does not end the next of its id", async () => {
    await on.deck.open("a");
    await expired("a");
    const heard = await on.listen(on.keys.sessionChannel("a"));
    const { record } = await on.deck.open("a");
    await vi.waitUntil(() => heard.length === 1);
    expect(parseHead(heard[0] ?? Buffer.alloc(0))?.epoch).toBeLessThan(record.epoch);
  });

  test("[S14] one that lives on keeps its entry, mended", async () => {
    const { record } = await on.deck.open("a");
    await on.redis.zadd(on.keys.expiry, 1, "a");
    expect(await on.upkeep.sweepExpired()).toBe(0);
    expect(Number(await on.redis.zscore(on.keys.expiry, "a"))).toBe(record.lastActivity + 1000);
  });
});

describe("orphans", () => {
  test("[L4] get a ticker asked for, as long as none lives", async () => {
    await on.deck.open("waiting", { start: true });
    await on.deck.open("paused", { start: true });
    await on.deck.perform("paused", { type: "pause" });
    await on.deck.open("served", { start: true });
    await on.deck.perform("served", { type: "claim", node: "ticker-1" });
    await on.deck.open("tapeless", { mode: "LIVE" });
    on.requested.length = 0;
    expect(await on.upkeep.requeueOrphans()).toBe(1);
    expect(on.requested).toEqual(["waiting-1"]);
    await on.redis.hset(on.keys.session("served"), "ticker_seen_ms", (await on.store.now()) - 3001);
    expect(await on.upkeep.requeueOrphans()).toBe(2);
    expect(on.requested).toContain("served-2");
  });

  test("[S11] [L4] an entry without a session goes", async () => {
    await on.redis.zadd(on.keys.state("PLAYING"), 5, "ghost");
    await on.redis.zadd(on.keys.created, 5, "ghost");
    expect(await on.upkeep.requeueOrphans()).toBe(0);
    expect(await on.allKeys()).toEqual([]);
  });

  test("[L4] all are found, however many", async () => {
    await Promise.all(Array.from({ length: 450 }, (_, at) => on.deck.open(`s${at}`, { start: true })));
    on.requested.length = 0;
    expect(await on.upkeep.requeueOrphans()).toBe(450);
    expect(new Set(on.requested).size).toBe(450);
  });
});
