import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeEach, expect, inject, test } from "vitest";
import { defineLiveScripts } from "./scripts.js";

const redis = defineLiveScripts(new Redis(inject("redisUrl")));
afterAll(() => redis.disconnect());

const ttlMs = 60_000;
let events: string;
let feed: string;
beforeEach(async () => {
  events = `${randomUUID()}:{a}:events`;
  feed = `${events}:tape`;
  await redis.hset(feed, { owner: "me", rev: 5, tape: "t@1", stored_seq: -1, last_seq: 3, status: "up" });
});

const append = (firstN: number, nextN: number, { owner = "me", tape = "t@1", keepFrom = 0, through = 0 } = {}) =>
  redis.liveEvents(
    events,
    feed,
    owner,
    tape,
    firstN,
    nextN,
    `events ${firstN} to ${nextN - 1}`,
    keepFrom,
    ttlMs,
    through,
  );

const ids = async () => (await redis.xrange(events, "-", "+")).map(([id]) => id);

async function all(): Promise<unknown> {
  return [await redis.hgetall(feed), await redis.xrange(events, "-", "+")];
}

test("[LT80] a batch lies under the number of the event after it, with its tape, and the feed's hash is as it was otherwise", async () => {
  const before = await redis.hgetall(feed);
  expect(await append(0, 10)).toBe(1);
  expect(await append(10, 12)).toBe(1);
  expect(await redis.xrange(events, "-", "+")).toEqual([
    ["10-1", ["t", "t@1", "m", "events 0 to 9"]],
    ["12-1", ["t", "t@1", "m", "events 10 to 11"]],
  ]);
  expect(await redis.hgetall(feed)).toEqual({ ...before, track_through: "t@1 0" });
  expect(await redis.pttl(events)).toBeGreaterThan(ttlMs / 2);
});

test("[LT96] the feed's hash says up to which frame everything is there, also with a batch without events", async () => {
  const through = () => redis.hget(feed, "track_through");
  expect(await append(0, 10, { through: 3 })).toBe(1);
  expect(await through()).toBe("t@1 3");
  expect(await append(10, 10, { through: 5 })).toBe(1);
  expect([await through(), await ids()]).toEqual(["t@1 5", ["10-1"]]);
  expect(await append(10, 12, { owner: "other", through: 7 })).toBe(0);
  expect(await through()).toBe("t@1 5");
});

test("[LT80] nothing is published", async () => {
  const listener = new Redis(inject("redisUrl"));
  const published: string[] = [];
  await listener.psubscribe("*:{a}*");
  listener.on("pmessage", (_, __, message) => published.push(message));
  expect(await append(0, 10)).toBe(1);
  await redis.publish(events, "the end");
  await expect.poll(() => published).toContain("the end");
  expect(published.filter((message) => message.startsWith("events"))).toEqual([]);
  listener.disconnect();
});

test("[LT81] nothing changes if another writer holds the claim, or the hash is gone or has another tape", async () => {
  await append(0, 10);
  const before = await all();
  expect(await append(10, 12, { owner: "other" })).toBe(0);
  expect(await append(10, 12, { tape: "another@1" })).toBe(-1);
  expect(await all()).toEqual(before);
  await redis.del(feed);
  expect(await append(10, 12)).toBe(-1);
  expect(await ids()).toEqual(["10-1"]);
});

test("[LT82] a batch that is there already is not added again, nor is one that overlaps the last", async () => {
  await append(0, 10);
  await append(10, 12);
  const before = await all();
  expect(await append(0, 10)).toBe(2);
  expect(await append(10, 12)).toBe(2);
  expect(await append(11, 13)).toBe(-1);
  expect(await all()).toEqual(before);
  expect(await append(20, 22)).toBe(1); // numbers that were lost with another writer
});

test("[LT83] batches that need not be kept leave the stream", async () => {
  for (let n = 0; n < 50; n += 10) await append(n, n + 10);
  expect(await append(50, 60, { keepFrom: 40 })).toBe(1);
  expect(await ids()).toEqual(["40-1", "50-1", "60-1"]);
});

test("[LT83] the first batch of another tape removes the events of the former one", async () => {
  await append(0, 10);
  await redis.hset(feed, { tape: "next@1" });
  expect(await append(0, 5, { tape: "next@1" })).toBe(1);
  expect(await redis.xrange(events, "-", "+")).toEqual([["5-1", ["t", "next@1", "m", "events 0 to 4"]]]);
});
