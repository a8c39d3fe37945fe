import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GenericContainer } from "testcontainers";
import type { TestProject } from "vitest/node";
import { startRedisServer } from "./redis-server.js";

export { freePort, startRedisServer } from "./redis-server.js";

declare module "vitest" {
  export interface ProvidedContext {
    /** One real Redis for the whole run; every test prefixes its keys. */
    redisUrl: string;
    /** A folder for tapes that the files of the run share, removed at its end. */
    tapeStore: string;
  }
}

/** Gives the run a Redis (that of `REDIS_URL`, else a `redis-server` of its own, else a container) and a folder for tapes. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const store = await mkdtemp(join(tmpdir(), "tapedeck-tapes-"));
  project.provide("tapeStore", store);
  const redis = await someRedis();
  project.provide("redisUrl", redis.url);
  return async () => {
    await redis.stop();
    await rm(store, { recursive: true, force: true });
  };
}

async function someRedis(): Promise<{ url: string; stop: () => Promise<void> }> {
  const given = process.env.REDIS_URL;
  if (given) return { url: given, stop: async () => {} };
  if (spawnSync("redis-server", ["--version"]).status === 0) return startRedisServer();
  const container = await new GenericContainer("redis:7-alpine").withExposedPorts(6379).start();
  return {
    url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
    stop: async () => {
      await container.stop();
    },
  };
}
