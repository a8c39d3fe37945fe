import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { RestartableRedis } from "../support/redis-server.js";

/** Longer than the timeout of a command, and than Redis may be silent. */
const suspendedMs = 7_000;
const asks = fileURLToPath(new URL("../support/asks-redis.mjs", import.meta.url));

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (!child.kill(signal)) throw new Error(`no process to send ${signal} to`);
}

test("[R13] [R27] a process that was suspended for seconds reads the replies that arrived meanwhile and keeps its connections", async () => {
  const redis = new RestartableRedis();
  await redis.start();
  undo.push(() => redis.dispose());
  const child = spawn(process.execPath, [asks, redis.url], { stdio: ["ignore", "pipe", "inherit"] });
  undo.push(() => child.kill("SIGKILL"));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect(await lines.next()).toMatchObject({ value: "ready" });

  // Redis is slow to answer, and the process is suspended before the replies come.
  redis.freeze();
  undo.push(() => redis.thaw());
  kill(child, "SIGUSR2");
  expect(await lines.next()).toMatchObject({ value: "asked" });
  kill(child, "SIGSTOP");
  redis.thaw();
  await sleep(suspendedMs);
  kill(child, "SIGCONT");

  const { value } = await lines.next();
  expect(JSON.parse(value ?? "")).toEqual({
    lost: { commands: [], publisher: [], subscriber: [], bullmq: [] },
    replaced: 0,
  });
  const ended = once(child, "exit");
  kill(child, "SIGTERM");
  await ended;
});
