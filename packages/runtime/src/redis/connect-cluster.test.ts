import { setImmediate } from "node:timers/promises";
import { Cluster } from "ioredis";
import pino from "pino";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { RedisClusterServers } from "../../../../test/support/redis-cluster.js";
import { soon } from "../../../../test/support/soon.js";
import { startRedisClock } from "../time/redis-clock.js";
import { untilReady } from "./availability.js";
import { connectRedis } from "./connect.js";
import { corkWrites, type RedisConnection, type RedisPurpose } from "./connection.js";
import { onMessage, onReconnect, publish, subscribe, unsubscribe, untilResubscribed } from "./pubsub.js";
import { startPubSubProbe } from "./pubsub-probe.js";

const log = pino({ level: "silent" });
let servers: RedisClusterServers;
const connections: RedisConnection[] = [];
/** A channel on each master. */
const channels: string[] = [];

beforeAll(async () => {
  servers = await RedisClusterServers.start({ masters: 3, replicas: 1 });
  for (let n = 0; channels.length < 3; n++) {
    if ((await servers.masterOf(`channel-{${n}}`)) === channels.length) channels.push(`channel-{${n}}`);
  }
});
afterAll(async () => {
  for (const connection of connections) connection.disconnect();
  await servers.stop();
});

async function connect(purpose: RedisPurpose, url = servers.url): Promise<RedisConnection> {
  const redis = connectRedis({ url, purpose, name: "test", log });
  connections.push(redis);
  await untilReady(redis);
  return redis;
}

test("[R13] [R24] commands fail quickly while no node of a Redis Cluster answers", async () => {
  const redis = connectRedis({
    url: "redis+cluster://127.0.0.1:1,127.0.0.1:2",
    purpose: "commands",
    name: "test",
    log,
  });
  connections.push(redis);
  for (let n = 0; n < 3; n++) {
    const since = performance.now();
    await expect(redis.get("x")).rejects.toThrow();
    expect(performance.now() - since).toBeLessThan(3500);
  }
});

test("[R12] the address of a Redis Cluster sets user and TLS", () => {
  const redis = connectRedis({ url: "rediss+cluster://reader:secret@a,b:1", purpose: "bullmq", name: "n", log });
  redis.disconnect();
  expect(redis).toBeInstanceOf(Cluster);
  expect(redis.options).toMatchObject({
    redisOptions: { username: "reader", password: "secret", tls: {}, connectionName: "n:bullmq" },
  });
});

test("[R10] [R22] messages, corked commands, the clock and the probe work with every master", async () => {
  const [commands, publisher, subscriber] = [
    await connect("commands"),
    await connect("publisher"),
    await connect("subscriber"),
  ];
  const received: string[] = [];
  const stop = onMessage(subscriber, (channel, message) => void received.push(`${channel} ${message}`));
  await subscribe(subscriber, ...channels);
  const delivered = await corkWrites(commands, () =>
    Promise.all(channels.map((channel) => publish(publisher, channel, "x"))),
  );
  expect(delivered).toEqual([1, 1, 1]);
  await vi.waitFor(() => expect(received.sort()).toEqual(channels.map((channel) => `${channel} x`).sort()), soon);

  const clock = await startRedisClock(commands, { log });
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(100);
  clock.stop();
  const probe = startPubSubProbe({ publisher, subscriber, channel: "probe:{node}", intervalMs: 50, log });
  await vi.waitFor(() => expect(probe.receivedWithin(200)).toBe(true), soon);
  const probes = await Promise.all(
    (commands instanceof Cluster ? commands.nodes("master") : []).map((node) =>
      node.pubsub("SHARDCHANNELS", "probe:*"),
    ),
  );
  expect(probes.map((found) => found.length)).toEqual([1, 1, 1]);
  probe.stop();
  await unsubscribe(subscriber, ...channels);
  stop();
});

test("[R15] [R22] a subscriber keeps its channels when their slots move to another master", async () => {
  const [publisher, subscriber] = [await connect("publisher"), await connect("subscriber")];
  const channel = channels[1] ?? "";
  const received: string[] = [];
  onMessage(subscriber, (from, message) => void received.push(`${from} ${message}`));
  await subscribe(subscriber, channel);
  let again = 0;
  onReconnect(
    subscriber,
    () =>
      void untilResubscribed(subscriber, [channel]).then(
        () => again++,
        () => {},
      ),
  );
  await servers.moveSlotOf(channel, 1, 2);
  await vi.waitFor(() => expect(again).toBeGreaterThan(0), soon);
  await vi.waitFor(async () => expect(await publish(publisher, channel, "moved")).toBe(1), soon);
  await vi.waitFor(() => expect(received).toContain(`${channel} moved`), soon);
  await servers.moveSlotOf(channel, 2, 1);
  subscriber.disconnect();
});

test("[R15] [R22] a subscriber that is reconnected while it connects to a master has its channels again", async () => {
  const [publisher, subscriber] = [await connect("publisher"), await connect("subscriber")];
  if (!(subscriber instanceof Cluster)) throw new Error("not a Redis Cluster");
  await subscribe(subscriber, ...channels);
  const group: unknown = Reflect.get(subscriber, "shardedSubscribers");
  const { shardedSubscribers } = z.object({ shardedSubscribers: z.instanceof(Map) }).parse(group);
  const isConnecting = (one: unknown) =>
    typeof one === "object" && one !== null && Reflect.get(one, "status") === "starting";
  subscriber.disconnect(true);
  while (![...shardedSubscribers.values()].some(isConnecting)) await setImmediate();
  // Its connections exist now, and none is ready.
  await new Promise((resolve) => process.nextTick(resolve));
  subscriber.disconnect(true);
  await untilReady(subscriber);
  await subscribe(subscriber, ...channels);
  const delivered = () => Promise.all(channels.map((channel) => publish(publisher, channel, "x")));
  await vi.waitFor(async () => expect(await delivered()).toEqual([1, 1, 1]), soon);
  subscriber.disconnect();
});

test("[R15] [R22] when a master dies, others are not delayed and its channels are resubscribed on its replica", async () => {
  const [commands, publisher, subscriber] = [
    await connect("commands"),
    await connect("publisher"),
    await connect("subscriber"),
  ];
  const received: string[] = [];
  onMessage(subscriber, (channel) => void received.push(`${channel}`));
  await subscribe(subscriber, ...channels);
  const probe = startPubSubProbe({ publisher, subscriber, channel: "probe:{node}", intervalMs: 50, log });
  await vi.waitFor(() => expect(probe.receivedWithin(200)).toBe(true), soon);
  // Connections to the masters are made when they are first used, and a publisher waits for none.
  const heardOn = () => Promise.all(channels.map((channel) => publish(publisher, channel, "x").catch(() => 0)));
  await vi.waitFor(async () => expect(await heardOn()).toEqual([1, 1, 1]), soon);
  let again = 0;
  onReconnect(
    subscriber,
    () =>
      void untilResubscribed(subscriber, channels).then(
        () => again++,
        () => {},
      ),
  );

  const died = performance.now();
  servers.kill(0);
  let lastFailure = 0;
  let slowest = 0;
  while (performance.now() - died < 12_000 && (again === 0 || performance.now() - lastFailure < 500)) {
    const since = performance.now();
    expect(await publish(publisher, channels[1] ?? "", "x")).toBe(1);
    await commands.get(channels[2] ?? "");
    slowest = Math.max(slowest, performance.now() - since);
    await commands.set(channels[0] ?? "", "x").catch(() => {
      lastFailure = performance.now();
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(lastFailure).toBeGreaterThan(died);
  expect(again).toBeGreaterThan(0);
  expect(slowest).toBeLessThan(1000);
  received.length = 0;
  await vi.waitFor(async () => expect(await publish(publisher, channels[0] ?? "", "x")).toBe(1), soon);
  await vi.waitFor(() => expect(received).toContain(channels[0]), soon);
  await vi.waitFor(() => expect(probe.receivedWithin(500)).toBe(true), soon);
  probe.stop();
});
