import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { programOf } from "./support/built.js";
import { isAlive, untilNoProcessHas } from "./support/left-processes.js";
import { freePort, startRedisServer } from "./support/redis-server.js";
import { soon } from "./support/soon.js";

// The local cluster's own Redis, as the supervisor starts it: a process with an IPC channel that keeps a redis-server.
const main = programOf("redis");
const ownRedis = spawnSync("redis-server", ["--version"]).status === 0;
if (!ownRedis) console.warn("SKIPPED: the local cluster's own Redis needs a redis-server on the PATH");

let folder: string;
let started: LocalRedis[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-redis-"));
  started = [];
});
afterEach(async () => {
  for (const { child, client } of started) {
    client.disconnect();
    child.kill("SIGKILL");
  }
  await untilNoProcessHas(folder);
  await rm(folder, { recursive: true, force: true });
});

const readyMessage = z.object({ type: z.literal("ready"), url: z.string() });

class LocalRedis {
  readonly child: ChildProcess;
  readonly client: Redis;
  /** What it has said to people. */
  said = "";

  /** Starts one on the folder of this test. */
  static async start(): Promise<LocalRedis> {
    const redis = new LocalRedis(await freePort());
    started.push(redis);
    return redis;
  }

  private constructor(port: number) {
    this.child = fork(main, {
      execArgv: [], // not those of the tests: it runs what was built
      env: { ...process.env, PORT: `${port}`, REDIS_FOLDER: folder },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.said += chunk.toString();
    });
    this.client = new Redis({ port, lazyConnect: true, retryStrategy: null });
    this.client.on("error", () => {}); // a command's own promise tells
  }

  /** Waits until it says that it serves. */
  async serves(): Promise<this> {
    const ended = once(this.child, "exit").then(() =>
      Promise.reject(new Error(`it ended before it served: ${this.said}`)),
    );
    const [message] = await Promise.race([once(this.child, "message"), ended]);
    readyMessage.parse(message);
    return this;
  }

  /** The process id of its redis-server. */
  async server(): Promise<number> {
    return Number(/process_id:(\d+)/.exec(await this.client.info("server"))?.[1]);
  }

  async connections(): Promise<number> {
    return Number(/total_connections_received:(\d+)/.exec(await this.client.info("stats"))?.[1]);
  }

  async stop(): Promise<void> {
    const exit = once(this.child, "exit");
    this.child.kill("SIGTERM");
    expect(await exit).toEqual([0, null]);
  }

  /** Ends its redis-server as a machine that runs out of memory does, when it has written what it holds back for a busy disk. */
  async crash(): Promise<void> {
    await vi.waitFor(
      async () => expect(await this.client.info("persistence")).toContain("aof_buffer_length:0"),
      60_000,
    );
    const exit = once(this.child, "exit");
    process.kill(await this.server(), "SIGKILL");
    await exit;
  }
}

const serving = async () => (await LocalRedis.start()).serves();

describe.skipIf(!ownRedis)("the local cluster's own Redis", () => {
  test("[U16] keeps its data when it is stopped, and when its redis-server is killed", async () => {
    const first = await serving();
    await first.client.set("a", "1");
    await first.stop();
    const second = await serving();
    expect(await second.client.get("a")).toBe("1");
    await second.client.set("b", "2");
    await second.crash();
    const third = await serving();
    expect(await third.client.mget("a", "b")).toEqual(["1", "2"]);
  });

  test("[U16] migrates a folder that contains only a dump.rdb, and does not load that dump again", async () => {
    const former = await startRedisServer(["--dir", folder]);
    const client = new Redis(former.url);
    await client.set("a", "1");
    await client.save();
    client.disconnect();
    await former.stop();
    expect(await readdir(folder)).toEqual(["dump.rdb"]);

    const first = await serving();
    expect(await first.client.get("a")).toBe("1");
    await first.client.set("a", "2");
    await first.crash();
    const second = await serving();
    expect(await second.client.get("a")).toBe("2");
  });

  test("[U16] starts after a kill during a write, without that write", async () => {
    const first = await serving();
    await first.client.set("whole", "1");
    await first.client.set("cut", "x".repeat(1000));
    await first.crash();
    const file = await writtenFile();
    await truncate(file, (await stat(file)).size - 500);
    const second = await serving();
    expect(await second.client.mget("whole", "cut")).toEqual(["1", null]);
    await second.client.set("later", "1");
    await second.stop();
    expect(await (await serving()).client.mget("whole", "later")).toEqual(["1", "1"]);
  });

  test("[U17] waits for the Redis of a cluster that is still ending, so that two never write to the same files", async () => {
    const first = await serving();
    const second = await LocalRedis.start();
    let serves = false;
    const ready = second.serves().then(() => {
      serves = true;
    });
    await first.client.set("a", "1");
    // The second one looks again and again whether the first one still takes connections.
    const looks = await first.connections();
    await vi.waitFor(async () => expect(await first.connections()).toBeGreaterThan(looks + 3), 60_000);
    expect(serves).toBe(false);
    await first.client.set("b", "2");
    await first.stop();
    await ready;
    expect(await second.client.mget("a", "b")).toEqual(["1", "2"]);
  });

  test("[U17] says which folder is in use if the other Redis stays", async () => {
    await serving();
    const second = await LocalRedis.start();
    expect(await once(second.child, "close")).toEqual([1, null]);
    expect(second.said).toContain(`Another Redis uses ${folder}: stop the cluster that it belongs to first.`);
  });

  test.each(["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "[U7] its redis-server does not outlive its keeper's %s",
    async (signal) => {
      const redis = await serving();
      const server = await redis.server();
      await redis.client.set("a", "1");
      redis.child.kill(signal);
      await vi.waitFor(() => expect(isAlive(server)).toBe(false), soon);
      expect(await (await serving()).client.get("a")).toBe("1");
    },
  );

  test("[U7] a redis-server that does not end in time is killed", async () => {
    const redis = await serving();
    const server = await redis.server();
    process.kill(server, "SIGSTOP");
    redis.child.disconnect();
    await vi.waitFor(() => expect(isAlive(server)).toBe(false), 30_000);
  });
});

/** The append-only file that grows; the other one holds what a rewrite has put together. */
async function writtenFile(): Promise<string> {
  const names = await readdir(folder, { recursive: true });
  const name = names.find((each) => each.endsWith(".incr.aof")) ?? names.find((each) => each.endsWith(".aof"));
  return join(folder, name ?? "appendonly.aof");
}
