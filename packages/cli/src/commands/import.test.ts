import { mkdtemp, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderTapeStore, ImportRefused } from "@tapedeck/tape";
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

test("[IM1] an interval is given as a duration, and --json prints the report as JSON", async () => {
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
  await expect(run(path, "--store", folder)).rejects.toThrow(/^books.csv does not name its market: give --symbol.$/);
  await expect(run(join(folder, "absent"), "--store", folder)).rejects.toThrow(/absent cannot be read: ENOENT/);
  await expect(run(path, "--symbol", "X", "--id", "../x", "--store", folder)).rejects.toThrow(/not a valid tape id/);
});

test("[IM30] a truncated recording leaves the tape unchanged, and makes a partial tape with --keep-partial", async () => {
  const path = await recording();
  const store = join(folder, "tapes");
  const args = [path, "--symbol", "X", "--id", "mine", "--store", store];
  await run(...args);
  await truncate(path, (await stat(path)).size - 4);
  await expect(run(...args)).rejects.toThrow(
    /books.csv cannot be read to its end: .* its last, ends in the middle .* --keep-partial imports what can be read\.$/,
  );
  await expect(run(...args)).rejects.toBeInstanceOf(ImportRefused);
  expect(await new FolderTapeStore(store).current("mine")).toBe(1);
  printed = [];
  await run(...args, "--keep-partial");
  expect(printed.join("\n")).toMatch(/^mine@2 .*, partial$/m);
});

test("[IM35] the help lists the formats and the columns of a CSV file", () => {
  let help = "";
  importCommand()
    .configureOutput({ writeOut: (text) => (help += text) })
    .outputHelp();
  expect(help).toMatch(/gzip, zstd and zip are unpacked/);
  expect(help).toMatch(/binance +Binance's messages/);
  expect(help).toMatch(/A CSV file of books needs a time column .*bid_price_1/);
  expect(help).toMatch(/--keep-partial +also import the readable part of truncated/);
});

test("[IM62] an unknown format is refused with the nearest and with all that are known", async () => {
  const path = await recording();
  const refused = importCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .parseAsync([path, "--format", "binanse", "--store", folder], { from: "user" });
  await expect(refused).rejects.toThrow(
    /Unknown format binanse: did you mean binance\? Use auto, hyperliquid, binance,/,
  );
});

test("[IM1] an empty store says so", async () => {
  await tapesCommand().parseAsync(["--store", folder], { from: "user" });
  expect(printed.join("\n")).toBe(`${folder} contains no tape.`);
});
