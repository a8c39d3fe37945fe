import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { Deck } from "./deck.js";
import { keysWith } from "./keys.js";
import { LeaseQueue } from "./lease-queue.js";
import { SessionStore } from "./store.js";
import { shelf, steadyTape } from "./testing/synthetic-tape.js";

const keys = keysWith(`test-${randomUUID().slice(0, 8)}`);
let redis: Redis;
let deck: Deck;
let leases: LeaseQueue;
beforeAll(() => {
  redis = new Redis(inject("redisUrl"));
  leases = new LeaseQueue({ redis, keys, queues: 4 });
  const log = {
    info: () => {},
    warn: (...args: unknown[]) => {
      throw new Error(JSON.stringify(args));
    },
  };
  deck = new Deck({ store: new SessionStore(redis, keys), tapes: shelf(steadyTape(100)), leases, log });
});
afterAll(async () => {
  await leases.close();
  await redis.quit();
});

test("smoke", async () => {
  const opened = await deck.open("a", { start: true });
  expect(opened.created).toBe(true);
  const { record } = await deck.perform("a", { type: "pause" });
  expect(record.state).toBe("PAUSED");
  expect(record.rev).toBe(2);
  const sought = await deck.perform("a", { type: "seek", to: { seq: 50 } });
  expect(sought.record.anchorSeq).toBe(50);
  const store = new SessionStore(redis, keys);
  expect(await store.list({ limit: 10 })).toMatchObject({ total: 1 });
  expect(await store.stats()).toMatchObject({ total_sessions: 1, created_total: 1 });
  expect(await store.epochs("a")).toHaveLength(1);
  expect(await deck.remove("a")).toBe(true);
  expect(await redis.keys(`${keys.session("a")}*`)).toEqual([]);
  await expect(deck.perform("a", { type: "pause" })).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
});
