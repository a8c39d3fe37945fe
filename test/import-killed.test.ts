import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderTapeStore, TapeCatalog } from "@tapedeck/tape";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { programOf } from "./support/built.js";

const main = programOf("tapedeck");
let folder: string;
let store: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-import-"));
  store = join(folder, "tapes");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A recording with this many books, one every 100 ms. */
async function recording(name: string, books: number): Promise<string> {
  const path = join(folder, name);
  const file = createWriteStream(path);
  file.write("time,bid_price_1,bid_size_1,ask_price_1,ask_size_1\n");
  const start = Date.UTC(2024, 0, 2, 9);
  for (let n = 0; n < books; n++) {
    const more = file.write(`${start + n * 100},${100 + (n % 50)},${1 + (n % 7)},${151 + (n % 40)},${2 + (n % 5)}\n`);
    if (!more) await once(file, "drain");
  }
  file.end();
  await once(file, "finish");
  return path;
}

/** Imports in a separate process, as the only tape of the store. */
function importing(path: string) {
  return spawn(process.execPath, [main, "import", path, "--symbol", "X", "--id", "mine", "--store", store], {
    stdio: "ignore",
  });
}

/** Bytes written for unfinished versions. */
async function drafted(): Promise<number> {
  const names = await readdir(join(store, "mine"), { recursive: true }).catch(() => []);
  const drafts = names.filter((name) => name.startsWith(".draft-"));
  const sizes = await Promise.all(drafts.map(async (name) => (await stat(join(store, "mine", name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const listed = async () => {
  const catalog = new TapeCatalog(new FolderTapeStore(store), { cacheBytes: 8 << 20 });
  return (await catalog.list()).map(({ id, version, frames }) => [id, version, frames]);
};

test("[IM20] [TP4] a killed import leaves no partial tape, and no drafts after the next import", async () => {
  const long = await recording("long.csv", 400_000);
  const child = importing(long);
  await vi.waitUntil(async () => (await drafted()) > 100_000, { timeout: 60_000, interval: 20 });
  child.kill("SIGKILL");
  const [, signal] = await once(child, "exit");
  expect(signal).toBe("SIGKILL"); // it had not finished yet
  expect(await drafted()).toBeGreaterThan(100_000);
  expect(await listed()).toEqual([]);

  const again = importing(await recording("short.csv", 50));
  expect(await once(again, "exit")).toEqual([0, null]);
  expect(await listed()).toEqual([["mine", 1, 50]]);
  expect(await drafted()).toBe(0);
});
