import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { type SessionsOnRedis, sessionsOnRedis } from "../testing/sessions-on-redis.js";

let rig: SessionsOnRedis;
beforeEach(() => {
  rig = sessionsOnRedis(inject("redisUrl"));
});
afterEach(() => rig.close());

const part = (name: string, text: string) => new Map([[name, Buffer.from(text)]]);

test("[TR71] [TR73] checkpoints are written if no other process was faster and the session is there, and end with it", async () => {
  const { record } = await rig.sessions.open("a");
  const { checkpoints } = rig.store;
  const key = rig.keys.checkpoints("a");
  const keep = (number: number, of: Partial<Parameters<typeof checkpoints.keep>[0]>) =>
    checkpoints.keep({ record, number, index: `after ${number}`, dropped: [], parts: new Map(), ...of });
  expect(await checkpoints.read("a")).toBeUndefined();
  expect(await keep(0, { record: { id: "a", createdAt: record.createdAt - 1 } })).toBe(false);
  expect(await keep(0, { record: { id: "b", createdAt: record.createdAt } })).toBe(false);
  expect(await rig.redis.exists(key, rig.keys.checkpoints("b"))).toBe(0);

  expect(await keep(0, { dropped: "all", parts: part("head:1", "one") })).toBe(true);
  expect(await checkpoints.read("a")).toEqual({ number: 1, index: "after 0" });
  const before = await rig.redis.hgetall(key);
  expect(await keep(0, { dropped: "all", parts: part("head:9", "late") })).toBe(false);
  expect(await rig.redis.hgetall(key)).toEqual(before);

  expect(await keep(1, { parts: part("head:2", "two") })).toBe(true);
  expect((await checkpoints.parts("a", ["head:2", "head:1", "head:3"])).map((bytes) => bytes && `${bytes}`)).toEqual([
    "two",
    "one",
    null,
  ]);
  expect(await keep(2, { dropped: ["head:1"], parts: part("head:3", "three") })).toBe(true);
  expect(Object.keys(await rig.redis.hgetall(key)).sort()).toEqual(["head:2", "head:3", "index", "number"]);

  await rig.redis.expire(key, 7);
  await rig.sessions.perform("a", { type: "speed", value: 2 });
  expect(await rig.redis.ttl(key)).toBeGreaterThan(7);
  await rig.redis.expire(key, 7);
  await rig.store.touch("a");
  expect(await rig.redis.ttl(key)).toBeGreaterThan(7);
  await rig.sessions.remove("a");
  expect(await rig.redis.exists(key)).toBe(0);
});
