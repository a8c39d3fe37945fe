import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FolderTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { programOf } from "./support/built.js";
import { processesWith, untilNoProcessHas } from "./support/left-processes.js";
import { freePort } from "./support/redis-server.js";

const possible = process.platform === "linux" && spawnSync("redis-server", ["--version"]).status === 0;
if (!possible)
  console.warn(
    "SKIPPED: what a killed supervisor leaves is looked up in /proc, on a cluster with its own redis-server",
  );

/** What a busy machine may need to load all modules of a service, which must be done before it can end in order. */
const endBudgetMs = 60_000;

let folder: string;
let started: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-killed-"));
  started = [];
});
afterEach(async () => {
  for (const child of started) child.kill("SIGKILL");
  await untilNoProcessHas(folder, endBudgetMs);
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

const env = () => ({
  ...process.env,
  TAPEDECK_PREFIX: `test-${randomBytes(6).toString("hex")}`,
  TAPEDECK_FOLDER: folder,
  TAPEDECK_GATEWAYS: "1",
  TAPEDECK_APIS: "1",
  TAPEDECK_TICKERS: "1",
  PORT: "0",
});

describe.skipIf(!possible)("what the supervisor starts", () => {
  /** Loads a module when the process that started it is gone: the loss comes before anything of the module listens for it. */
  const afterTheLoss = `
    process.once("disconnect", () => import(process.argv[1]));
    process.send("listening");
  `;

  test.each([
    ...(["api", "gateway", "ticker", "feed", "venue", "balancer"] as const).map((name) => [name, name] as const),
    ["Redis's keeper", "redis"] as const,
  ])("[U7] [R29] ends when its supervisor was gone before it listened: %s", async (_, name) => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", afterTheLoss, programOf(name)], {
      env: {
        ...env(),
        REDIS_URL: `redis://127.0.0.1:${await freePort()}`, // the cluster's Redis is gone too
        TAPEDECK_STORE: join(folder, "tapes"),
        ...(name === "redis" && { PORT: `${await freePort()}`, REDIS_FOLDER: folder }),
      },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    started.push(child);
    await once(child, "message");
    const exit = once(child, "exit");
    child.disconnect();
    expect(await exit).toEqual([0, null]);
    await untilNoProcessHas(folder, endBudgetMs);
  });

  /** Runs `tapedeck up` with a tape to play, so that its services are started at once. */
  async function up(): Promise<{ child: ChildProcess; prints: (text: string) => Promise<void> }> {
    await writeTestTape(new FolderTapeStore(join(folder, "tapes")), { frames: 10 });
    const child = spawn(process.execPath, [programOf("tapedeck"), "up"], {
      env: { ...env(), REDIS_URL: "" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    started.push(child);
    let said = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    const prints = (text: string) => vi.waitUntil(() => said.includes(text), { timeout: 90_000, interval: 1 });
    return { child, prints: async (text) => void (await prints(text)) };
  }

  /** A process's log is opened just before the process is started. */
  const begins = (name: string) =>
    vi.waitUntil(
      () =>
        access(join(folder, "logs", `${name}.log`)).then(
          () => true,
          () => false,
        ),
      { timeout: 90_000, interval: 1 },
    );

  const moments: readonly (readonly [string, (prints: (text: string) => Promise<void>) => Promise<unknown>])[] = [
    ["before it has started any", (prints) => prints("- Starting Redis")],
    ["when the balancer begins", () => begins("balancer")],
    ["when Redis begins", () => begins("redis")],
    ["when Redis serves", (prints) => prints("- Starting the services")],
    ["when its first service begins", () => begins("api-1")],
    // Moments in the life of processes that load their modules, connect and say that they serve.
    ...[0, 100, 300, 600, 1200, 2500].map(
      (ms) => [`${ms} ms after its services began`, async () => sleep(ms, await begins("feed-1"))] as const,
    ),
    ["when all serve", (prints) => prints("Tapedeck is playing")],
  ];

  test.each(moments)("[U7] no process is left of a supervisor that is killed %s", async (_, moment) => {
    const { child, prints } = await up();
    await moment(prints);
    child.kill("SIGKILL");
    await untilNoProcessHas(folder, endBudgetMs);
  });

  test("[U7] Redis ends when its keeper and the supervisor are killed at the same time", async () => {
    const { child, prints } = await up();
    await prints("Tapedeck is playing");
    const keeper = (await processesWith(folder)).find((line) => line.includes("dist/redis.js"));
    process.kill(Number.parseInt(keeper ?? "", 10), "SIGKILL");
    child.kill("SIGKILL");
    await untilNoProcessHas(folder, endBudgetMs);
  });
});
