import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tapesAnswer } from "@tapedeck/protocol";
import { FolderTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { tapesCommand } from "./tapes.js";

let folder = "";
let store: FolderTapeStore;
let printed: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-tapes-"));
  store = new FolderTapeStore(folder);
  for (const id of ["btc", "btc", "eth"]) await writeTestTape(store, { id, frames: 5 });
  printed = [];
  vi.spyOn(console, "log").mockImplementation((text: unknown) => {
    printed.push(String(text));
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const tapes = (...args: string[]) => tapesCommand().parseAsync([...args, "--store", folder], { from: "user" });
const remove = (...args: string[]) => tapes("delete", ...args);

/** What a version of five frames takes. */
const size = "0.0 MB";
const alone = (versions: string) => `${versions} in ${folder}, ${size}. Whether sessions play them is not looked at.`;
const lines = () => printed.join("\n").split("\n");

test("[CM20] the list says how many versions a tape has, what they take, and what all take", async () => {
  await tapes("list");
  const [head, btc, eth, sum] = lines();
  expect(head).toMatch(/SIZE {2}VERSIONS {2}ON DISK$/);
  expect(btc).toMatch(/^btc@2 .* 2 {3}0\.0 MB$/);
  expect(eth).toMatch(/^eth@1 .* 1 {3}0\.0 MB$/);
  expect(sum).toBe(`2 tapes, ${size}.`);
});

test("[CM20] with --versions it has a line for each version, with JSON their bytes", async () => {
  await tapes("list", "--versions");
  expect(lines().map((line) => line.replace(/ +/g, " "))).toEqual([
    "VERSION MADE SIZE",
    `btc@2 2024-08-08T12:00:00Z ${size} current`,
    `btc@1 2024-08-08T12:00:00Z ${size}`,
    `eth@1 2024-08-08T12:00:00Z ${size} current`,
    `2 tapes, ${size}.`,
  ]);
  printed = [];
  await tapes("list", "--json");
  const [{ bytes, versions } = expect.fail()] = tapesAnswer.shape.tapes.parse(JSON.parse(printed.join("\n")));
  expect(versions).toMatchObject([{ version: 2, bytes }, { version: 1 }]);
});

test("[CM12] [CM21] an older version is deleted, and the current one stays", async () => {
  await remove("btc@1", "--yes");
  expect(lines()).toEqual([
    "VERSION    SIZE",
    `btc@1    ${size}`,
    alone("1 version"),
    `Deleted btc@1, ${size}.`,
    `${size} are free again.`,
  ]);
  expect(await store.versions("btc")).toEqual([2]);
});

test("[CM12] the current version, and a tape with all its versions, are deleted only with --force", async () => {
  await expect(remove("btc@2", "--yes")).rejects.toThrow(
    "btc@2 was not deleted: it includes the current version, which sessions may be playing. Add --force to delete it.",
  );
  expect(printed).toEqual([]);
  expect(await store.versions("btc")).toEqual([1, 2]);
  await remove("btc", "eth", "--force", "--yes");
  expect(lines().filter((line) => line.startsWith("Deleted"))).toEqual([
    `Deleted btc@2, ${size}.`,
    `Deleted btc@1, ${size}.`,
    `Deleted eth@1, ${size}.`,
  ]);
  expect(await store.ids()).toEqual([]);
});

test("[CM12] the error names a tape that does not exist, and nothing else is deleted", async () => {
  await expect(remove("btc@1", "absent", "--yes")).rejects.toThrow("Tape absent does not exist.");
  expect(await store.versions("btc")).toEqual([1, 2]);
});

test("[CM21] without a terminal --yes is required, and --dry-run only lists", async () => {
  await expect(remove("btc@1")).rejects.toThrow(
    "Nothing was deleted, since there is no terminal to ask on; add --yes.",
  );
  printed = [];
  await remove("btc@1", "--dry-run");
  expect(lines().slice(1)).toEqual([`btc@1    ${size}`, alone("1 version"), "Nothing was deleted: --dry-run."]);
  expect(await store.versions("btc")).toEqual([1, 2]);
});

describe("prune", () => {
  const live = "live.BINANCE.BTCUSDT.1735900000000";
  const names = async () =>
    (
      await Promise.all((await store.ids()).map(async (id) => (await store.versions(id)).map((v) => `${id}@${v}`)))
    ).flat();

  test("[CM23] by count the newest versions stay", async () => {
    await writeTestTape(store, { id: "btc", frames: 5 });
    await tapes("prune", "--keep-versions", "2", "--yes");
    expect(await names()).toEqual(["btc@2", "btc@3", "eth@1"]);
    expect(lines().slice(-2)).toEqual([`Deleted btc@1, ${size}.`, `${size} are free again.`]);
    printed = [];
    await tapes("prune", "--keep-versions", "2", "--yes");
    expect(printed).toEqual([`Nothing in ${folder} is to be deleted.`]);
  });

  test("[CM23] by age the current version of an import stays, and nothing of what a feed recorded", async () => {
    await writeTestTape(store, { id: live, frames: 5 });
    await tapes("prune", "--older-than", "99999d", "--yes");
    expect(await names()).toEqual(["btc@1", "btc@2", "eth@1", `${live}@1`]);
    await tapes("prune", "--older-than", "30d", "--dry-run");
    expect(await names()).toHaveLength(4);
    await tapes("prune", "--older-than", "30d", "--yes");
    expect(await names()).toEqual(["btc@2", "eth@1"]);
  });

  test("[CM24] a damaged version is left out and named", async () => {
    const errors = vi.spyOn(console, "error").mockImplementation(() => {});
    await writeFile(join(folder, "btc", "1", "manifest.json"), "{");
    await tapes("prune", "--keep-versions", "1", "--yes");
    expect(errors).toHaveBeenCalledWith("btc@1 is damaged, so its age is not known; delete it by its name.");
    expect(await names()).toEqual(["btc@1", "btc@2", "eth@1"]);
    await remove("btc@1", "--yes");
    expect(await names()).toEqual(["btc@2", "eth@1"]);
  });

  test("[CM5] it has to be told what to delete", async () => {
    await expect(tapes("prune", "--yes")).rejects.toThrow("Say what to delete");
  });
});
