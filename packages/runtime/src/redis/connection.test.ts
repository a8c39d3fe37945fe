import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { expect, inject, test } from "vitest";
import { corkWrites } from "./connection.js";
import { AsciiPublish, publishHead } from "./pubsub.js";

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

test("an ASCII message arrives as it was, on a channel with any name, among other commands", async () => {
  const [redis, subscriber] = [new Redis(inject("redisUrl")), new Redis(inject("redisUrl"))];
  const channel = `prüf-${randomBytes(6).toString("hex")}`;
  try {
    await subscriber.subscribe(channel);
    const messages: string[] = [];
    subscriber.on("message", (_, message) => messages.push(message));
    const sent = ["", "x", `1 F 2 3\n${"y".repeat(70_000)}`];
    const replies = await corkWrites(redis, () =>
      Promise.all(
        sent.flatMap((message) => [
          new Promise((resolve, reject) => {
            const publish = new AsciiPublish(publishHead(channel), message, (error, reply) =>
              error ? reject(error) : resolve(reply),
            );
            redis.sendCommand(publish);
          }),
          redis.echo("between"),
        ]),
      ),
    );
    expect(replies).toEqual([1, "between", 1, "between", 1, "between"]);
    await expect.poll(() => messages).toEqual(sent);
  } finally {
    redis.disconnect();
    subscriber.disconnect();
  }
});
