import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import { RestartableRedis, startRedisServer } from "../../../../test/support/redis-server.js";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const tapes = new MemoryTapeStore();
await writeTestTape(tapes, { id: "test" });
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function apiOn(redisUrl: string): Promise<TestApi> {
  const api = await startTestApi({ redisUrl, tapes });
  undo.push(() => api.stop());
  return api;
}

/** Unready, and its readiness says why; what needs Redis is refused soon, as something that may be asked for again. */
async function expectRefusals(api: TestApi, why: RegExp): Promise<void> {
  await expect
    .poll(async () => (await api.ask("GET", "/health/ready")).json, { timeout: 10_000 })
    .toMatchObject({ status: "unready", issues: [expect.stringMatching(why)] });
  expect(await api.ask("GET", "/health/ready")).toMatchObject({ status: 503 });
  const since = performance.now();
  const refused = await api.ask("POST", "/sessions/create");
  expect(refused).toMatchObject({ status: 503, json: { code: "UNAVAILABLE" } });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(performance.now() - since).toBeLessThan(4000);
}

/** Serves in full: what is started is asked a ticker for. */
async function expectService(api: TestApi): Promise<void> {
  await expect
    .poll(async () => (await api.ask("GET", "/health/ready")).json, { timeout: 10_000 })
    .toEqual({ status: "ready", issues: [] });
  expect(await api.ask("POST", "/sessions/create", { body: { session_id: "s1" } })).toMatchObject({ status: 200 });
  expect(await api.ask("POST", "/replay/start/s1")).toMatchObject({ status: 200 });
  const jobs = await Promise.all(
    ["{ticker-0}", "{ticker-1}"].map((queue) => api.redis.llen(`${api.keys.bullPrefix}:${queue}:wait`)),
  );
  expect(jobs.reduce((sum, count) => sum + count)).toBe(1);
}

test("[A9] [R28] an api with a wrong Redis password is unready and says why, and serves once that is fixed", async () => {
  const server = await startRedisServer(["--requirepass", "secret"]);
  const admin = new Redis(server.url, { password: "secret" });
  undo.push(server.stop, () => admin.disconnect());
  const api = await apiOn(server.url);
  await expectRefusals(api, /^redis: Redis requires a password, and REDIS_URL has none/);
  await admin.config("SET", "requirepass", "");
  await expectService(api);
});

test("[A9] [R28] an api on a replica is unready and says why, and serves once the replica is promoted", async () => {
  const [master, replica] = [await startRedisServer(), await startRedisServer()];
  const admin = new Redis(replica.url);
  undo.push(master.stop, replica.stop, () => admin.disconnect());
  await admin.replicaof("127.0.0.1", new URL(master.url).port);
  const api = await apiOn(replica.url);
  await expectRefusals(api, /^redis: this Redis is a replica and accepts no writes/);
  await admin.replicaof("NO", "ONE");
  await expectService(api);
});

test("[A9] [R25] an api that starts before Redis requests tickers once Redis is available", async () => {
  const redis = new RestartableRedis();
  await redis.start();
  await redis.stop();
  undo.push(() => redis.dispose());
  const api = await apiOn(redis.url);
  await expectRefusals(api, /^redis: no connection to Redis/);
  // What made queues fail for ever: one was asked for while there was no Redis.
  await expect(api.sessions.perform("s1", { type: "start" })).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await redis.start();
  await expectService(api);
});
