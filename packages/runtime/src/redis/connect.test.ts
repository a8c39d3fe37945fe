import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { Redis } from "ioredis";
import pino from "pino";
import { afterEach, expect, inject, test, vi } from "vitest";
import { startRedisServer } from "../../../../test/support/redis-server.js";
import { soon } from "../../../../test/support/soon.js";
import { startHeartbeat } from "../node/heartbeat.js";
import { startRedisClock } from "../time/redis-clock.js";
import { untilReady } from "./availability.js";
import { connectRedis, retryDelayMs } from "./connect.js";
import type { RedisPurpose } from "./connection.js";
import { startPubSubProbe } from "./pubsub-probe.js";

const log = pino({ level: "silent" });
const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function connect(purpose: RedisPurpose, url = inject("redisUrl"), to = log): Redis {
  const redis = connectRedis({ url, purpose, name: "test", log: to });
  if (!(redis instanceof Redis)) throw new Error(`${url} is a Redis Cluster`);
  undo.push(() => redis.disconnect());
  return redis;
}

/** A way to Redis that can be cut, refuse, or go silent with its connections open. */
async function passage() {
  const target = new URL(inject("redisUrl"));
  const pairs = new Set<[Socket, Socket]>();
  let silent = false;
  const { connect: dial } = await import("node:net");
  const server = createServer((near) => {
    const far = dial(Number(target.port || 6379), target.hostname);
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    const close = () => {
      near.destroy();
      far.destroy();
      pairs.delete(pair);
    };
    for (const socket of pair) socket.on("error", close).on("close", close);
    near.on("data", (chunk) => silent || far.write(chunk));
    far.on("data", (chunk) => silent || near.write(chunk));
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no address");
  const cut = () => {
    for (const pair of [...pairs]) for (const socket of pair) socket.destroy();
  };
  const close = () =>
    new Promise<void>((resolve) => {
      cut();
      server.close(() => resolve());
    });
  undo.push(() => (server.listening ? close() : undefined));
  return {
    url: `${target.protocol}//127.0.0.1:${address.port}`,
    cut,
    close,
    open: () => listen(address.port),
    goSilent: () => {
      silent = true;
    },
  };
}

test("[R12] CLIENT LIST shows the node and purpose of each connection", async () => {
  const redis = connect("commands");
  expect(await redis.client("GETNAME")).toBe("test:commands");
});

const redisServer = spawnSync("redis-server", ["--version"]).status === 0;
test.skipIf(!redisServer)("[R12] user, password and TLS come with the address", async () => {
  const guarded = await startRedisServer(["--requirepass", "open sesame"]);
  undo.push(guarded.stop);
  const { host } = new URL(guarded.url);
  expect(await connect("commands", `redis://:open%20sesame@${host}`).ping()).toBe("PONG");
  await expect(connect("commands", guarded.url).get("x")).rejects.toThrow(/NOAUTH/);

  const { options } = connect("commands", "rediss://reader:secret@127.0.0.1:1/2");
  expect(options).toMatchObject({ username: "reader", password: "secret", db: 2, tls: expect.anything() });
});

test("[R13] a command fails quickly while Redis refuses connections, and works again once it is back", async () => {
  const way = await passage();
  const redis = connect("commands", way.url);
  await redis.ping();
  await way.close();
  const start = performance.now();
  await expect(redis.ping()).rejects.toThrow();
  expect(performance.now() - start).toBeLessThan(3500);
  await way.open();
  await untilReady(redis);
  expect(await redis.ping()).toBe("PONG");
});

test("[R13] a command fails quickly when Redis goes silent with the connection open, and is not sent again", async () => {
  const way = await passage();
  const redis = connect("commands", way.url);
  await redis.ping();
  way.goSilent();
  const key = `test:${randomUUID()}`;
  const start = performance.now();
  await expect(redis.incr(key)).rejects.toThrow();
  expect(performance.now() - start).toBeLessThan(4500);
  expect(await connect("commands").get(key)).toBeNull();
});

test("[R14] a publisher fails at once while it has no connection", async () => {
  const way = await passage();
  const redis = connect("publisher", way.url);
  await untilReady(redis);
  const away = new Promise((resolve) => redis.once("close", resolve));
  await way.close();
  await away;
  await expect(redis.publish("unused", "late")).rejects.toThrow(/writeable/);
});

test("[R15] a subscriber has its channels again after it reconnects", async () => {
  const way = await passage();
  const channel = `test:${randomUUID()}`;
  const subscriber = connect("subscriber", way.url);
  const publisher = connect("commands");
  const received: string[] = [];
  subscriber.on("message", (_, text) => received.push(text));
  await subscriber.subscribe(channel);
  way.cut();
  await vi.waitFor(async () => expect(await publisher.publish(channel, "again")).toBe(1), soon);
  await vi.waitFor(() => expect(received).toContain("again"), soon);
});

test("[R16] an outage produces a handful of log lines, not one per attempt", async () => {
  const way = await passage();
  const lines: string[] = [];
  const redis = connect("commands", way.url, pino({ level: "debug" }, { write: (line: string) => lines.push(line) }));
  await redis.ping();
  await way.close();
  let attempts = 0;
  await new Promise<void>((resolve) => redis.on("reconnecting", () => ++attempts === 5 && resolve()));
  await way.open();
  await untilReady(redis);
  expect(lines.filter((line) => line.includes("no connection"))).toHaveLength(1);
  expect(lines.filter((line) => line.includes("again"))).toHaveLength(1);
});

test("[R16] reconnection attempts are spread out and at most a second apart", () => {
  for (let attempt = 1; attempt < 40; attempt++) {
    const delay = retryDelayMs(attempt);
    expect(delay).toBeGreaterThanOrEqual(25);
    expect(delay).toBeLessThanOrEqual(1000);
  }
  expect(new Set(Array.from({ length: 20 }, () => retryDelayMs(6))).size).toBeGreaterThan(10);
});

test("[R10] a process's clock shows Redis's time", async () => {
  const redis = connect("commands");
  const clock = await startRedisClock(redis, { log });
  undo.push(() => clock.stop());
  const before = clock.now();
  const [second, micro] = await redis.time();
  const after = clock.now();
  const redisMs = Number(second) * 1000 + Number(micro) / 1000;
  expect(redisMs).toBeGreaterThan(before - 20);
  expect(redisMs).toBeLessThan(after + 20);
  expect(after).toBeGreaterThan(before);
});

test("[R17] a heartbeat is readable, expires by itself and is deleted at shutdown", async () => {
  const redis = connect("commands");
  const prefix = `test:${randomUUID()}`;
  let sockets = 1;
  const heartbeat = startHeartbeat(redis, {
    nodeKey: `${prefix}:node`,
    nodesKey: `${prefix}:nodes`,
    node: "gateway-1",
    ttlS: 1,
    fields: () => ({ role: "gateway", sockets: sockets++ }),
    now: () => 1_000_000,
    log,
  });
  await vi.waitFor(async () => expect(await redis.hget(`${prefix}:node`, "sockets")).toBe("2"), soon);
  expect(await redis.hgetall(`${prefix}:node`)).toMatchObject({
    node: "gateway-1",
    role: "gateway",
    seen_ms: "1000000",
    errors: expect.stringMatching(/^\d+$/),
  });
  expect(await redis.pttl(`${prefix}:node`)).toBeGreaterThan(0);
  expect(await redis.zscore(`${prefix}:nodes`, "gateway-1")).toBe("1000000");
  await heartbeat.stop();
  expect(await redis.exists(`${prefix}:node`, `${prefix}:nodes`)).toBe(0);
});

test("[R18] the probe receives its own messages, notices when they stop, and reconnects the subscriber", async () => {
  const way = await passage();
  const subscriber = connect("subscriber", way.url);
  const publisher = connect("publisher");
  await untilReady(publisher);
  const probe = startPubSubProbe({ publisher, subscriber, channel: `test:${randomUUID()}`, intervalMs: 50, log });
  undo.push(() => probe.stop());
  await vi.waitFor(() => expect(probe.receivedWithin(100)).toBe(true), soon);

  way.goSilent(); // connected, and deaf
  const reconnecting = new Promise((resolve) => subscriber.once("close", resolve));
  await vi.waitFor(() => expect(probe.receivedWithin(100)).toBe(false), soon);
  await reconnecting;
});
