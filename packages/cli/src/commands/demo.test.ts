import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FolderTapeStore } from "@tapedeck/tape";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
let store: string;

beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), "tapedeck-demo-"));
});
afterEach(async () => {
  await rm(store, { recursive: true, force: true });
});

function demo(...args: string[]) {
  const main = join(root, "packages/cli/src/main.ts");
  const tsx = [process.execPath, ["--conditions=tapedeck-source", "--import=tsx", main]] as const;
  return spawnSync(tsx[0], [...tsx[1], "demo", "--store", store, ...args], { encoding: "utf8", cwd: root });
}

test("[U12] `tapedeck demo --if-empty` makes a tape where there is none, and leaves a store that has one alone", async () => {
  const first = demo("--if-empty", "--minutes", "1");
  expect(first.stderr).toBe("");
  expect(first).toMatchObject({ status: 0, stdout: "demo@1\n" });

  const second = demo("--if-empty", "--minutes", "1");
  expect(second.status).toBe(0);
  expect(second.stdout).toBe(`There are tapes in ${store} already.\n`);
  expect(await new FolderTapeStore(store).versions("demo")).toEqual([1]);
}, 60_000);
