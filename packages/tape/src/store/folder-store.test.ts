import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DamagedBlock, StoreUnavailable, TapeNotFound } from "../errors.js";
import { BlockCache, minCacheBytes } from "../reading/block-cache.js";
import { RecordedTape } from "../reading/recorded-tape.js";
import { TapeCatalog } from "../tape-catalog.js";
import { writeTestTape } from "../testing.js";
import { ConcurrencyLimiter } from "./concurrency-limiter.js";
import { FolderTapeStore } from "./folder-store.js";
import { openTapeStore } from "./open-store.js";
import { tapeStoreContract } from "./store.contract.js";

describe("a folder store", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "tapedeck-store-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  tapeStoreContract(async () => ({ store: new FolderTapeStore(join(folder, "made", "when", "needed")) }));

  test("[TP73] a folder that does not exist is a store that is away, where it must exist, until it is there", async () => {
    const place = join(folder, "unmounted");
    const store = await openTapeStore(place, undefined, { mustExist: true });
    await expect(store.ids()).rejects.toThrow(StoreUnavailable);
    await expect(store.current("aapl")).rejects.toThrow(StoreUnavailable);
    await expect(store.begin("aapl")).rejects.toThrow(StoreUnavailable);
    expect(await readdir(folder)).toEqual([]);
    await mkdir(place);
    expect(await store.ids()).toEqual([]);
    await writeTestTape(store, { id: "aapl", frames: 10 });
    expect(await store.ids()).toEqual(["aapl"]);
  });

  test("[TP74] a write to a folder that hangs fails after its deadline, and later ones do not wait for it longer than that", async () => {
    const writer = new ConcurrencyLimiter(1, 300);
    const store = new FolderTapeStore(folder, undefined, writer);
    const staged = await store.begin("aapl");
    let answer = (): void => {};
    const hanging = writer.run(() => new Promise<void>((resolve) => (answer = resolve)));
    hanging.catch(() => {});
    await expect(staged.append("blocks.bin", Buffer.from("bytes"))).rejects.toThrow(/hangs: a write was given up/);
    await expect(staged.commit()).rejects.toThrow(/hangs/);
    await expect(store.begin("other")).rejects.toThrow(/hangs/);
    answer();
    await staged.append("blocks.bin", Buffer.from("bytes"));
    await staged.commit();
    expect(await store.current("aapl")).toBe(1);
  });

  test("[TP4] the next import of an id removes what an interrupted one left behind", async () => {
    const interrupted = await new FolderTapeStore(folder).begin("aapl");
    await interrupted.append("blocks.bin", Buffer.from("half a tape"));
    // The process dies here, and another one takes its place.
    const store = new FolderTapeStore(folder);
    expect(await store.ids()).toEqual([]);
    await writeTestTape(store, { id: "aapl", frames: 10 });
    expect((await readdir(join(folder, "aapl"))).sort()).toEqual(["1", "current.json"]);
    await interrupted.discard();
  });

  test.each([
    ["gone", () => {}],
    ["empty, as the mount point of an unmounted volume", () => mkdir(folder)],
  ])("[TP35] a store whose folder is %s is unavailable, and its tapes are not damaged", async (_, instead) => {
    const store = new FolderTapeStore(folder);
    await writeTestTape(store, { id: "aapl", frames: 200 });
    const tape = await RecordedTape.open(store, "aapl", 1, new BlockCache(minCacheBytes));
    await rename(folder, `${folder}-away`);
    await instead();
    await expect(tape.load(0)).rejects.toThrow(StoreUnavailable);
    await rm(folder, { recursive: true, force: true });
    await rename(`${folder}-away`, folder);
    expect((await tape.load(0)).firstSeq).toBe(0);
    await rm(join(folder, "aapl"), { recursive: true });
    await mkdir(join(folder, "msft"));
    await expect(tape.load(199)).rejects.toThrow(DamagedBlock);
  });

  test.each([
    ["gone", async () => {}],
    ["empty", async () => void (await mkdir(folder))],
  ])("[TP70] a store that had tapes and whose folder is %s reports no tape as missing", async (_, instead) => {
    await writeTestTape(new FolderTapeStore(folder), { id: "aapl", frames: 20 });
    for (const look of [
      (store: FolderTapeStore) => store.ids(),
      (store: FolderTapeStore) => store.current("aapl"),
      (store: FolderTapeStore) => store.versions("aapl"),
      (store: FolderTapeStore) => store.read("aapl", 1, "manifest.json"),
      (store: FolderTapeStore) => store.tapesWithSegments(),
    ]) {
      const store = new FolderTapeStore(folder);
      const was = await look(store);
      await store.current("aapl");
      await rename(folder, `${folder}-away`);
      await instead();
      const catalog = new TapeCatalog(store, { cacheBytes: minCacheBytes });
      await expect(look(store)).rejects.toThrow(StoreUnavailable);
      await expect(catalog.open("aapl")).rejects.toThrow(StoreUnavailable);
      await expect(catalog.choose({})).rejects.toThrow(StoreUnavailable);
      // A write there would be lost.
      await expect(store.begin("aapl")).rejects.toThrow(StoreUnavailable);
      await rm(folder, { recursive: true, force: true });
      await rename(`${folder}-away`, folder);
      expect(await look(store)).toEqual(was);
      expect((await catalog.open("aapl")).id).toBe("aapl@1");
      await expect(catalog.open("msft")).rejects.toThrow(TapeNotFound);
    }
  });

  test("[TP70] a store that disappears and comes back during reads loses no file", async () => {
    const store = new FolderTapeStore(folder);
    await writeTestTape(store, { id: "aapl", frames: 10 });
    let flickering = true;
    const flickers = (async () => {
      for (let times = 0; times < 60; times++) {
        await rename(folder, `${folder}-away`);
        await delay(1);
        await rename(`${folder}-away`, folder);
        await delay(20);
      }
      flickering = false;
    })();
    const trouble = new Set<string>();
    while (flickering) {
      await store.read("aapl", 1, "manifest.json").catch((error: Error) => trouble.add(error.constructor.name));
    }
    await flickers;
    expect([...trouble].filter((name) => name !== StoreUnavailable.name)).toEqual([]);
  });

  test("[TP70] a new store has no tapes, whether its folder exists or not", async () => {
    for (const place of [folder, join(folder, "not", "there")]) {
      const catalog = new TapeCatalog(new FolderTapeStore(place), { cacheBytes: minCacheBytes });
      await expect(catalog.open("aapl")).rejects.toThrow(TapeNotFound);
      expect(await catalog.choose({})).toBeUndefined();
    }
  });

  test("[TP71] a hanging file system makes the store unavailable, delays no other work of the process, and is read again when it answers", async () => {
    const store = new FolderTapeStore(folder);
    await writeTestTape(store, { id: "aapl", frames: 2_000 });
    const tape = await RecordedTape.open(store, "aapl", 1, new BlockCache(minCacheBytes));
    const blocks = join(folder, "aapl", "1", "blocks.bin");
    await rename(blocks, `${blocks}.kept`);
    // Opening a pipe blocks until another process opens it for writing.
    await promisify(execFile)("mkfifo", [blocks]);
    let looking = true;
    const loads = Array.from({ length: 20 }, (_, nth) => tape.load(nth * 100));
    const others = (async () => {
      for (; looking; await delay(10)) await promisify(deflate)(Buffer.alloc(1_000));
    })();
    for (const load of await Promise.allSettled(loads))
      expect(load).toMatchObject({ reason: expect.any(StoreUnavailable) });
    await expect(store.current("aapl")).rejects.toThrow(StoreUnavailable);
    looking = false;
    await others;
    // The hanging reads end with an empty file, after their deadline.
    await (await open(blocks, "r+")).close();
    await rename(`${blocks}.kept`, blocks);
    expect((await tape.load(0)).firstSeq).toBe(0);
    expect(await store.current("aapl")).toBe(1);
  });

  test("[TP1] unrelated folders and a broken current.json do not disturb the list", async () => {
    const store = new FolderTapeStore(folder);
    await writeTestTape(store, { id: "aapl", frames: 10 });
    await writeTestTape(store, { id: "aapl", frames: 20 });
    await writeFile(join(folder, "aapl", "current.json"), "");
    await mkdir(join(folder, "empty"));
    await mkdir(join(folder, ".hidden", "1"), { recursive: true });
    await writeFile(join(folder, "readme.txt"), "not a tape");
    expect(await store.ids()).toEqual(["aapl"]);
    expect(await store.current("aapl")).toBe(2);
  });
});
