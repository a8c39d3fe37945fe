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
import { checkRedis, checkRedisAndNodes } from "./redis.js";
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

/** The remedies of all problems, by check. */
function problems(findings: readonly Finding[]): Record<string, string> {
  return Object.fromEntries(
    findings.flatMap(({ level, check, mend }) => (level === "ok" ? [] : [[check, mend ?? ""]])),
  );
}
const cluster = async () => problems(await checkNodes(redis, keys));
const tapes = async () => problems(await checkTapes(async () => new FolderTapeStore(folder), folder));
const machine = (env: NodeJS.ProcessEnv, HOST: string) =>
  problems(checkMachine({ ...z.object(accessEnv).parse(env), HOST }));

/** The problems of a Redis that is started with these settings: those of the test run's Redis must not change. */
async function redisWith(...settings: string[]): Promise<Record<string, string>> {
  const server = await startRedisServer(settings);
  const client = new Redis(server.url);
  try {
    return problems(await checkRedis(client));
  } finally {
    client.disconnect();
    await server.stop();
  }
}

test("[CM3] healthy nodes, tapes and machine have no problem", async () => {
  await writeTestTape(new FolderTapeStore(folder), { id: "one", frames: 10 });
  expect(await cluster()).toEqual({});
  expect(await tapes()).toEqual({});
  expect(machine({}, "127.0.0.1")).not.toHaveProperty("access");
});

test("[CM3] reports a Redis that evicts keys or is nearly full", async () => {
  expect(await redisWith("--maxmemory", "512mb", "--maxmemory-policy", "allkeys-lru")).toMatchObject({
    eviction: "CONFIG SET maxmemory-policy noeviction, and in redis.conf",
  });
  expect(await redisWith("--maxmemory", "1mb")).toMatchObject({ memory: "raise maxmemory, or delete sessions" });
  expect(await redisWith("--maxmemory", "512mb")).not.toHaveProperty("memory");
});

test("[CM3] reports a Redis that does not persist, disconnects slow gateways early, or publishes unused notifications", async () => {
  expect(await redisWith()).toMatchObject({ persistence: "CONFIG SET appendonly yes, and in redis.conf" });
  expect(await redisWith("--appendonly", "yes")).not.toHaveProperty("persistence");
  expect(await redisWith("--client-output-buffer-limit", "pubsub 1mb 1mb 60")).toHaveProperty("pub/sub buffer");
  expect(await redisWith("--notify-keyspace-events", "KEA")).toHaveProperty("notifications");
});

test("[CM3] [R28] reports a Redis that cannot be used, with the setting to change", async () => {
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

test("[CM3] checks each master of a Redis Cluster, and what they have in common", async () => {
  const servers = await RedisClusterServers.start({ settings: ["--appendonly", "yes", "--maxmemory", "512mb"] });
  const log = createLogger({ service: "doctor", node: "doctor", level: "silent" });
  const whole = connectRedis({ url: servers.url, purpose: "commands", name: "doctor", log });
  const alone = new Redis(servers.masterUrls[1] ?? "");
  try {
    await untilReady(whole);
    expect(problems(await checkRedis(whole))).toEqual({ replicas: expect.stringContaining("--cluster-slave") });
    expect(problems(await checkRedis(alone))["redis cluster"]).toContain("redis+cluster://");
    await alone.config("SET", "maxmemory-policy", "allkeys-lru");
    await alone.config("SET", "cluster-require-full-coverage", "yes");
    await alone.config("SET", "cluster-node-timeout", "15000");
    const findings = await checkRedis(whole);
    expect(Object.keys(problems(findings)).sort()).toEqual(["coverage", "eviction", "failover", "replicas"]);
    const eviction = findings.find(({ check }) => check === "eviction");
    expect(eviction?.what).toMatch(new RegExp(`^127\\.0\\.0\\.1:${new URL(servers.masterUrls[1] ?? "").port}: `));
    servers.kill(2);
    await expect
      .poll(async () => problems(await checkRedis(whole).catch(() => []))["redis cluster"], { timeout: 15_000 })
      .toContain("--cluster fix");
  } finally {
    whole.disconnect();
    alone.disconnect();
    await servers.stop();
  }
});

test("[CM3] reports a role without a node", async () => {
  await redis.zrem(keys.nodes, "ticker-1");
  expect(await cluster()).toEqual({ tickers: "start one with this REDIS_URL and TAPEDECK_PREFIX" });
});

test("[CM3] reports nodes with different numbers of queues", async () => {
  await heartbeat("api", { queues: "8" });
  expect(await cluster()).toEqual({ queues: "set TICKER_QUEUES to the same number on every node" });
});

test("[CM3] reports an unfinished upgrade", async () => {
  await heartbeat("ticker", { version: "0.2.0" });
  expect(await cluster()).toHaveProperty("versions");
});

test("[CM3] reports a gateway without a native server", async () => {
  await heartbeat("gateway", { server: "ws" });
  expect(await cluster()).toHaveProperty("uWebSockets.js");
});

test("[CM3] reports sessions that are not cleaned up or never expire", async () => {
  await redis.zadd(keys.expiry, Date.now() - 120_000, "gone");
  await redis.zadd(keys.created, Date.now(), "immortal");
  await redis.hset(keys.session("immortal"), { id: "immortal" });
  expect(Object.keys(await cluster())).toEqual(["upkeep", "sessions' TTL"]);
});

test("[CM3] reports a store that is missing, empty or damaged", async () => {
  expect((await tapes()).tapes).toContain("tapedeck import");
  await writeTestTape(new FolderTapeStore(folder), { id: "one", frames: 10 });
  await writeTestTape(new FolderTapeStore(folder), { id: "two", frames: 10 });
  await writeFile(join(folder, "two", "1", "manifest.json"), "{");
  const [finding] = await checkTapes(async () => new FolderTapeStore(folder), folder);
  expect(finding).toMatchObject({ level: "fail", what: "not readable: two" });
  const file = join(folder, "two", "1", "manifest.json");
  expect((await checkTapes(async () => new FolderTapeStore(file), file))[0]?.level).not.toBe("ok");
});

test("[CM3] reports a service that would admit strangers", () => {
  expect(machine({}, "0.0.0.0")).toHaveProperty("access");
  expect(machine({ WITHOUT_AUTHENTICATION: "anyone-may-use-this-cluster" }, "0.0.0.0")).toHaveProperty("access");
  const WITHOUT_AUTHENTICATION = "anyone-may-use-this-cluster-unless-a-key-is-set";
  expect(machine({ WITHOUT_AUTHENTICATION }, "0.0.0.0")).toHaveProperty("access");
  const AUTH_JWT_SECRET = "a secret of at least thirty-two bytes";
  expect(machine({ WITHOUT_AUTHENTICATION, AUTH_JWT_SECRET }, "0.0.0.0")).not.toHaveProperty("access");
});
