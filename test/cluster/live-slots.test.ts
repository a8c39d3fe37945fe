import { LiveMaintenance, LiveTapes, LiveTapeWriter } from "@tapedeck/live";
import type { FrameParts } from "@tapedeck/market";
import { createLogger } from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { BlockCache, MemoryTapeStore, TapeCatalog } from "@tapedeck/tape";
import { testFrames } from "@tapedeck/tape/testing";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type RedisServer, startRedisServer } from "../support/redis-server.js";

// A cluster of one node has all slots, and like a real one refuses a script whose keys lie in two of them.
let server: RedisServer;
const connections: Redis[] = [];
beforeAll(async () => {
  server = await startRedisServer(["--cluster-enabled", "yes"]);
  const admin = connect();
  await admin.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  await vi.waitUntil(async () => String(await admin.cluster("INFO")).includes("cluster_state:ok"), { timeout: 20_000 });
});
afterAll(async () => {
  for (const connection of connections) connection.disconnect();
  await server.stop();
});

function connect(): Redis {
  const redis = new Redis(server.url, { maxRetriesPerRequest: null });
  connections.push(redis);
  return redis;
}

test("[LT1] [LT20] [LT60] [LT71] a feed's keys share a slot of a Redis Cluster, and each script stays within one", async () => {
  const [redis, subscriber] = [connect(), connect()];
  const keys = keysWith("slots");
  const store = new MemoryTapeStore();
  const cache = new BlockCache(8 << 20);
  const log = createLogger({ service: "test", node: "test", level: "silent" });
  const feed = { source: "KRAKEN", symbol: "XBT/USD" };
  const live = new LiveTapes({ redis, subscriber, keys, store, cache, log });
  const tapes = new TapeCatalog(store, { cacheBytes: 8 << 20, cache, live });
  const precision = { priceDecimals: 2, sizeDecimals: 3 };
  const options = {
    redis,
    keys,
    store,
    ...feed,
    node: "feed-1",
    decimals: 3,
    intervalMs: 100,
    precision,
    log,
  } as const;

  await live.requestFeed(feed.source, feed.symbol, { session: "session", owner: "user" });
  const received: number[] = [];
  let open = "";
  live.follow(feed.source, feed.symbol, {
    frame: (_, seq) => void received.push(seq),
    state: ({ tape }) => {
      open = tape;
    },
  });
  const writer = await LiveTapeWriter.claim({ ...options, settings: { segmentSeconds: 5, recentSeconds: 5 } });
  const frames = [...testFrames({ frames: 300 })];
  const append = (frame: FrameParts) => writer.append(frame, 1_723_118_400_000_000_000n);
  const outcomes = await Promise.all(frames.slice(0, 10).map(append));
  await expect.poll(() => open).toBe(writer.tape);
  outcomes.push(...(await Promise.all(frames.slice(10).map(append))));
  expect(new Set(outcomes)).toEqual(new Set(["appended"]));
  await writer.settled();
  await writer.publishStatus({ status: "up" });
  expect(await writer.renew()).toBe("held");
  await expect.poll(() => received.at(-1)).toBe(299);

  const maintenance = new LiveMaintenance({ redis, keys, store, log });
  expect(await maintenance.inspectAll()).toMatchObject([
    { demanded: true, claimed: true, state: { tape: writer.tape } },
  ]);
  expect((await tapes.list())[0]).toMatchObject({ frames: 300, growing: true });
  const { tape } = writer;
  await writer.finish();
  expect((await tapes.open(tape)).span).toMatchObject({ lastSeq: 299, growing: false });
  await live.close();
});
