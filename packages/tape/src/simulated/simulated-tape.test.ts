import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { analyticsVersion } from "@tapedeck/market";
import { checkFrame, checkNext } from "@tapedeck/protocol";
import { describe, expect, test } from "vitest";
import { TapeNotFound } from "../errors.js";
import { BlockCache, minCacheBytes } from "../reading/block-cache.js";
import { cuts } from "../reading/cuts.js";
import { render, renderStretch } from "../reading/render.js";
import { MemoryTapeStore } from "../store/memory-store.js";
import type { Seq, Tape } from "../tape.js";
import { TapeCatalog } from "../tape-catalog.js";
import { generateSegment } from "./generate-segment.js";
import type { MarketSearch } from "./search-thread.js";
import { type SegmentGenerator, SegmentPool } from "./segment-pool.js";
import { parseSimulatedName, simulatedId } from "./simulated-name.js";
import type { SimulatedTape } from "./simulated-tape.js";
import { SimulatedTapes } from "./simulated-tapes.js";
import { InlineGenerator } from "./testing/inline-generator.js";

const mixed = `sim2.BTCUSDT.42.mixed@${analyticsVersion}`;
const day = 864_000;

function open(
  text = mixed,
  maker: SegmentGenerator = new InlineGenerator(),
  search: MarketSearch = maker instanceof InlineGenerator ? maker : new InlineGenerator(),
): SimulatedTape {
  const name = parseSimulatedName(text);
  if (name === undefined) throw new Error(`${text} names no simulated tape`);
  return new SimulatedTapes(new BlockCache(minCacheBytes), maker, undefined, search).market(name);
}

async function frame(tape: Tape, seq: Seq): Promise<string> {
  return (tape.block(seq) ?? (await tape.load(seq))).json(seq);
}

describe("[SM20] a frame's bytes are the same however one came to it", () => {
  const places = [0, 59, 60, 599, 600, 1_199, 1_200, 1_201];

  test("forwards, backwards, at random, on another node", async () => {
    const played = open();
    const bytes = new Map<Seq, string>();
    for (const seq of places) bytes.set(seq, await frame(played, seq));
    const rewound = open();
    for (const seq of [...places].reverse()) expect(await frame(rewound, seq)).toBe(bytes.get(seq));
    for (const seq of [1_200, 59, 599]) expect(await frame(open(), seq)).toBe(bytes.get(seq));
  });

  test("in a thread as in this one", async () => {
    const pool = new SegmentPool(1);
    try {
      const [threaded, inline] = [open(mixed, pool), open()];
      for (const seq of [day, day + 330]) expect(await frame(threaded, seq)).toBe(await frame(inline, seq));
    } finally {
      await pool.close();
    }
  });

  test("and different with another seed", async () => {
    expect(await frame(open(`sim2.BTCUSDT.43.mixed@${analyticsVersion}`), 700)).not.toBe(await frame(open(), 700));
  });
});

test("[SM21] every frame keeps the rules of frames, next to the one before it, over borders of segments too", async () => {
  const tape = open();
  let before: unknown;
  for (let seq = 300; seq < 1_500; seq++) {
    const text = await frame(tape, seq);
    const parsed: unknown = JSON.parse(text);
    expect(checkFrame(parsed)).toEqual([]);
    if (before !== undefined) expect(checkNext(before, parsed)).toEqual([]);
    before = parsed;
  }
});

test("[SM22] there are ten frames a second without exception, and seq and time follow from each other", async () => {
  const tape = open();
  const block = await tape.load(day);
  expect([block.nsOf(day), await tape.nsOf(day), await tape.seqAt(day * 1e8)]).toEqual([day * 1e8, day * 1e8, day]);
  expect(await tape.seqAt(day * 1e8 - 1)).toBe(day - 1);
  expect(await tape.seqAt(Number.MAX_SAFE_INTEGER)).toBe(tape.span.lastSeq);
  expect(tape.iso(tape.span.lastNs)).toBe("2025-04-02T00:31:59.999Z");
  expect(JSON.parse(block.json(day)).timestamp).toBe(tape.iso(day * 1e8));
  const last = await tape.load(tape.span.lastSeq);
  expect(last.lastSeq).toBe(tape.span.lastSeq);
});

test("[SM23] it is cut and rendered as any tape is, with every trade once", async () => {
  const tape = open();
  const pace = { timeline: tape.timeline("skip"), anchorNs: 0, speed: 100, maxFps: 20 };
  let prev = -1;
  let trades = 0;
  for await (const { seq } of cuts(tape, pace, prev, 1_799)) {
    trades += JSON.parse(await render(tape, prev, seq)).trades.length;
    prev = seq;
  }
  let recorded = 0;
  for (let seq = 0; seq < 1_800; seq++) recorded += (tape.block(seq) ?? (await tape.load(seq))).tradeCountOf(seq);
  expect([prev, trades]).toEqual([1_799, recorded]);
});

test("[SM24] a segment is made once for all who wait for it, and the next one before it is needed", async () => {
  const maker = new InlineGenerator();
  const tape = open(mixed, maker);
  await Promise.all([tape.load(0), tape.load(10), tape.load(200)]);
  expect(maker.generated).toBe(1);
  tape.block(301);
  expect(maker.generated).toBe(2);
  await tape.load(600);
  expect(tape.block(1_199)).toBeDefined();
  expect(maker.generated).toBe(3);
});

/** A thread loads and compiles all it needs before its first block, which takes long where many others are at work. */
const threadMs = 60_000;

describe("[SM32] a thread suspends a segment for one that a reader waits for", () => {
  const name = parseSimulatedName(mixed);
  if (name === undefined) throw new Error(`${mixed} names no simulated tape`);
  const sum = (blocks: readonly Uint8Array[]) => {
    const hash = createHash("sha256");
    for (const block of blocks) hash.update(block);
    return hash.digest("hex");
  };

  test(
    "which comes first, though it was asked for later; the bytes of both are what they are",
    async () => {
      const pool = new SegmentPool(1);
      const made: { readonly segment: number; readonly block: Uint8Array }[] = [];
      // Both are asked for before the thread runs, so it is at work on the one when it finds the other.
      const make = (segment: number, wanted: boolean) =>
        pool.generate(
          { name, segment },
          (block) => made.push({ segment, block }),
          () => wanted,
        );
      try {
        await Promise.all([make(1, false), make(1_440, true)]);
      } finally {
        await pool.close();
      }
      const order = made.map(({ segment }) => segment);
      expect(order).toEqual([...new Array<number>(10).fill(1_440), ...new Array<number>(10).fill(1)]);
      for (const segment of [1, 1_440]) {
        const blocks: Uint8Array[] = [];
        generateSegment(name, segment, (block) => blocks.push(block));
        expect(sum(made.filter((each) => each.segment === segment).map(({ block }) => block))).toBe(sum(blocks));
      }
    },
    threadMs,
  );

  test(
    "[SO28] and any segment for an order, though others have waited for longer",
    async () => {
      const pool = new SegmentPool(1);
      const done: string[] = [];
      const make = async (segment: number) => {
        await pool.generate(
          { name, segment },
          () => undefined,
          () => true,
        );
        done.push(`segment ${segment}`);
      };
      const order = { seq: 5, side: "BUY", quantity: 1 } as const;
      try {
        const segments = [make(1), make(2), make(3)];
        await pool.fill({ name, orders: [order] });
        done.push("order");
        await Promise.all(segments);
      } finally {
        await pool.close();
      }
      expect(done).toEqual(["order", "segment 1", "segment 2", "segment 3"]);
    },
    threadMs,
  );

  test("as often as another one comes, wherever it is in its minutes", () => {
    const alone: Uint8Array[] = [];
    generateSegment(name, 7, (block) => alone.push(block));
    const between: Uint8Array[] = [];
    let pauses = 0;
    const pause = () => {
      if (pauses++ % 7 === 0) generateSegment(name, 3 + pauses, () => undefined);
    };
    generateSegment(name, 7, (block) => between.push(block), { pause });
    expect(pauses).toBe(20);
    expect(sum(between)).toBe(sum(alone));
  });

  test("and who waits for one of its blocks waits for it no longer when that is there", async () => {
    const wanted: boolean[] = [];
    const tape = open(mixed, {
      generate: async ({ name, segment }, take, isWanted) => {
        await Promise.resolve(); // by then it is known what is asked for
        wanted.push(isWanted());
        const events = generateSegment(name, segment, (block) => {
          take(block);
          wanted.push(isWanted());
        });
        return events;
      },
      fill: async () => undefined,
    });
    await tape.load(130);
    expect(wanted).toEqual([true, true, true, ...new Array<boolean>(8).fill(false)]);
  });
});

describe("[SM33] the loop that renders makes no market", () => {
  test(
    "while a seek is made ready, frames of others are rendered",
    async () => {
      const catalog = new TapeCatalog(new MemoryTapeStore(), { cacheBytes: 32 << 20 }); // as services have it
      const shown = await catalog.open(mixed);
      await shown.load(0);
      const sought = await catalog.open(`sim2.BTCUSDT.44.mixed@${analyticsVersion}`);
      let there = false;
      const seek = sought.load(day).finally(() => {
        there = true;
      });
      let rendered = 0;
      for (; !there; rendered++) {
        expect(renderStretch(shown, 0, 9)).toContain('"seq":9');
        await new Promise(setImmediate);
      }
      await seek;
      // A loop that made the segment itself would have come by once, or a few times if it paused now and then.
      expect(rendered).toBeGreaterThan(50);
    },
    threadMs,
  );

  test("nothing but a thread's own module, its practice, and the command line's can make a segment", async () => {
    const folder = new URL(".", import.meta.url);
    const names = (await readdir(folder)).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
    const makers: string[] = [];
    for (const name of names) {
      const text = await readFile(new URL(name, folder), "utf8");
      if (/^import \{[^}]*\} from "\.\/(generate-segment|track\/generate-track)\.js"/m.test(text)) makers.push(name);
    }
    expect(makers).toEqual(["in-place-generator.ts", "search-worker.ts", "segment-worker.ts", "warm-up.ts"]);
    const services = new URL("../../../../services/", import.meta.url);
    for (const name of await readdir(services, { recursive: true })) {
      if (!/\/src\/.*\.ts$/.test(name)) continue;
      expect([name, (await readFile(new URL(name, services), "utf8")).includes("simulatedTapeInPlace")]).toEqual([
        name,
        false,
      ]);
    }
  });
});

test("[SM25] a failure reaches its readers, and is not remembered", async () => {
  let fails = true;
  const tape = open(mixed, {
    generate: async ({ name, segment }, take) => {
      if (fails) throw new Error("no memory");
      return generateSegment(name, segment, take);
    },
    fill: async () => undefined,
  });
  await expect(tape.load(0)).rejects.toThrow("no memory");
  fails = false;
  expect((await tape.load(0)).firstSeq).toBe(0);
});

test("[SM26] labels lie on the tape, and in no frame", async () => {
  const tape = open(`sim2.BTCUSDT.7.spoofing-high@${analyticsVersion}`);
  const [label, ...more] = tape.labels(0, 120e9);
  expect([label?.kind, label?.severity, more.length]).toEqual(["spoofing", "high", 0]);
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const calm = open(`sim2.BTCUSDT.7.calm@${analyticsVersion}`);
  const before = Math.floor((label?.fromNs ?? 0) / 1e8) - 1;
  // Up to what is staged the market is that of the calm scenario.
  expect(hash(await frame(tape, before))).toBe(hash(await frame(calm, before)));
  expect(hash(await frame(tape, before + 50))).not.toBe(hash(await frame(calm, before + 50)));
});

test("[SM27] the next event is found, and the one before it", async () => {
  const tape = open(`sim2.BTCUSDT.7.flash_crash-high@${analyticsVersion}`);
  const next = await tape.findEvent(600, "next");
  expect(next?.seq).toBeGreaterThan(600);
  const seq = next?.seq ?? 0;
  expect(JSON.parse(await frame(tape, seq)).anomalies[0]?.type).toBe(next?.type);
  expect((await tape.findEvent(seq + 1, "previous"))?.seq).toBe(seq);
  expect(await tape.findEvent(0, "previous")).toBeUndefined();
});

test("[SM34] a search looks fifteen minutes ahead or back, and no further", async () => {
  const maker = new InlineGenerator();
  const searched: number[] = [];
  const eventful = new Set<number>();
  const tape = open(`sim2.BTCUSDT.7.calm@${analyticsVersion}`, maker, {
    prices: (task) => maker.prices(task),
    levels: (task) => maker.levels(task),
    orders: (task) => maker.orders(task),
    track: (task) => maker.track(task),
    events: async ({ segment }) => {
      searched.push(segment);
      const seq = 600 * segment;
      return eventful.has(segment) ? [{ seq, ns: seq * 1e8, type: "SPOOFING", severity: "high" }] : [];
    },
  });
  const minutes = (first: number, last: number) =>
    Array.from({ length: Math.abs(last - first) + 1 }, (_, nth) => first + nth * Math.sign(last - first));
  eventful.add(1_456).add(2_864).add(5_015).add(6_985);
  expect(await tape.findEvent(day, "next")).toBeUndefined();
  expect(searched.splice(0)).toEqual(minutes(1_440, 1_455)); // the last of them up to its first frame
  expect(await tape.findEvent(2 * day + 300, "previous")).toBeUndefined();
  expect(searched.splice(0)).toEqual(minutes(2_880, 2_865));
  expect(await tape.findEvent(600, "previous")).toBeUndefined();
  expect(searched.splice(0)).toEqual([1, 0]);
  expect((await tape.findEvent(5_000 * 600, "next"))?.seq).toBe(5_015 * 600);
  expect((await tape.findEvent(7_000 * 600, "previous"))?.seq).toBe(6_985 * 600);
});

test("[SM37] events of a minute that was searched or made are not searched for again", async () => {
  const maker = new InlineGenerator();
  const tape = open(`sim2.BTCUSDT.7.flash_crash-high@${analyticsVersion}`, maker);
  await tape.load(600);
  await tape.findEvent(600, "next");
  const { searched } = maker;
  expect(searched).toBeLessThan(16);
  await tape.findEvent(600, "next");
  expect(maker.searched).toBe(searched);
});

test("[SM36] a search is given up when its signal aborts", async () => {
  const gone = new AbortController();
  const searched: number[] = [];
  const maker = new InlineGenerator();
  const tape = open(`sim2.BTCUSDT.7.calm@${analyticsVersion}`, maker, {
    prices: (task) => maker.prices(task),
    levels: (task) => maker.levels(task),
    orders: (task) => maker.orders(task),
    track: (task) => maker.track(task),
    events: async (task, signal) => {
      signal?.throwIfAborted();
      searched.push(task.segment);
      if (searched.length === 2) gone.abort(new Error("left"));
      return [];
    },
  });
  await expect(tape.findEvent(day, "next", {}, gone.signal)).rejects.toThrow("left");
  expect(searched).toEqual([1_440, 1_441]);
});

describe("[SM29] the bytes of a simulated tape are pinned: a change of them is a new generator or new analytics", () => {
  const sum = (name: string) => {
    const hash = createHash("sha256");
    const parsed = parseSimulatedName(name);
    if (parsed === undefined) throw new Error(`${name} names no simulated tape`);
    generateSegment(parsed, 1, (bytes) => hash.update(bytes));
    return hash.digest("hex");
  };

  test.each([
    ["42.mixed", "8746af867319e7a1ee199a9639e836c01aa6059d33d5b5eb73d5d51fdaf562ac"],
    ["7.spoofing", "4ceef632cf0fb2148b40d4515a633c9bbdd216a84951cf34290cbb5b54ec1339"],
    ["7.layering", "5453db8719a2595a777dee31fd9c9d9a1a23650d585dbf2e6de423181d71c43f"],
    ["7.iceberg", "c48101b0838faadd23991f815ecc82ab9db4e535fb9ccaea9ee0ffdedd0eac61"],
    ["7.liquidity_gap", "09443aec007937ebeb3c3ed2576d4fbc7078835f8fe111cfca612c6632edf562"],
    ["7.momentum_ignition", "c1e7631a4762466d4420e6d0f5642ddccbbe9461d51c610402953d1bd2c020b4"],
    ["7.flash_crash", "436b152b8982bd0de01fb3fc6cabf4aeef7a5de98d661045c1175c0f27eb5e7a"],
  ])("sim2.BTCUSDT.%s", (rest, expected) => {
    expect(sum(`sim2.BTCUSDT.${rest}@3`)).toBe(expected);
  });

  test("a name without a version means the current analytics", () => {
    expect(parseSimulatedName("sim2.BTCUSDT.42.mixed")?.version).toBe(analyticsVersion);
  });
});

describe("[SM28] a simulated tape is opened by its name alone", () => {
  const catalog = new TapeCatalog(new MemoryTapeStore(), { cacheBytes: minCacheBytes });

  test("with or without version, as one tape", async () => {
    const tape = await catalog.open(mixed);
    expect(tape.id).toBe(mixed);
    expect(await catalog.open("sim2.BTCUSDT.42.mixed")).toBe(tape);
    expect(await catalog.choose({ tape: "sim2.BTCUSDT.42.mixed" })).toBe(tape);
    expect((await catalog.view(mixed)).id).toBe("sim2.BTCUSDT.42.mixed");
    expect((await catalog.overview(mixed, 100)).points).toHaveLength(100);
    expect(await catalog.list()).toEqual([]);
  });

  test.each([
    "sim2.BTCUSDT.42.nonsense",
    "sim9.BTCUSDT.42.calm",
    "sim1.BTCUSDT.42.calm@1",
    "sim2.BTCUSDT.42.calm@2",
    "sim2.BTCUSDT.42.calm@99",
    "sim2.BTCUSDT.42",
  ])("%s is none", async (name) => {
    await expect(catalog.open(name)).rejects.toBeInstanceOf(TapeNotFound);
  });

  test("one market has one name", () => {
    const name = { generator: 2, symbol: "BTCUSDT", seed: "x-1", scenario: "layering,spoofing:high" };
    expect(simulatedId(name)).toBe("sim2.BTCUSDT.x-1.layering.spoofing-high");
    expect(parseSimulatedName(simulatedId(name))).toEqual({ ...name, version: analyticsVersion });
    expect(parseSimulatedName("sim2.BTCUSDT.x-1.spoofing-high.layering")).toBeUndefined();
    expect(() => simulatedId({ ...name, seed: "a b" })).toThrow(RangeError);
  });
});
