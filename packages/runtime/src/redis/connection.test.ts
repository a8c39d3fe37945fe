import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { expect, inject, test } from "vitest";
import { corkWrites } from "./connection.js";

test("corked commands go out in one write, are answered in order, and the connection stays usable", async () => {
  const redis = new Redis(inject("redisUrl"));
  const key = `test-${randomBytes(6).toString("hex")}`;
  try {
    await redis.ping();
    const before = redis.stream.bytesWritten;
    const answers = corkWrites(redis, () => {
      const sent = Array.from({ length: 100 }, () => redis.incr(key));
      expect(redis.stream.writableLength).toBeGreaterThan(0); // all of it is kept back
      return Promise.all(sent);
    });
    expect(await answers).toEqual(Array.from({ length: 100 }, (_, nth) => nth + 1));
    expect(redis.stream.bytesWritten).toBeGreaterThan(before);
    expect(() =>
      corkWrites(redis, () => {
        throw new Error("broken");
      }),
    ).toThrow("broken");
    expect(await redis.del(key)).toBe(1);
  } finally {
    redis.disconnect();
  }
});
