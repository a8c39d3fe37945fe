import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import pino from "pino";
import { afterEach, expect, test, vi } from "vitest";
import { freePort, startRedisServer } from "../../../../test/support/redis-server.js";
import { createHealth, type Health } from "../node/health.js";
import { reportRedisHealth, untilReady } from "./availability.js";
import { connectRedis } from "./connect.js";
import type { RedisPurpose } from "./connection.js";

const undo: (() => unknown)[] = [];
const onConsole = vi.spyOn(console, "warn");
afterEach(async () => {
  expect(onConsole).not.toHaveBeenCalled(); // ioredis must not write to the console: a log line is JSON
  for (const step of undo.splice(0).reverse()) await step();
});

interface Node {
  readonly commands: Redis;
  readonly health: Health;
  /** Warnings of its log. */
  readonly lines: Record<string, unknown>[];
}

/** The connections of a ticker, which has one for each purpose, with the log and the health that it would have. */
function node(url: string): Node {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const connect = (purpose: RedisPurpose): Redis => {
    const redis = connectRedis({ url, purpose, name: "test", log });
    if (!(redis instanceof Redis)) throw new Error(`${url} is a Redis Cluster`);
    undo.push(() => redis.disconnect());
    return redis;
  };
  const commands = connect("commands");
  for (const purpose of ["publisher", "subscriber", "bullmq"] as const) connect(purpose);
  const health = createHealth();
  reportRedisHealth(commands, health);
  return { commands, health, lines };
}

/** The node logs one line, is unready with the reason, and refuses commands quickly; it serves once the fault is fixed. */
async function expectFault(cause: string, message: RegExp, url: string, fix: () => Promise<unknown>): Promise<void> {
  const { commands, health, lines } = node(url);
  await expect.poll(() => health.snapshot().issues[0], { timeout: 10_000 }).toMatch(message);
  expect(health.ready()).toBe(false);
  const since = performance.now();
  await expect(commands.set("x", "y")).rejects.toThrow();
  expect(performance.now() - since).toBeLessThan(3000);
  // Three more attempts of each connection do not add a line.
  let attempts = 0;
  const counted = (): void => void attempts++;
  commands.on("connecting", counted);
  if (cause !== "READONLY" && cause !== "LOADING")
    await expect.poll(() => attempts, { timeout: 10_000 }).toBeGreaterThan(3);
  expect(lines).toEqual([expect.objectContaining({ cause, msg: expect.stringMatching(message) })]);
  await fix();
  await untilReady(commands);
  await expect.poll(() => health.snapshot().issues, { timeout: 5000 }).toEqual([]);
  expect(await commands.set("x", "y")).toBe("OK");
}

test("[R28] a Redis that requires a password is reported, and used once it no longer does", async () => {
  const server = await startRedisServer(["--requirepass", "secret"]);
  undo.push(server.stop);
  const admin = new Redis(server.url, { password: "secret" });
  undo.push(() => admin.disconnect());
  await expectFault("NOAUTH", /requires a password, and REDIS_URL has none/, server.url, () =>
    admin.config("SET", "requirepass", ""),
  );
});

test("[R28] a Redis that refuses the password of REDIS_URL is reported, and used once it accepts it", async () => {
  const server = await startRedisServer(["--requirepass", "secret"]);
  undo.push(server.stop);
  const admin = new Redis(server.url, { password: "secret" });
  undo.push(() => admin.disconnect());
  await expectFault(
    "WRONGPASS",
    /refuses the user or password of REDIS_URL/,
    server.url.replace("//", "//:guess@"),
    () => admin.config("SET", "requirepass", "guess"),
  );
});

test("[R28] a replica is reported, and used once it is the master", async () => {
  const [master, replica] = [await startRedisServer(), await startRedisServer()];
  undo.push(master.stop, replica.stop);
  const admin = new Redis(replica.url);
  undo.push(() => admin.disconnect());
  await admin.replicaof("127.0.0.1", new URL(master.url).port);
  await expectFault("READONLY", /is a replica and accepts no writes/, replica.url, () => admin.replicaof("NO", "ONE"));
});

test("[R28] a Redis that is loading its data is reported, and used once it has loaded", {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-redis-loading-"));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const full = await startRedisServer(["--dir", folder, "--enable-debug-command", "yes"], port);
  const admin = new Redis(full.url);
  await admin.call("DEBUG", "POPULATE", "5000");
  await admin.save();
  admin.disconnect();
  await full.stop();
  const loading = startRedisServer(
    ["--dir", folder, "--key-load-delay", "1200", "--loading-process-events-interval-bytes", "1024"],
    port,
  );
  undo.push(async () => (await loading).stop());
  await expect.poll(() => accepts(port), { timeout: 10_000 }).toBe(true);
  await expectFault("LOADING", /loading its data/, `redis://127.0.0.1:${port}`, () => loading);
});

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const answer = (yes: boolean) => (): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", answer(true)).once("error", answer(false));
  });
}

const outside = Object.values(networkInterfaces())
  .flat()
  .find((one) => one !== undefined && one.family === "IPv4" && !one.internal)?.address;
if (outside === undefined)
  process.stderr.write("SKIPPED: protected mode, since this machine has no address but its own.\n");

test.skipIf(outside === undefined)(
  "[R28] a Redis in protected mode is reported, and used once it leaves it",
  async () => {
    const server = await startRedisServer(["--bind", "0.0.0.0", "--protected-mode", "yes"]);
    undo.push(server.stop);
    const admin = new Redis(server.url);
    undo.push(() => admin.disconnect());
    await expectFault("DENIED", /in protected mode/, server.url.replace("127.0.0.1", outside ?? ""), () =>
      admin.config("SET", "protected-mode", "no"),
    );
  },
);
