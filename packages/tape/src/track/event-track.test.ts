import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { StoreUnavailable } from "../errors.js";
import { importRecording } from "../import/import-recording.js";
import { type Imported, importedOnce, recording, recordingsAbsent, tapeOf } from "../import/test-recordings.js";
import { TapeCatalog } from "../tape-catalog.js";
import { interceptReads, MemoryTapeStore } from "../testing.js";
import { BookReplay } from "./book-replay.js";
import type { TrackedEvent, TrackedUpdate, TrackPlace, TrackReader } from "./track-reader.js";

const texts = z.array(z.tuple([z.string(), z.string()]));
const line = z.union([
  z.object({
    data: z.object({
      e: z.literal("depthUpdate"),
      T: z.number(),
      U: z.number(),
      u: z.number(),
      pu: z.number(),
      b: texts,
      a: texts,
    }),
  }),
  z.object({
    data: z.object({
      e: z.literal("trade"),
      T: z.number(),
      t: z.number(),
      p: z.string(),
      q: z.string(),
      m: z.boolean(),
    }),
  }),
  z.object({ lastUpdateId: z.number(), T: z.number(), bids: texts, asks: texts }),
]);

/** What a line of a futures recording says, in the words of a track. */
function saidBy(text: string) {
  const space = text.indexOf(" ");
  const { data: message } = line.safeParse(JSON.parse(text.slice(space + 1)));
  if (message === undefined) return undefined;
  const receivedNs = BigInt(text.slice(0, space)) * 1_000n;
  const levels = (side: "bid" | "ask", all: [string, string][]) =>
    all.map(([price, amount]) => `${side} ${plain(price)} ${plain(amount)}`);
  if ("lastUpdateId" in message) {
    const { T, lastUpdateId, bids, asks } = message;
    return {
      receivedNs,
      timestampNs: ns(T),
      isSnapshot: true,
      ids: { last: lastUpdateId },
      levels: [...levels("bid", bids), ...levels("ask", asks)],
    };
  }
  const { data } = message;
  const when = { receivedNs, timestampNs: ns(data.T) };
  if (data.e === "trade") {
    return { ...when, id: String(data.t), side: data.m ? "sell" : "buy", price: plain(data.p), amount: plain(data.q) };
  }
  const ids = { first: data.U, last: data.u, previous: data.pu };
  return { ...when, isSnapshot: false, ids, levels: [...levels("bid", data.b), ...levels("ask", data.a)] };
}

/** What an event of a track says. */
function saidIn(event: TrackedEvent) {
  const { receivedNs, timestampNs } = event;
  if (event.kind === "trade") {
    const { id, side, price, amount } = event;
    return { receivedNs, timestampNs, id, side, price: plain(price), amount: plain(amount) };
  }
  const levels = event.levels.map(({ side, price, amount }) => `${side} ${plain(price)} ${plain(amount)}`);
  return { receivedNs, timestampNs, isSnapshot: event.isSnapshot, ids: event.ids, levels };
}

type Said = ReturnType<typeof saidIn> | NonNullable<ReturnType<typeof saidBy>>;

/** As one text: to compare tens of thousands of objects takes seconds. */
function textOf({ receivedNs, timestampNs, ...said }: Said): string {
  return `${receivedNs} ${timestampNs} ${JSON.stringify(said)}`;
}

const ns = (ms: number) => BigInt(ms) * 1_000_000n;

/** A decimal without the zeros at its end. */
function plain(decimal: string): string {
  return decimal.includes(".") ? decimal.replace(/\.?0+$/, "") : decimal;
}

async function all<T>(generator: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of generator) found.push(one);
  return found;
}

async function trackOf(
  store: ConstructorParameters<typeof TapeCatalog>[0],
  name: string,
  cacheBytes = 8 << 20,
): Promise<TrackReader> {
  const { track } = await new TapeCatalog(store, { cacheBytes }).open(name);
  if (track === undefined) throw new Error(`${name} has no track`);
  return track;
}

describe.skipIf(recordingsAbsent)("the events of the futures recording of 2023", () => {
  const files = recording("binance-raw/usdm_btcusdt_20230404.dat.gz", "binance-raw/usdm_btcusdt_20230405.dat.gz");
  let imported: Imported;
  let track: TrackReader;
  beforeAll(async () => {
    imported = await importedOnce(files);
    // All row groups fit, so each is decoded once.
    track = await trackOf(imported.store, tapeOf(imported).tape ?? "", 512 << 20);
  });

  test("[ET10] each line of the source is an event, with its texts, times and ids, and each event is a line of the source", async () => {
    const events = await all(track.events());
    expect(events.map(({ n }) => n)).toEqual(events.map((_, n) => n));
    const said = events
      .filter(({ state }) => state !== "derived" && state !== "again")
      .sort((a, b) => a.heard - b.heard);
    const lines: string[] = [];
    for (const file of files) {
      for (const text of gunzipSync(await readFile(file))
        .toString()
        .trimEnd()
        .split("\n")) {
        const line = saidBy(text);
        if (line !== undefined) lines.push(textOf(line));
      }
    }
    expect(said.map(({ heard }) => heard)).toEqual(lines.map((_, heard) => heard));
    expect(said.map((event) => textOf(saidIn(event)))).toEqual(lines);
  }, 120_000);

  test("[ET11] ranges that join have each event once, whether they are cut by number, frame or time", async () => {
    const events = await all(track.events());
    const numbers = events.map(({ n }) => n);
    const cuts: TrackPlace[][] = [
      [{ n: 5_000 }, { n: 20_001 }],
      [{ seq: 700 }, { seq: 3_100 }],
      [{ ts: 1_680_652_850_000_000_000n }, { ts: 1_680_653_000_123_456_789n }],
    ];
    for (const [a, b] of cuts) {
      const parts = [
        await all(track.events({ to: a })),
        await all(track.events({ from: a, to: b })),
        await all(track.events({ from: b })),
      ];
      expect(parts.flat().map(({ n }) => n)).toEqual(numbers);
      for (const part of parts) expect(part.length).toBeGreaterThan(0);
    }
    const [frame] = await all(track.events({ from: { seq: 700 } }));
    expect(frame).toEqual(events.find(({ seq }) => seq >= 700));
    const later = events.find(({ timestampNs }) => timestampNs >= 1_680_652_850_000_000_000n);
    expect((await track.events({ from: { ts: 1_680_652_850_000_000_000n } }).next()).value).toEqual(later);
    expect(await all(track.events({ from: { seq: 1e9 } }))).toEqual([]);
  }, 120_000);

  test("[ET6] the book at any event, frame or time takes two row groups at most", async () => {
    const places: TrackPlace[] = [];
    let groups = 0;
    for await (const { rows, n, seq, timestamp } of track.bookBatches()) {
      const at = (row: number) => ({ n: n[row] ?? 0, seq: seq[row] ?? 0, ts: timestamp[row] ?? 0n });
      const between = at(Math.floor(rows / 3));
      places.push([{ n: between.n }, { seq: between.seq }, { ts: between.ts }][groups % 3] ?? expect.fail());
      // Where a row group begins and ends: of the second one and the last one, since each place decodes two of them.
      const borders = groups % 2 === 1 ? [at(0), at(rows - 1)] : [];
      for (const { n, seq, ts } of borders) places.push({ n: n - 1 }, { n }, { seq }, { ts });
      groups++;
    }
    expect(groups).toBe(4);
    const { store } = imported;
    for (const place of places) {
      const reads = new Set<string>();
      const counting = interceptReads(store, (file, offset, bytes) => {
        const isFooter = bytes.subarray(-4).toString() === "PAR1";
        if (file.endsWith(".parquet") && !isFooter) reads.add(`${file} from ${offset}`);
        return bytes;
      });
      await (await trackOf(counting, tapeOf(imported).tape ?? "")).bookAt(place);
      expect([place, [...reads], reads.size <= 2]).toEqual([place, [...reads], true]);
    }
  }, 120_000);

  test("[ET12] the book by frame, number and time equals one that is built from the events, also on a track that is read batch by batch", async () => {
    const updates = (await all(track.events())).filter((event): event is TrackedUpdate => event.kind === "book");
    const book = { bid: new Map<number, number>(), ask: new Map<number, number>() };
    const sorted = (side: "bid" | "ask") => [...book[side]].sort(([a], [b]) => (side === "bid" ? b - a : a - b));
    for (const [at, { n, seq, timestampNs, state, isSnapshot, levels }] of updates.entries()) {
      if (state === "applied" || state === "again" || state === "derived") {
        if (isSnapshot) for (const side of ["bid", "ask"] as const) book[side].clear();
        for (const { side, price, amount } of levels) {
          if (Number(amount) === 0) book[side].delete(Number(price));
          else book[side].set(Number(price), Number(amount));
        }
      }
      if (at % 1_500 !== 0) continue;
      const truth = { bids: sorted("bid"), asks: sorted("ask") };
      expect(await track.bookAt({ n })).toMatchObject(truth);
      const next = updates[at + 1];
      if (next !== undefined && next.seq > seq) expect(await track.bookAt({ seq })).toMatchObject(truth);
      if (next !== undefined && next.timestampNs > timestampNs) {
        expect(await track.bookAt({ ts: timestampNs })).toMatchObject(truth);
        expect(await track.bookAt({ ts: next.timestampNs - 1n })).toMatchObject(truth);
      }
    }
    const replay = new BookReplay();
    let rows = 0;
    for await (const batch of track.bookBatches()) {
      replay.apply(batch);
      rows += batch.rows;
      expect(batch.n.length).toBe(batch.rows);
      expect((await batch.origin()).heard.length).toBe(batch.rows);
    }
    expect(rows).toBe(updates.reduce((sum, { levels }) => sum + levels.length, 0));
    const units = ([price, amount]: readonly [number, number]) => [
      Math.round(price * 10 ** track.decimals.price),
      Math.round(amount * 10 ** track.decimals.size),
    ];
    expect(replay.book.bids.top(1e6)).toEqual(sorted("bid").map(units));
    expect(replay.book.asks.top(1e6)).toEqual(sorted("ask").map(units));
  }, 120_000);
});

/** A small tape of 30 updates and as many trades, a tenth of a second apart. */
async function smallTape(): Promise<MemoryTapeStore> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-track-"));
  const lines = Array.from({ length: 30 }, (_, nth) => {
    const at = 1_700_000_000_000 + 100 * nth;
    const update = {
      e: "depthUpdate",
      E: at,
      T: at,
      s: "BTCUSDT",
      U: nth,
      u: nth,
      pu: nth - 1,
      b: [["100.5", `${nth + 1}`]],
      a: [["101", "0.25"]],
    };
    const trade = { e: "trade", E: at, T: at, s: "BTCUSDT", t: nth, p: "101", q: "0.125", m: false };
    return `${at}000000 ${JSON.stringify(update)}\n${at}000000 ${JSON.stringify(trade)}\n`;
  });
  try {
    await writeFile(join(folder, "btcusdt.dat"), lines.join(""));
    const store = new MemoryTapeStore();
    await importRecording([join(folder, "btcusdt.dat")], { id: "small" }, { store });
    return store;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("reading a track", () => {
  test("[ET13] what was read is in the cache: reading again, and two readers at once, ask the store once", async () => {
    const reads: string[] = [];
    const store = interceptReads(await smallTape(), (file, _, bytes) => {
      if (file.endsWith(".parquet")) reads.push(file);
      return bytes;
    });
    const track = await trackOf(store, "small@1");
    const [one, two] = await Promise.all([all(track.events()), all(track.events())]);
    expect(one).toEqual(two);
    expect(one).toHaveLength(60);
    const once = [...reads].sort();
    // The footer, the rows and where they come from.
    expect(once).toEqual(["book", "book", "book", "trades", "trades", "trades"].map((file) => `${file}.parquet`));
    expect(await all(track.events())).toEqual(one);
    expect([...reads].sort()).toEqual(once);
  });

  test.each([
    ["book.parquet is cut off", (bytes: Buffer) => bytes.subarray(0, bytes.length - 1)],
    ["book.parquet is not what was written", (bytes: Buffer) => Buffer.alloc(bytes.length)],
  ])("[ET14] a damaged file is refused by its name: %s", async (message, damage) => {
    const store = interceptReads(await smallTape(), (file, _, bytes) =>
      file === "book.parquet" ? damage(bytes) : bytes,
    );
    const track = await trackOf(store, "small@1");
    await expect(all(track.events())).rejects.toMatchObject({
      code: "TAPE_DAMAGED",
      message: `Tape small@1 is damaged: ${message}.`,
    });
    await expect(track.bookAt({ seq: 3 })).rejects.toMatchObject({ code: "TAPE_DAMAGED" });
    expect(await all(track.tradeBatches())).toHaveLength(1);
  });

  test("[ET14] a damaged row group is refused with its events, and is read again once it is repaired", async () => {
    let damaged = true;
    const store = interceptReads(await smallTape(), (file, offset, bytes) => {
      if (!damaged || file !== "book.parquet" || offset + bytes.length > 1_000) return bytes;
      const changed = Buffer.from(bytes);
      changed.fill(0, bytes.length / 2, bytes.length / 2 + 8);
      return changed;
    });
    const track = await trackOf(store, "small@1");
    await expect(track.bookAt({ seq: 3 })).rejects.toThrow(
      "book.parquet cannot be read from row 0 to 59 (events 1 to 59)",
    );
    damaged = false;
    expect((await track.bookAt({ seq: 3 })).bids).toEqual([[100.5, 4]]);
  });

  test("[ET14] while the store is away, reading is refused as unavailable, and goes on when it is back", async () => {
    let away = true;
    const store = interceptReads(await smallTape(), (file, _, bytes) => {
      if (away && file.endsWith(".parquet")) throw new StoreUnavailable(new Error("connection refused"));
      return bytes;
    });
    const track = await trackOf(store, "small@1");
    await expect(all(track.events())).rejects.toMatchObject({ code: "UNAVAILABLE" });
    away = false;
    expect(await all(track.events())).toHaveLength(60);
  });
});
