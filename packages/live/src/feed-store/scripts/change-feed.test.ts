import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeEach, expect, inject, test } from "vitest";
import { defineLiveScripts } from "./scripts.js";

const redis = defineLiveScripts(new Redis(inject("redisUrl")));
afterAll(() => redis.disconnect());

let live: string;
let feed: string;
beforeEach(() => {
  live = `${randomUUID()}:{a}`;
  feed = `${live}:tape`;
});

const change = (owner: string, rev: number | "", after: "" | "clear" | "remove", ...fields: string[]) =>
  redis.liveChange(live, feed, owner, rev, after, ...fields);

test("[LT1] changes nothing if owner or revision are not as expected", async () => {
  await redis.hset(feed, { owner: "me", rev: 5, status: "up" });
  await redis.xadd(live, "0-1", "m", "x");
  const before = await redis.hgetall(feed);
  expect(await change("other", "", "clear", "status", "down")).toBe(0);
  expect(await change("", 4, "clear", "status", "down")).toBe(0);
  expect(await change("me", 0, "remove", "status", "down")).toBe(0);
  expect(await redis.hgetall(feed)).toEqual(before);
  expect(await redis.xlen(live)).toBe(1);
});

test("[LT1] reports a missing hash, and creates one only for a caller that expects none", async () => {
  expect(await change("me", "", "", "status", "down")).toBe(-1);
  expect(await change("", 7, "", "status", "down")).toBe(-1);
  expect(await redis.exists(feed)).toBe(0);
  expect(await change("", 0, "", "owner", "me")).toEqual(expect.arrayContaining(["owner", "me"]));
});

test("[LT9] raises the revision even if it is ahead of the clock, and replaces @now by Redis's time", async () => {
  const ahead = Date.now() + 1_000_000;
  await redis.hset(feed, { owner: "me", rev: ahead });
  await change("me", ahead, "", "since", "@now");
  const { rev, since } = await redis.hgetall(feed);
  expect(Number(rev)).toBe(ahead + 1);
  expect(Math.abs(Number(since) - Date.now())).toBeLessThan(60_000);
});

test("[LT9] a removed hash expires when its revision cannot be ahead of the clock any more, unless it is used again", async () => {
  await change("", 0, "", "owner", "me");
  await redis.xadd(live, "0-1", "m", "x");
  await change("me", "", "remove", "tape", "");
  expect(await redis.exists(live)).toBe(0);
  expect(await redis.pttl(feed)).toBeGreaterThan(0);
  await change("", "", "", "owner", "you");
  expect(await redis.pttl(feed)).toBe(-1);
});
