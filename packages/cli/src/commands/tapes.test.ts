import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
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

const remove = (...args: string[]) =>
  tapesCommand().parseAsync(["delete", ...args, "--store", folder], { from: "user" });

test("[CM12] an older version is deleted, and the current one stays", async () => {
  await remove("btc@1");
  expect(printed).toEqual(["Deleted btc@1."]);
  expect(await store.versions("btc")).toEqual([2]);
});

test("[CM12] the current version, and a tape with all its versions, are deleted only with --force", async () => {
  await expect(remove("btc@2")).rejects.toThrow(
    "btc@2 was not deleted: it includes the current version, which sessions may be playing. Add --force to delete it.",
  );
  expect(await store.versions("btc")).toEqual([1, 2]);
  await remove("btc", "eth", "--force");
  expect(printed).toEqual(["Deleted btc.", "Deleted eth."]);
  expect(await store.ids()).toEqual([]);
});

test("[CM12] the error names a tape that does not exist", async () => {
  await expect(remove("absent")).rejects.toThrow("Tape absent does not exist.");
});
