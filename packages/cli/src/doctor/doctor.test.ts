import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessEnv } from "@tapedeck/access";
import { connectRedis, createLogger, untilReady } from "@tapedeck/runtime";
import { keysWith } from "@tapedeck/sessions";
import { FolderTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { z } from "zod";
import { RedisClusterServers } from "../../../../test/support/redis-cluster.js";
import { startRedisServer } from "../../../../test/support/redis-server.js";
import type { Finding } from "./finding.js";
import { checkMachine } from "./machine.js";
import { checkNodes } from "./nodes.js";
import { checkRedis } from "./redis.js";
import { checkRedisAndNodes } from "./redis-and-nodes.js";
import { checkTapes } from "./tapes.js";

const keys = keysWith(`test-${randomUUID()}`);
let redis: Redis;
let folder: string;

beforeEach(async () => {
  redis = new Redis(inject("redisUrl"));
  folder = await mkdtemp(join(tmpdir(), "tapedeck-doctor-"));
  for (const role of ["gateway", "api", "ticker"]) await heartbeat(role, {});
});
afterEach(async () => {
  const left = await redis.keys(`${keys.nodes.replace(":nodes", "")}:*`);
  if (left.length > 0) await redis.del(...left);
  redis.disconnect();
  await rm(folder, { recursive: true, force: true });
});

async function heartbeat(role: string, fields: Record<string, string>): Promise<void> {
  const node = `${role}-1`;
  await redis.hset(keys.node(node), { node, role, version: "0.1.0", queues: "4", server: "uws", ...fields });
  await redis.zadd(keys.nodes, Date.now(), node);
}

/** What is not in order, by check. */
function wrong(findings: readonly Finding[]): Record<string, string> {
  return Object.fromEntries(
    findings.flatMap(({ level, check, mend }) => (level === "ok" ? [] : [[check, mend ?? ""]])),
  );
}
const cluster = async () => wrong(await checkNodes(redis, keys));
const tapes = async () => wrong(await checkTapes(async () => new FolderTapeStore(folder), folder));
const machine = (env: NodeJS.ProcessEnv, HOST: string) =>
  wrong(checkMachine({ ...z.object(accessEnv).parse(env), HOST }));

/** What is wrong with a Redis of its own that was started with these settings: those of the run's must not be touched. */
async function redisWith(...settings: string[]): Promise<Record<string, string>> {
  const server = await startRedisServer(settings);
  const client = new Redis(server.url);
  try {
    return wrong(await checkRedis(client));
  } finally {
    client.disconnect();
    await server.stop();
  }
}

test("[CM3] nothing is wrong with nodes, tapes and a machine that are in order", async () => {
  await writeTestTape(new FolderTapeStore(folder), { id: "one", frames: 10 });
  expect(await cluster()).toEqual({});
  expect(await tapes()).toEqual({});
  expect(machine({}, "127.0.0.1")).not.toHaveProperty("access");
});

test("[CM3] a Redis that evicts, or is nearly full, is found", async () => {
  expect(await redisWith("--maxmemory", "512mb", "--maxmemory-policy", "allkeys-lru")).toMatchObject({
    eviction: "CONFIG SET maxmemory-policy noeviction, and in redis.conf",
  });
  expect(await redisWith("--maxmemory", "1mb")).toMatchObject({ memory: "raise maxmemory, or delete sessions" });
  expect(await redisWith("--maxmemory", "512mb")).not.toHaveProperty("memory");
});

test("[CM3] a Redis that keeps nothing, cuts gateways off early, or notifies nobody, is found", async () => {
  expect(await redisWith()).toMatchObject({ persistence: "CONFIG SET appendonly yes, and in redis.conf" });
  expect(await redisWith("--appendonly", "yes")).not.toHaveProperty("persistence");
  expect(await redisWith("--client-output-buffer-limit", "pubsub 1mb 1mb 60")).toHaveProperty("pub/sub buffer");
  expect(await redisWith("--notify-keyspace-events", "KEA")).toHaveProperty("notifications");
});

test("[CM3] [R28] a Redis that cannot be used is found, with the setting to change", async () => {
  const guarded = await startRedisServer(["--requirepass", "secret"]);
  const replica = await startRedisServer(["--replicaof", "127.0.0.1", new URL(guarded.url).port]);
  const empty = await RedisClusterServers.startEmpty({ masters: 1 });
  try {
    const found = async (url: string) =>
      (await checkRedisAndNodes(url, "test")).map(({ level, what, mend }) => `${level} ${what} -> ${mend}`);
    expect(await found(guarded.url)).toEqual([expect.stringMatching(/^fail .*NOAUTH.*-> add it to REDIS_URL/)]);
    expect(await found(guarded.url.replace("//", "//:guess@"))).toEqual([
      expect.stringMatching(/WRONGPASS.*REDIS_URL/),
    ]);
    expect(await found(replica.url)).toEqual([expect.stringMatching(/READONLY.*-> set REDIS_URL to its master/)]);
    expect(await found(empty.url)).toEqual([expect.stringMatching(/FORMING.*redis-cli --cluster create/)]);
    expect(await found(replica.url.replace("redis:", "redis+cluster:"))).toEqual([
      expect.stringMatching(/NOCLUSTER.*set REDIS_URL to redis:/),
    ]);
  } finally {
    await empty.stop();
    await replica.stop();
    await guarded.stop();
  }
});

test("[CM3] of a Redis Cluster each master is looked at, and what holds them together", async () => {
  const servers = await RedisClusterServers.start({ settings: ["--appendonly", "yes", "--maxmemory", "512mb"] });
  const log = createLogger({ service: "doctor", node: "doctor", level: "silent" });
  const whole = connectRedis({ url: servers.url, purpose: "commands", name: "doctor", log });
  const alone = new Redis(servers.masterUrls[1] ?? "");
  try {
    await untilReady(whole);
    expect(wrong(await checkRedis(whole))).toEqual({ replicas: expect.stringContaining("--cluster-slave") });
    expect(wrong(await checkRedis(alone))["redis cluster"]).toContain("redis+cluster://");
    await alone.config("SET", "maxmemory-policy", "allkeys-lru");
    await alone.config("SET", "cluster-require-full-coverage", "yes");
    await alone.config("SET", "cluster-node-timeout", "15000");
    const findings = await checkRedis(whole);
    expect(Object.keys(wrong(findings)).sort()).toEqual(["coverage", "eviction", "failover", "replicas"]);
    const eviction = findings.find(({ check }) => check === "eviction");
    expect(eviction?.what).toMatch(new RegExp(`^127\\.0\\.0\\.1:${new URL(servers.masterUrls[1] ?? "").port}: `));
    servers.kill(2);
    await expect
      .poll(async () => wrong(await checkRedis(whole).catch(() => []))["redis cluster"], { timeout: 15_000 })
      .toContain("--cluster fix");
  } finally {
    whole.disconnect();
    alone.disconnect();
    await servers.stop();
  }
});

test("[CM3] a role that nobody plays is found", async () => {
  await redis.zrem(keys.nodes, "ticker-1");
  expect(await cluster()).toEqual({ tickers: "start one, with this REDIS_URL and TAPEDECK_PREFIX" });
});

test("[CM3] nodes that count queues differently are found", async () => {
  await heartbeat("api", { queues: "8" });
  expect(await cluster()).toEqual({ queues: "set TICKER_QUEUES alike" });
});

test("[CM3] an upgrade that stopped half-way is found", async () => {
  await heartbeat("ticker", { version: "0.2.0" });
  expect(await cluster()).toHaveProperty("versions");
});

test("[CM3] a gateway without a native server is found", async () => {
  await heartbeat("gateway", { server: "ws" });
  expect(await cluster()).toHaveProperty("uWebSockets.js");
});

test("[CM3] sessions that nobody cleans up, and one that never expires, are found", async () => {
  await redis.zadd(keys.expiry, Date.now() - 120_000, "gone");
  await redis.zadd(keys.created, Date.now(), "immortal");
  await redis.hset(keys.session("immortal"), { id: "immortal" });
  expect(Object.keys(await cluster())).toEqual(["upkeep", "sessions' TTL"]);
});

test("[CM3] a store that is missing, empty or damaged is found", async () => {
  expect((await tapes()).tapes).toContain("tapedeck import");
  await writeTestTape(new FolderTapeStore(folder), { id: "one", frames: 10 });
  await writeTestTape(new FolderTapeStore(folder), { id: "two", frames: 10 });
  await writeFile(join(folder, "two", "1", "manifest.json"), "{");
  const [finding] = await checkTapes(async () => new FolderTapeStore(folder), folder);
  expect(finding).toMatchObject({ level: "fail", what: "not readable: two" });
  const file = join(folder, "two", "1", "manifest.json");
  expect((await checkTapes(async () => new FolderTapeStore(file), file))[0]?.level).not.toBe("ok");
});

test("[CM3] a service that would let strangers in is found", () => {
  expect(machine({}, "0.0.0.0")).toHaveProperty("access");
  expect(machine({ WITHOUT_AUTHENTICATION: "anyone-may-use-this-cluster" }, "0.0.0.0")).toHaveProperty("access");
  const WITHOUT_AUTHENTICATION = "anyone-may-use-this-cluster-unless-a-key-is-set";
  expect(machine({ WITHOUT_AUTHENTICATION }, "0.0.0.0")).toHaveProperty("access");
  const AUTH_JWT_SECRET = "a secret of at least thirty-two bytes";
  expect(machine({ WITHOUT_AUTHENTICATION, AUTH_JWT_SECRET }, "0.0.0.0")).not.toHaveProperty("access");
});
