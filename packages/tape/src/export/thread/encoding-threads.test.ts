import { afterEach, beforeEach, expect, test } from "vitest";
import { StoreUnavailable } from "../../errors.js";
import { MemoryTapeStore } from "../../store/memory-store.js";
import type { Tape } from "../../tape.js";
import { TapeCatalog } from "../../tape-catalog.js";
import { writeTestTape } from "../../testing.js";
import { encodeParts } from "../repeatable-parquet.js";
import type { RowSource } from "../row-source.js";
import { type EncodeOptions, EncodingThreads } from "./encoding-threads.js";

let threads: EncodingThreads;
beforeEach(() => {
  threads = new EncodingThreads();
});
afterEach(() => threads.close());

const frames = 17_000;
const intervalNs = 1_000_000_000n;
const all: EncodeOptions = { content: "frames", range: { from: 0, to: frames - 1 }, intervalNs };

const stores = new Map<number, Promise<MemoryTapeStore>>();

/** Opened anew, from a store that is written once. */
async function opened(framesPerBlock: number): Promise<Tape> {
  const stored = stores.get(framesPerBlock) ?? written(framesPerBlock);
  stores.set(framesPerBlock, stored);
  return new TapeCatalog(await stored, { cacheBytes: 8 << 20 }).open("test@1");
}

async function written(framesPerBlock: number): Promise<MemoryTapeStore> {
  const store = new MemoryTapeStore();
  // Some trades come on frames that are much later than they are.
  const options = {
    frames,
    framesPerBlock,
    tradesPerFrame: (seq: number) => seq % 3,
    gapAfter: [{ seq: 500, ms: 90_000 }],
  };
  await writeTestTape(store, options);
  return store;
}

async function bytesOf(parts: AsyncIterable<{ readonly bytes: Uint8Array }>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const { bytes } of parts) all.push(bytes);
  return Buffer.concat(all);
}

test("[EX11] the bytes of frames and bars do not depend on the blocks in which they are stored", async () => {
  for (const options of [all, { ...all, content: "bars" as const }, { ...all, range: { from: 16_000, to: 16_500 } }]) {
    const made: Buffer[] = [];
    for (const framesPerBlock of [128, 21])
      made.push(await bytesOf(threads.encode(await opened(framesPerBlock), options)));
    expect(made[0]?.length).toBeGreaterThan(1_000);
    expect(made.every((bytes) => made[0]?.equals(bytes))).toBe(true);
  }
});

test("[EX11] the bytes of events do not depend on the batches in which they are read", async () => {
  const rows = 205_000;
  const cut = (sizes: (nth: number) => number): RowSource => ({
    columns: [
      { name: "n", kind: "number", encoding: "differences", indexed: true },
      { name: "side", kind: "text" },
      { name: "id", kind: "number", optional: true },
    ],
    timeDecimals: 3,
    async *batches() {
      for (let from = 0, nth = 0; from < rows; nth++) {
        const size = Math.min(sizes(nth), rows - from);
        const each = <T>(value: (row: number) => T) => Array.from({ length: size }, (_, at) => value(from + at));
        const values = {
          n: BigInt64Array.from(each(BigInt)),
          side: each((row) => (row % 3 === 0 ? "bid" : "ask")),
          id: each((row) => (row % 5 === 0 ? undefined : BigInt(row))),
        };
        yield { rows: size, values, done: (from + size) / rows };
        from += size;
      }
    },
  });
  const whole = await bytesOf(encodeParts(cut(() => rows)));
  for (const sizes of [() => 100_000, () => 33_333, (nth: number) => 1_000 * (1 + (nth % 90))]) {
    expect((await bytesOf(encodeParts(cut(sizes)))).equals(whole)).toBe(true);
  }
});

test("[A151] a failure of the store is passed on, and the next file is made", async () => {
  const tape = await opened(128);
  let loads = 0;
  const away = new StoreUnavailable(new Error("away"));
  const failing = new Proxy(tape, {
    get: (_, name) => {
      if (name !== "load") return Reflect.get(tape, name, tape);
      return (seq: number) => (loads++ > 2 ? Promise.reject(away) : tape.load(seq));
    },
  });
  await expect(bytesOf(threads.encode(failing, all))).rejects.toBe(away);
  expect((await bytesOf(threads.encode(tape, { ...all, content: "bars" }))).length).toBeGreaterThan(100);
});

test("[A151] parts are made one at a time, and a file that is left is not finished", async () => {
  const tape = await opened(128);
  let lastLoaded = 0;
  const watched = new Proxy(tape, {
    get: (_, name) => {
      if (name !== "load") return Reflect.get(tape, name, tape);
      return (seq: number) => {
        lastLoaded = seq;
        return tape.load(seq);
      };
    },
  });
  const parts = threads.encode(watched, all);
  const first = await parts.next();
  expect(first.value).toMatchObject({ done: 16_384 / frames });
  await parts.return();
  expect(lastLoaded).toBeLessThan(16_384);
});
