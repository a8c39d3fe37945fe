import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ClusterFile, type ClusterSnapshot } from "./cluster-file.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-file-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function snapshot(gateways: number): ClusterSnapshot {
  return {
    url: "http://localhost:8000",
    redis: "redis://127.0.0.1:6380",
    gateways: Array.from({ length: gateways }, (_, i) => ({ url: `http://127.0.0.1:${i}`, pid: i })),
    apis: [],
    tickers: [{ pid: 7 }],
    feeds: [],
    venues: [],
    store: "tapes",
    pid: 1,
  };
}

test("[U8] a reader always finds a complete file, and in the end the newest", async () => {
  const file = new ClusterFile(folder);
  await file.write(() => snapshot(0));
  const writes = Array.from({ length: 50 }, (_, i) => file.write(() => snapshot(i)));
  let settled = false;
  const all = Promise.all(writes).then(() => {
    settled = true;
  });
  while (!settled) expect(await file.read()).toBeDefined();
  await all;
  expect((await file.read())?.gateways).toHaveLength(49);
  expect(await readdir(folder)).toEqual(["cluster.json"]);
});

test("[U42] no other user of the machine can read it", async () => {
  const file = new ClusterFile(folder);
  await file.write(() => snapshot(1));
  expect((await stat(file.path)).mode & 0o777).toBe(0o600);
});

test("[U8] the file is removed with its cluster, and an invalid file is ignored", async () => {
  const file = new ClusterFile(folder);
  void file.write(() => snapshot(1));
  await file.remove();
  expect(await readdir(folder)).toEqual([]);
  await writeFile(file.path, "{");
  expect(await file.read()).toBeUndefined();
});
