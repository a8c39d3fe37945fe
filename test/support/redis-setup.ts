import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GenericContainer } from "testcontainers";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** One real Redis for the whole run; every test prefixes its keys. */
    redisUrl: string;
  }
}

/** Gives the run a Redis: the one of `REDIS_URL`, else a `redis-server` of its own, else a container. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.REDIS_URL;
  if (given) {
    project.provide("redisUrl", given);
    return async () => {};
  }
  if (spawnSync("redis-server", ["--version"]).status === 0) {
    const redis = await startRedisServer();
    project.provide("redisUrl", redis.url);
    return redis.stop;
  }
  const container = await new GenericContainer("redis:7-alpine").withExposedPorts(6379).start();
  project.provide("redisUrl", `redis://${container.getHost()}:${container.getMappedPort(6379)}`);
  return async () => {
    await container.stop();
  };
}

/** A `redis-server` on a free port of 127.0.0.1 that keeps nothing on disk. */
export async function startRedisServer(args: string[] = []): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-redis-"));
  const port = await freePort();
  const child = spawn(
    "redis-server",
    ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder, ...args],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await untilItSays(child, "Ready to accept connections");
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function untilItSays(child: ChildProcess, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes(words)) resolve();
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`redis-server ended with ${code}: ${said}`)));
  });
}

/** A port that was free a moment ago: Redis cannot be told to choose one and say which. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
