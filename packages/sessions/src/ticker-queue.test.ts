import { randomUUID } from "node:crypto";
import { connectRedis, createLogger, untilReady } from "@tapedeck/runtime";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { RedisClusterServers } from "../../../test/support/redis-cluster.js";
import { keysWith } from "./redis/keys.js";
import { TickerQueue, tickerJobId, tickerQueueNames, tickerQueueOf } from "./ticker-queue.js";

const keys = keysWith(`test-${randomUUID()}`);
let redis: Redis;
let tickerQueue: TickerQueue;
beforeEach(() => {
  redis = new Redis(inject("redisUrl"));
  tickerQueue = new TickerQueue({ redis, keys, queues: 4 });
});
afterEach(async () => {
  await tickerQueue.close();
  const left = await redis.keys(`${keys.bullPrefix}:*`);
  if (left.length > 0) await redis.del(left);
  await redis.quit();
});

test("[L3] asking twice for the same revision makes one job, in the queue of the session", async () => {
  const session = { id: "session_1735900000000_ab12:cd", rev: 7 };
  await tickerQueue.request(session);
  await tickerQueue.request(session);
  const queue = new Queue(tickerQueueOf(session.id, tickerQueueNames(4)) ?? "", {
    connection: redis,
    prefix: keys.bullPrefix,
  });
  const jobs = await queue.getJobs();
  expect(jobs.map(({ id, data }) => [id, data])).toEqual([[tickerJobId(session), { sessionId: session.id }]]);
  expect(jobs[0]?.id).not.toContain(":");
  await tickerQueue.request({ ...session, rev: 8 });
  expect(await queue.count()).toBe(2);
  await queue.close();
});

test("[L3] sessions spread over all queues", () => {
  const counts = new Map<string, number>(tickerQueueNames(4).map((name) => [name, 0]));
  for (let at = 0; at < 1000; at++) {
    const name = tickerQueueOf(`session-${at}`, tickerQueueNames(4)) ?? "";
    counts.set(name, (counts.get(name) ?? Number.NaN) + 1);
  }
  for (const count of counts.values()) expect(count).toBeGreaterThan(200);
});

test("[L70] on a Redis Cluster a session's lease lies on the session's own master", async () => {
  const servers = await RedisClusterServers.start({ masters: 3 });
  const log = createLogger({ service: "test", node: "test", level: "silent" });
  const cluster = connectRedis({ url: servers.url, purpose: "commands", name: "test", log });
  const asking = new TickerQueue({ redis: cluster, keys, queues: 4 });
  try {
    await untilReady(cluster);
    const found: [number, number][] = [];
    for (let at = 0; at < 30; at++) {
      const session = { id: `session-${at}`, rev: 1 };
      await asking.request(session);
      const keysOfJobs = tickerQueueNames(4).map((name) => `${keys.bullPrefix}:${name}:${tickerJobId(session)}`);
      const there = await Promise.all(keysOfJobs.map((key) => cluster.exists(key)));
      expect(there.filter((one) => one === 1)).toHaveLength(1);
      const job = keysOfJobs[there.indexOf(1)] ?? "";
      found.push([await servers.masterOf(keys.session(session.id)), await servers.masterOf(job)]);
    }
    for (const [session, job] of found) expect(job).toBe(session);
    expect(new Set(found.flat()).size).toBe(3);
  } finally {
    await asking.close();
    cluster.disconnect();
    await servers.stop();
  }
});
