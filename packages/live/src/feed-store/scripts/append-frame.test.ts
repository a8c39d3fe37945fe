import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeEach, expect, inject, test } from "vitest";
import { defineLiveScripts } from "./scripts.js";

const redis = defineLiveScripts(new Redis(inject("redisUrl")));
afterAll(() => redis.disconnect());

let live: string;
let feed: string;
beforeEach(async () => {
  live = `${randomUUID()}:{a}`;
  feed = `${live}:tape`;
  await redis.hset(feed, { owner: "me", rev: 5, tape: "", stored_seq: -1, last_seq: -1, status: "up" });
});

const append = (seq: number, { owner = "me", tape = "t@1", keepFrom = 0, fields = [] as string[] } = {}) =>
  redis.liveAppend(live, feed, owner, tape, seq, `frame ${seq}`, keepFrom, ...fields);

async function all(): Promise<unknown> {
  return [await redis.hgetall(feed), await redis.xrange(live, "-", "+")];
}

async function begin(frames: number): Promise<void> {
  await append(0, { fields: ["tape", "t@1"] });
  for (let seq = 1; seq < frames; seq++) await append(seq);
}

test("[LT2] the first frame begins the tape and replaces the frames of the former one", async () => {
  await redis.xadd(live, "77-1", "m", "of another tape");
  expect(await append(0, { fields: ["tape", "t@1", "start_ns", "42"] })).toBe(1);
  expect(await redis.xrange(live, "-", "+")).toEqual([["0-1", ["m", "frame 0"]]]);
  expect(await redis.hgetall(feed)).toMatchObject({ tape: "t@1", start_ns: "42", last_seq: "0", status: "up" });
});

test("[LT2] nothing changes if another writer holds the claim, or a frame, the stream or the hash is missing", async () => {
  await begin(3);
  const before = await all();
  expect(await append(3, { owner: "other" })).toBe(0);
  expect(await append(4)).toBe(-1);
  expect(await append(3, { tape: "another@1" })).toBe(-1);
  expect(await append(0, { tape: "another@1", fields: ["tape", "another@1"] })).toBe(-1);
  expect(await all()).toEqual(before);
  await redis.del(live);
  expect(await append(3)).toBe(-1);
  expect(await redis.exists(live)).toBe(0);
  await redis.del(feed);
  expect(await append(3)).toBe(-1);
  expect(await redis.exists(feed)).toBe(0);
});

test("[LT2] a frame that is there already is neither added again nor published", async () => {
  await begin(3);
  const before = await all();
  const listener = new Redis(inject("redisUrl"));
  const published: string[] = [];
  await listener.subscribe(live);
  listener.on("message", (_, message) => published.push(message));
  for (const seq of [0, 1, 2]) expect(await append(seq)).toBe(2);
  expect(await all()).toEqual(before);
  expect(await append(3)).toBe(1);
  await expect.poll(() => published).toEqual(["frame 3"]);
  listener.disconnect();
});

test("[LT9] fields that change with a frame raise the revision and are published before it", async () => {
  const listener = new Redis(inject("redisUrl"));
  const published: string[] = [];
  await listener.subscribe(live);
  listener.on("message", (_, message) => published.push(message));
  await append(0, { fields: ["tape", "t@1", "reason", 'a "b"'] });
  await append(1);
  await expect.poll(() => published.length).toBe(3);
  const [change = "", ...frames] = published;
  const [, rev, json = ""] = /^1 U (\d+)\n(.*)$/.exec(change) ?? [];
  expect(JSON.parse(json)).toMatchObject({ rev, tape: "t@1", reason: 'a "b"', last_seq: "0" });
  expect(frames).toEqual(["frame 0", "frame 1"]);
  expect(await redis.hget(feed, "rev")).toBe(rev);
  listener.disconnect();
});

test("[LT7] only stored frames leave the stream, and only those before the recent ones", async () => {
  await begin(10);
  const first = async () => (await redis.xrange(live, "-", "+", "COUNT", 1))[0]?.[0];
  await append(10, { keepFrom: 8 });
  expect(await first()).toBe("0-1");
  await redis.hset(feed, "stored_seq", 4);
  await append(11, { keepFrom: 3 });
  expect(await first()).toBe("3-1");
  await append(12, { keepFrom: 9 });
  expect(await first()).toBe("5-1");
});
