import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { importCommand } from "./import.js";
import { tapesCommand } from "./tapes.js";

let folder = "";
let printed: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-cli-"));
  printed = [];
  vi.spyOn(console, "log").mockImplementation((text: unknown) => {
    printed.push(String(text));
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const start = Date.UTC(2024, 0, 2, 9);

async function recording(): Promise<string> {
  const path = join(folder, "books.csv");
  const rows = Array.from({ length: 20 }, (_, n) => `${start + n * 50},${100 + n},1,${101 + n},2`);
  await writeFile(path, ["time,bid_price_1,bid_size_1,ask_price_1,ask_size_1", ...rows, ""].join("\n"));
  return path;
}

const run = (...args: string[]) => importCommand().exitOverride().parseAsync(args, { from: "user" });

test("[IM1] a recording becomes a tape that is listed", async () => {
  const store = join(folder, "tapes");
  await run(await recording(), "--symbol", "btcusdt", "--id", "mine", "--store", store);
  expect(printed.join("\n")).toMatch(/^mine@1 {2}BTCUSDT CSV {2}2024-01-02T09:00:00/m);
  expect(printed.join("\n")).toMatch(/0 gaps, 0 crossed books, 0 events out of order, 0 duplicates/);
  printed = [];
  await tapesCommand().parseAsync(["--store", store], { from: "user" });
  expect(printed.join("\n")).toMatch(/^mine@1 +BTCUSDT +CSV +2024-01-02T09:00:00Z +0:00:00 +10 /m);
  printed = [];
  await tapesCommand().parseAsync(["--store", store, "--json"], { from: "user" });
  expect(JSON.parse(printed.join("\n"))).toMatchObject([{ id: "mine", version: 1, frames: 10, interval_ms: 100 }]);
});

test("[IM1] an interval is given as a time, and the report is JSON where asked for", async () => {
  const path = await recording();
  const store = join(folder, "tapes");
  for (const [interval, frames] of [
    ["0", 20],
    ["0.5s", 2],
    ["200ms", 5],
  ] as const) {
    printed = [];
    await run(path, "--symbol", "X", "--interval", interval, "--store", store, "--json");
    expect(JSON.parse(printed.join("\n"))).toMatchObject({ frames, formats: ["csv"] });
  }
});

test("[IM16] a refusal is one sentence", async () => {
  const path = await recording();
  await expect(run(path, "--store", folder)).rejects.toThrow(
    /^books.csv does not say of which market it is: give --symbol.$/,
  );
  await expect(run(join(folder, "absent"), "--store", folder)).rejects.toThrow(/absent cannot be read: ENOENT/);
  await expect(run(path, "--symbol", "X", "--id", "../x", "--store", folder)).rejects.toThrow(/cannot name a tape/);
});

test("[IM1] an empty store says so", async () => {
  await tapesCommand().parseAsync(["--store", folder], { from: "user" });
  expect(printed.join("\n")).toBe(`There is no tape in ${folder}.`);
});
