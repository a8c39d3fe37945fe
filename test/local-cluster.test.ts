import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ClusterSnapshot } from "@tapedeck/cli";
import { createAnswer } from "@tapedeck/protocol";
import { FolderTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { programOf } from "./support/built.js";
import { processesWith, untilNoProcessHas } from "./support/left-processes.js";
import { startRedisServer } from "./support/redis-server.js";

// `tapedeck up` as a new user runs it: a process that starts processes, and is stopped by signals.
const main = programOf("tapedeck");

/** Where there is no redis-server the cluster has to take the one of `REDIS_URL`, or Docker. */
const ownRedis = spawnSync("redis-server", ["--version"]).status === 0;

let folder: string;
const started: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-up-"));
});

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

/** Runs `tapedeck up` in a folder of its own; `said()` is all it has printed. */
function up(env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [main, "up"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      ...(ownRedis && { REDIS_URL: "" }),
      TAPEDECK_PREFIX: `test-${randomBytes(6).toString("hex")}`,
      TAPEDECK_FOLDER: folder,
      PORT: "0",
      TAPEDECK_GATEWAYS: "1",
      TAPEDECK_APIS: "1",
      TAPEDECK_TICKERS: "1",
      SIMULATION_WARM_UP: "off", // none of them simulates
      ...env,
    },
  });
  started.push(child);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  return { child, said: () => text };
}

/** With a tape in the store, so that no start waits for a demo tape. */
async function running(env: NodeJS.ProcessEnv = {}) {
  await writeTestTape(new FolderTapeStore(join(folder, "tapes")), { id: "short", frames: 10, intervalMs: 1000 });
  return await serving(env);
}

async function serving(env: NodeJS.ProcessEnv = {}) {
  const { child, said } = up(env);
  await vi.waitFor(() => expect(said()).toContain("Ctrl-C stops everything"), { timeout: 110_000, interval: 50 });
  return { child, said, cluster: await snapshot() };
}

async function snapshot(): Promise<ClusterSnapshot> {
  return JSON.parse(await readFile(join(folder, "cluster.json"), "utf8"));
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function pidsOf({ gateways, apis, tickers, feeds, venues }: ClusterSnapshot): number[] {
  return [...gateways, ...apis, ...tickers, ...feeds, ...venues].map(({ pid }) => pid);
}

async function gone(cluster: ClusterSnapshot): Promise<void> {
  await vi.waitFor(() => expect(pidsOf(cluster).filter(alive)).toEqual([]), { timeout: 20_000, interval: 50 });
  await untilNoProcessHas(folder);
  await expect(fetch(cluster.url)).rejects.toThrow();
}

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("[U6] %s ends everything and leaves no process", async (signal) => {
  const { child, cluster } = await running();
  expect(pidsOf(cluster)).toHaveLength(5);
  expect((await fetch(`${cluster.url}/health`)).status).toBe(200);
  const exit = once(child, "exit");
  child.kill(signal);
  expect(await exit).toEqual([0, null]);
  await gone(cluster);
  await expect(snapshot()).rejects.toThrow();
});

test.each([
  ["", () => {}],
  [", also when its folder is gone and Redis cannot save", () => rm(folder, { recursive: true })],
] as const)("[U7] when the supervisor is killed, everything that it started ends by itself%s", async (_, before) => {
  const { child, cluster } = await running();
  await before();
  child.kill("SIGKILL");
  await gone(cluster);
});

/** What `tapedeck doctor` says of this test's folder, and its exit code. */
async function doctor(): Promise<{ code: number | null; said: string }> {
  const env = { ...process.env, REDIS_URL: "", TAPEDECK_FOLDER: folder };
  const child = spawn(process.execPath, [main, "doctor"], { stdio: ["ignore", "pipe", "inherit"], env });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(child, "close");
  return { code: child.exitCode, said };
}

test.skipIf(!ownRedis)(
  "[U42] the password of REDIS_URL is neither in the terminal, nor in a log, nor in cluster.json, and others cannot read these",
  async () => {
    const redis = await startRedisServer(["--requirepass", "hunter2hunter2"]);
    try {
      const { host } = new URL(redis.url);
      await chmod(folder, 0o755); // as mkdir makes it
      const { child, said, cluster } = await running({ REDIS_URL: `redis://:hunter2hunter2@${host}/0` });
      expect(said()).toContain(`redis-cli -u redis://***@${host}/0`);
      expect(cluster.redis).toBe(`redis://${host}/0`);
      const files = await readdir(folder, { recursive: true, withFileTypes: true });
      for (const { name, parentPath } of files.filter((file) => file.isFile())) {
        expect(await readFile(join(parentPath, name), "latin1"), name).not.toContain("hunter2");
      }
      const modes = await Promise.all(
        ["", "logs", "redis", "cluster.json"].map(async (name) =>
          ((await stat(join(folder, name))).mode & 0o777).toString(8),
        ),
      );
      expect(modes).toEqual(["700", "700", "700", "600"]);
      const looked = await doctor();
      expect(looked.said).toMatch(/NOAUTH[\s\S]*REDIS_URL/);
      child.kill("SIGTERM");
      await once(child, "exit");
      expect(said() + looked.said).not.toContain("hunter2");
    } finally {
      await redis.stop();
    }
  },
);

test("[U42] an invalid REDIS_URL ends the start without showing its password", async () => {
  for (const wrong of [
    "redis://:hunter2/x@127.0.0.1:1",
    "redis://u:pa@hunter2#1@127.0.0.1:1",
    "redis://:hunter2@127.0.0.1:1",
  ]) {
    const { child, said } = up({ REDIS_URL: wrong });
    expect(await once(child, "close")).toEqual([1, null]);
    expect(said()).toContain("REDIS_URL");
    expect(said()).toContain("redis://***@127.0.0.1:1");
    expect(said()).not.toContain("hunter2");
  }
});

test.skipIf(!ownRedis)(
  "[U18] doctor checks the running cluster, and says how to start one if it has ended or was killed",
  async () => {
    const noCluster = {
      code: 1,
      said: expect.stringMatching(/no local cluster[^\n]*\n\s+-> start one with npm start/),
    };
    expect(await doctor()).toEqual(noCluster);
    const first = await running();
    expect((await doctor()).said).toMatch(/persistence +append-only file/);
    first.child.kill("SIGTERM");
    await gone(first.cluster);
    expect(await doctor()).toEqual(noCluster);
    const second = await running();
    second.child.kill("SIGKILL");
    await gone(second.cluster);
    expect(await snapshot()).toMatchObject({ pid: second.child.pid }); // the address of a cluster that is no more
    const { code, said } = await doctor();
    expect({ code, said }).toEqual(noCluster);
    expect(said).not.toContain("does not answer");
  },
);

test("[U4] a killed api, gateway, ticker, feed and venue are restarted, and cluster.json and the balancer are updated", async () => {
  const { cluster, said } = await running();
  const before = pidsOf(cluster);
  for (const pid of before) process.kill(pid, "SIGKILL");
  await vi.waitFor(
    async () => {
      const now = pidsOf(await snapshot());
      expect(now).toHaveLength(5);
      expect(now.filter((pid) => before.includes(pid))).toEqual([]);
    },
    { timeout: 20_000, interval: 50 },
  );
  expect((await fetch(`${cluster.url}/health`)).status).toBe(200);
  expect(said()).toContain("ended (SIGKILL); restarting it");
});

test("[U10] [U46] if the store has no tape, a demo tape is created first, a session plays it, and the addresses that are shown work", async () => {
  const { cluster, said } = await serving();
  const [, bots = ""] = /Trade +(\S+)/.exec(said()) ?? [];
  const venue = await fetch(bots);
  expect({ status: venue.status, body: await venue.json() }).toMatchObject({
    ...{ status: 200, body: { session: "demo", market: "spot", symbol: "BTCUSDT" } },
  });
  const [, play = ""] = /curl -X POST (\S+start\S+)/.exec(said()) ?? [];
  expect((await fetch(play, { method: "POST" })).status).toBe(200);
  const create = await fetch(`${cluster.url}/sessions/create`, { method: "POST", body: "{}" });
  expect(createAnswer.parse(await create.json()).session.tape).toContain("demo");
});

/** Runs `up`, which must fail with a short message. */
async function refusal(env: NodeJS.ProcessEnv): Promise<string> {
  const { child, said } = up(env);
  const [code] = await once(child, "exit");
  expect(code).toBe(1);
  expect(said()).not.toMatch(/\n\s+at /); // no stack
  return said();
}

test("[U9] a port in use", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  try {
    expect(await refusal({ PORT: String(port) })).toContain(`Port ${port} is in use`);
    if (process.platform === "linux") expect(await processesWith(folder)).toEqual([]);
  } finally {
    server.close();
  }
});

test("[U9] a Redis that does not answer", async () => {
  const said = await refusal({ REDIS_URL: "redis://user:secret@127.0.0.1:1" });
  expect(said).toContain("REDIS_URL) does not answer");
  expect(said).not.toContain("secret");
});

test("[U9] a Redis that is missing", async () => {
  const bin = join(folder, "bin");
  await mkdir(bin);
  expect(await refusal({ PATH: bin, REDIS_URL: "" })).toContain("Redis is not installed: install redis-server");
});

// Root may write anywhere, so a file in the place of the folder stands for one that cannot be written.
test("[U9] a folder that cannot be written", async () => {
  const inTheWay = fileURLToPath(import.meta.url);
  expect(await refusal({ TAPEDECK_FOLDER: inTheWay })).toContain(`Cannot write to ${inTheWay}`);
});

test("[U9] a second cluster in the same folder", async () => {
  const { cluster } = await running();
  expect(await refusal({})).toContain(`already runs in this folder, at ${cluster.url}`);
  expect(await snapshot()).toEqual(cluster);
});

test("[U9] an invalid setting", async () => {
  expect(await refusal({ TAPEDECK_GATEWAYS: "many" })).toContain("up cannot start: 1 problem in its environment");
});
