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

test("[U12] `tapedeck demo --if-empty` makes a tape in an empty store, and does not change a store that has one", async () => {
  const first = demo("--if-empty", "--minutes", "1");
  expect(first.stderr).toBe("");
  expect(first).toMatchObject({ status: 0, stdout: "demo@1\n" });

  const second = demo("--if-empty", "--minutes", "1");
  expect(second.status).toBe(0);
  expect(second.stdout).toBe(`${store} already contains tapes.\n`);
  expect(await new FolderTapeStore(store).versions("demo")).toEqual([1]);
});

test("[U40] `tapedeck demo --labels` prints which incidents the demo contains and when, and makes no tape", async () => {
  const { status, stdout, stderr } = demo("--labels", "--minutes", "3");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout.trimEnd().split("\n")).toEqual([
    expect.stringMatching(/^01:07\.9 to 01:\d\d\.\d {2}spoofing +high +(bid|ask)$/),
    expect.stringMatching(/^01:35\.9 to 01:\d\d\.\d {2}liquidity_gap +high +(bid|ask)$/),
    expect.stringMatching(
      /^02:09\.9 to 02:\d\d\.\d {2}news +high +(up|down) +benign: should raise no manipulation alert$/,
    ),
    expect.stringMatching(/^02:39\.9 to 02:\d\d\.\d {2}quote_stuffing +medium$/),
  ]);
  expect(await new FolderTapeStore(store).ids()).toEqual([]);
});
