import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RestartableRedis, startRedisServer } from "../../../../test/support/redis-server.js";
import { soon } from "../../../../test/support/soon.js";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const tapes = new MemoryTapeStore();
await writeTestTape(tapes, { id: "test" });

/** What needs Redis, in every kind of route. */
const needRedis = [
  ["POST", "/sessions/create"],
  ["GET", "/sessions"],
  ["GET", "/sessions/stats"],
  ["GET", "/sessions/s1"],
  ["DELETE", "/sessions/s1"],
  ["POST", "/replay/pause/s1"],
  ["POST", "/replay/s1/speed/5"],
  ["POST", "/replay/start"],
  ["POST", "/mode"],
  ["GET", "/features"],
  ["GET", "/metrics/dashboard"],
] as const;

describe("while Redis is unavailable", () => {
  const redis = new RestartableRedis();
  let api: TestApi;
  beforeEach(async () => {
    await redis.start();
    api = await startTestApi({ redisUrl: redis.url, tapes, legacyModeGuess: true });
    await api.ask("POST", "/sessions/create", { body: { session_id: "s1" } });
    await redis.stop();
  });
  afterEach(async () => {
    await api.stop();
    await redis.stop();
  });

  test("[A9] requests that need it answer 503 with Retry-After, and work again once it is back", async () => {
    for (const [method, path] of needRedis) {
      const answer = await api.ask(method, path, path === "/mode" ? { body: { mode: "LIVE" } } : {});
      expect([path, answer.status]).toEqual([path, 503]);
      expect(answer.json).toMatchObject({ status: "error", code: "UNAVAILABLE" });
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    }
    await redis.start();
    await vi.waitFor(
      async () => expect(await api.ask("POST", "/sessions/create")).toMatchObject({ status: 200 }),
      soon,
    );
    expect((await api.ask("GET", "/health")).json).toMatchObject({ status: "healthy", issues: [] });
  });

  test("[A9] health is degraded and names Redis; readiness and liveness do not change; tapes are still described", async () => {
    const health = await api.ask("GET", "/health");
    expect(health.status).toBe(200);
    expect(health.json).toMatchObject({ status: "degraded", issues: [expect.stringMatching(/^redis: /)] });
    for (const path of ["/health/ready", "/health/live", "/tapes", "/tapes/test/overview", "/openapi.json"]) {
      expect(await api.ask("GET", path)).toMatchObject({ status: 200 });
    }
  });
});

test("[A9] a silent Redis counts as unavailable", async () => {
  const redis = await startRedisServer();
  const api = await startTestApi({ redisUrl: redis.url, tapes });
  await api.ask("POST", "/sessions/create", { body: { session_id: "s1" } });
  process.kill(redis.pid, "SIGSTOP");
  try {
    const start = performance.now();
    expect(await api.ask("POST", "/replay/pause/s1")).toMatchObject({ status: 503 });
    expect(performance.now() - start).toBeLessThan(8000);
    expect((await api.ask("GET", "/health")).json).toMatchObject({ status: "degraded" });
  } finally {
    process.kill(redis.pid, "SIGCONT");
  }
  await vi.waitFor(async () => expect(await api.ask("POST", "/replay/pause/s1")).toMatchObject({ status: 200 }), soon);
  await api.stop();
  await redis.stop();
});
