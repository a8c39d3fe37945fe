import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tapeOverview, tapeView } from "@tapedeck/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { TapeInUse, TapeNotFound } from "./errors.js";
import { deleteTape } from "./store/delete-tape.js";
import { FolderTapeStore } from "./store/folder-store.js";
import { tapeVersions } from "./store/tape-versions.js";
import { TapeCatalog } from "./tape-catalog.js";
import { MemoryTapeStore, testTapeStartMs, writeTestTape } from "./testing.js";

const cacheBytes = 8 * 1024 * 1024;
let store: MemoryTapeStore;
let catalog: TapeCatalog;
beforeEach(() => {
  store = new MemoryTapeStore();
  catalog = new TapeCatalog(store, { cacheBytes });
});

describe("opening", () => {
  test("[TP3] an id alone is its newest version, and who holds an older one keeps it", async () => {
    await writeTestTape(store, { id: "btc", frames: 10 });
    const first = await catalog.open("btc");
    await writeTestTape(store, { id: "btc", frames: 20 });
    expect((await catalog.open("btc")).id).toBe("btc@2");
    expect(first.span.lastSeq).toBe(9);
    expect(JSON.parse((await first.load(9)).json(9))).toMatchObject({ seq: 9 });
    expect(await catalog.open("btc@1")).toBe(first);
  });

  test.each(["eth", "btc@2", "btc@0", "btc@x", "../btc", "", "btc@1@1"])(
    "[TP24] %o, which names no tape, is TapeNotFound",
    async (name) => {
      await writeTestTape(store, { id: "btc", frames: 10 });
      await expect(catalog.open(name)).rejects.toThrow(TapeNotFound);
      await expect(catalog.overview(name, 10)).rejects.toThrow(TapeNotFound);
    },
  );

  test("[TP24] a tape that was not there is found as soon as it is", async () => {
    await expect(catalog.open("btc@1")).rejects.toThrow(TapeNotFound);
    await writeTestTape(store, { id: "btc", frames: 10 });
    expect((await catalog.open("btc@1")).id).toBe("btc@1");
  });
});

describe("choosing", () => {
  beforeEach(async () => {
    await writeTestTape(store, {
      id: "eth-old",
      symbol: "ETHUSDT",
      source: "BINANCE",
      frames: 5,
      startMs: testTapeStartMs,
    });
    await writeTestTape(store, {
      id: "eth-new",
      symbol: "ETHUSDT",
      source: "OTHER",
      frames: 5,
      startMs: testTapeStartMs + 1,
    });
    await writeTestTape(store, { id: "btc", symbol: "BTCUSDT", frames: 5, startMs: testTapeStartMs + 2 });
  });

  const cases: [string, Parameters<TapeCatalog["choose"]>, string | undefined][] = [
    ["a tape by its id", [{ tape: "eth-old" }, "btc"], "eth-old@1"],
    ["no other where that id does not exist", [{ tape: "doge" }, "btc"], undefined],
    ["the newest of a symbol, in any case", [{ symbol: "ethusdt" }, "btc"], "eth-new@1"],
    ["the newest of a symbol and a source", [{ symbol: "ETHUSDT", source: "binance" }, "btc"], "eth-old@1"],
    ["none of a symbol that is on no tape", [{ symbol: "DOGEUSDT" }, "btc"], undefined],
    ["the default where nothing is asked for", [{}, "eth-old"], "eth-old@1"],
    ["the newest where there is no default", [{}], "btc@1"],
    ["the newest where the default does not exist", [{}, "doge"], "btc@1"],
  ];
  test.each(cases)("[TP28] takes %s", async (_, asked, expected) => {
    expect((await catalog.choose(...asked))?.id).toBe(expected);
  });

  describe("beside what a feed recorded since", () => {
    beforeEach(async () => {
      const isLive = (name: string) => name.startsWith("live.");
      catalog = new TapeCatalog(store, {
        cacheBytes,
        live: { isLive, open: async () => undefined, list: async () => [] },
      });
      await writeTestTape(store, {
        id: "live.A",
        symbol: "ETHUSDT",
        source: "A",
        frames: 5,
        startMs: testTapeStartMs + 3,
      });
      await writeTestTape(store, {
        id: "live.B",
        symbol: "SOLUSDT",
        source: "A",
        frames: 5,
        startMs: testTapeStartMs + 4,
      });
    });

    const cases: [string, Parameters<TapeCatalog["choose"]>, string | undefined][] = [
      ["what was imported where nothing is asked for", [{}], "btc@1"],
      ["what was imported where a symbol is asked for", [{ symbol: "ETHUSDT" }], "eth-new@1"],
      ["what was recorded where nothing else fits", [{ symbol: "SOLUSDT" }], "live.B@1"],
      ["the newest of what was recorded where nothing else fits", [{ source: "A" }], "live.B@1"],
      ["what was recorded where its id is asked for", [{ tape: "live.A" }], "live.A@1"],
    ];
    test.each(cases)("[TP28] takes %s", async (_, asked, expected) => {
      expect((await catalog.choose(...asked))?.id).toBe(expected);
    });
  });

  test("[TP28] finds a tape that has just come", async () => {
    expect(await catalog.choose({ symbol: "SOLUSDT" })).toBeUndefined();
    await writeTestTape(store, { id: "sol", symbol: "SOLUSDT", frames: 5 });
    expect((await catalog.choose({ symbol: "SOLUSDT" }))?.id).toBe("sol@1");
  });
});

describe("listing", () => {
  test("[TP26] shows the current version of each tape, newest first, as the protocol describes it", async () => {
    await writeTestTape(store, { id: "a", frames: 10, gapAfter: [{ seq: 3, ms: 6_000 }] });
    await writeTestTape(store, { id: "b", frames: 100, startMs: testTapeStartMs + 1 });
    await writeTestTape(store, { id: "b", frames: 101, startMs: testTapeStartMs + 1 });
    const list = await catalog.list();
    expect(list.map(({ id, version, frames }) => ({ id, version, frames }))).toEqual([
      { id: "b", version: 2, frames: 101 },
      { id: "a", version: 1, frames: 10 },
    ]);
    for (const view of list) expect(tapeView.parse(view)).toEqual(view);
    expect(list[0]).toMatchObject({ event_counts: { SPOOFING: 2 }, trades: 34, interval_ms: 100, duration_ms: 10_000 });
    expect(await catalog.view("a")).toEqual(list[1]);
    expect(list[1]?.gaps).toEqual([
      { from: "2024-08-08T12:00:00.300Z", to: "2024-08-08T12:00:06.300Z", reason: "silence" },
    ]);
  });

  test("[TP27] an overview has at most the points asked for, with gaps and events", async () => {
    await writeTestTape(store, { id: "a", frames: 1_000, gapAfter: [{ seq: 3, ms: 6_000 }] });
    const overview = await catalog.overview("a", 100);
    expect(tapeOverview.parse(overview)).toEqual(overview);
    expect(overview.points).toHaveLength(100);
    expect(overview.points[1]).toMatchObject({ seq: 10, price: 60000.49 });
    expect(overview.events).toHaveLength(20);
    expect(overview.gaps).toHaveLength(1);
    expect(catalog.cache.bytes).toBe(0);
  });

  test("[TP24] a damaged tape is left out, with a warning that names it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-catalog-"));
    try {
      const onDisk = new FolderTapeStore(folder);
      for (const id of ["a", "b"]) await writeTestTape(onDisk, { id, frames: 5 });
      await writeFile(join(folder, "a", "1", "manifest.json"), "{");
      const warnings: object[] = [];
      const log = { warn: (details: object) => void warnings.push(details) };
      const list = await new TapeCatalog(onDisk, { cacheBytes, log }).list();
      expect(list.map(({ id }) => id)).toEqual(["b"]);
      expect(warnings).toMatchObject([{ tape: "a" }]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("deleting", () => {
  beforeEach(async () => {
    for (let version = 1; version <= 3; version++) await writeTestTape(store, { id: "btc", frames: 5 });
  });

  test("[TP7] the current version is refused unless forced", async () => {
    await expect(deleteTape(store, "btc@3")).rejects.toThrow(TapeInUse);
    await expect(deleteTape(store, "btc")).rejects.toThrow("Tape btc@3 is the current version");
    expect(await store.versions("btc")).toEqual([1, 2, 3]);
    await deleteTape(store, "btc@3", { force: true });
    expect((await catalog.open("btc")).id).toBe("btc@2");
  });

  test("[TP7] an older version goes, and a whole tape when forced", async () => {
    const [{ bytes } = expect.fail()] = await tapeVersions(store, "btc");
    expect(bytes).toBeGreaterThan(500);
    expect(await deleteTape(store, "btc@1")).toEqual([{ name: "btc@1", bytes }]);
    expect(await store.versions("btc")).toEqual([2, 3]);
    await deleteTape(store, "btc", { force: true });
    expect(await catalog.list()).toEqual([]);
    await expect(deleteTape(store, "btc", { force: true })).rejects.toThrow(TapeNotFound);
  });

  test("[TP80] a tape that is still in segments is not deleted, forced or not", async () => {
    const segments = store.segments("live.SIM.BTCUSDT.1");
    await writeTestTape(segments, { id: "0-4-0", frames: 5 });
    for (const force of [false, true]) {
      const deleting = deleteTape(store, "live.SIM.BTCUSDT.1", { force });
      await expect(deleting).rejects.toThrow(TapeInUse);
      await expect(deleting).rejects.toThrow("live.SIM.BTCUSDT.1 is being recorded");
    }
    expect(await segments.ids()).toEqual(["0-4-0"]);
  });

  test("[TP7] a process that deletes a tape, or had read it before, does not find it any more", async () => {
    const other = new TapeCatalog(store, { cacheBytes });
    for (const each of [catalog, other]) await each.view("btc@3");
    await catalog.open("btc@3");
    await catalog.delete("btc@3", { force: true });
    await expect(catalog.open("btc@3")).rejects.toThrow(TapeNotFound);
    for (const each of [catalog, other]) {
      await expect(each.view("btc@3")).rejects.toThrow(TapeNotFound);
      await expect(each.overview("btc@3", 10)).rejects.toThrow(TapeNotFound);
      expect(await each.list()).toMatchObject([{ id: "btc", version: 2 }]);
    }
  });

  test("[TP81] versions are listed newest first with their sizes, a damaged one without", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-catalog-"));
    try {
      const onDisk = new FolderTapeStore(folder);
      for (const frames of [5, 500, 50]) await writeTestTape(onDisk, { id: "a", frames });
      await writeFile(join(folder, "a", "1", "manifest.json"), "{");
      const view = await new TapeCatalog(onDisk, { cacheBytes }).view("a", { versions: true });
      expect(tapeView.parse(view)).toEqual(view);
      const sizeOf = async (version: number) => {
        const names = ["index.bin", "blocks.bin", "events.bin", "overview.bin"];
        const files = names.map(async (name) => (await stat(join(folder, "a", `${version}`, name))).size);
        return (await Promise.all(files)).reduce((sum, bytes) => sum + bytes, 0);
      };
      expect(view.versions).toEqual([
        { version: 3, current: true, bytes: await sizeOf(3), created_at: view.created_at },
        { version: 2, current: false, bytes: await sizeOf(2), created_at: expect.stringMatching(/Z$/) },
        { version: 1, current: false, bytes: null, created_at: null },
      ]);
      expect(view.bytes).toBe(await sizeOf(3));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
