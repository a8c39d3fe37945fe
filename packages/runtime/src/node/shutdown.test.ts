import pino from "pino";
import { expect, test } from "vitest";
import { createShutdown } from "./shutdown.js";

const log = pino({ level: "silent" });

function setUp(budgetMs = 1000) {
  const codes: number[] = [];
  let exited: () => void = () => {};
  const exit = new Promise<void>((resolve) => {
    exited = resolve;
  });
  const shutdown = createShutdown({
    log,
    budgetMs,
    exit: (code) => {
      codes.push(code);
      exited();
    },
  });
  return { shutdown, codes, exit };
}

test("[R7] SIGTERM runs the steps in order and exits with 0", async () => {
  const { shutdown, codes, exit } = setUp();
  const ran: string[] = [];
  shutdown.step("first", async () => {
    await new Promise((resolve) => setImmediate(resolve));
    ran.push("first");
  });
  shutdown.step("second", () => ran.push("second"));
  process.emit("SIGTERM", "SIGTERM");
  await exit;
  expect(ran).toEqual(["first", "second"]);
  expect(codes).toEqual([0]);
});

test("[R7] a failed step does not stop the next one, and the exit code is 1", async () => {
  const { shutdown, codes } = setUp();
  const ran: string[] = [];
  shutdown.step("fails", () => {
    throw new Error("no");
  });
  shutdown.step("runs", () => ran.push("runs"));
  await shutdown.begin("test");
  expect(ran).toEqual(["runs"]);
  expect(codes).toEqual([1]);
});

test("[R8] a step that hangs takes its share of the budget and no more", async () => {
  const { shutdown, codes } = setUp(400);
  const start = performance.now();
  let lastAt = 0;
  shutdown.step("hangs", () => new Promise(() => {}), 1);
  shutdown.step("runs", () => {
    lastAt = performance.now() - start;
  });
  await shutdown.begin("test");
  expect(lastAt).toBeGreaterThan(190);
  expect(lastAt).toBeLessThan(390);
  expect(codes).toEqual([1]);
});

test("[R9] a second signal ends the process at once", async () => {
  const { shutdown, codes, exit } = setUp(60_000);
  let letGo: () => void = () => {};
  shutdown.step(
    "waits",
    () =>
      new Promise<void>((resolve) => {
        letGo = resolve;
      }),
  );
  process.emit("SIGTERM", "SIGTERM");
  process.emit("SIGINT", "SIGINT");
  await exit;
  expect(codes).toEqual([1]);
  letGo();
  await shutdown.begin("already under way");
});
