import { analyticsVersion, type BookLevel, framesPerSegment, incidentKinds, segments } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { BlockCache, minCacheBytes } from "../../reading/block-cache.js";
import type { Seq, Tape } from "../../tape.js";
import { BookReplay } from "../../track/book-replay.js";
import { trackOf } from "../../track/track-of.js";
import type { TrackedEvent, TrackPlace, TrackRange } from "../../track/track-reader.js";
import type { PlacedOrder } from "../forks.js";
import { SimulatedTapes } from "../simulated-tapes.js";
import { InlineGenerator } from "../testing/inline-generator.js";
import { numbersPerSegment } from "./segment-track.js";

const mixed = `sim2.BTCUSDT.42.mixed@${analyticsVersion}`;

/** A process with simulated tapes, and the orders that all processes read. */
function node(orders: PlacedOrder[] = [], maker = new InlineGenerator()): SimulatedTapes {
  return new SimulatedTapes(new BlockCache(minCacheBytes), maker, async () => orders, maker);
}

const shownFrame = z.object({
  bids: z.array(z.tuple([z.number(), z.number()])),
  asks: z.array(z.tuple([z.number(), z.number()])),
  trades: z.array(z.looseObject({ timestamp: z.string(), price: z.number(), size: z.number(), side: z.string() })),
});

async function frame(tape: Tape, seq: Seq) {
  return shownFrame.parse(JSON.parse((tape.block(seq) ?? (await tape.load(seq))).json(seq)));
}

async function eventsOf(tape: Tape, range: TrackRange): Promise<TrackedEvent[]> {
  const events: TrackedEvent[] = [];
  for await (const event of trackOf(tape).events(range)) events.push(event);
  return events;
}

const present = (levels: readonly BookLevel[]) => levels.filter(([, size]) => size > 0);

/** Compares all frames of a range with what the events make. Returns how many there are. */
async function compareFrames(
  tape: Tape,
  from: Seq,
  to: Seq,
): Promise<{ readonly frames: number; readonly trades: number }> {
  const track = trackOf(tape);
  const book = new BookReplay();
  if (from > 0) {
    const { n, bids, asks } = await track.bookAt({ seq: from - 1 });
    const units = (side: "bid" | "ask", levels: typeof bids) =>
      levels.map(
        ([price, size]) =>
          [side, Math.round(price * 10 ** track.decimals.price), Math.round(size * 10 ** track.decimals.size)] as const,
      );
    book.start(n, [...units("bid", bids), ...units("ask", asks)]);
  }
  const events = await eventsOf(tape, { from: { seq: from }, to: { seq: to + 1 } });
  let [at, trades] = [0, 0];
  for (let seq = from; seq <= to; seq++) {
    const traded: object[] = [];
    for (let event = events[at]; event?.seq === seq; event = events[++at]) {
      if (event.kind === "trade") {
        const { timestampNs, price, amount, side } = event;
        traded.push({ timestamp: isoOfNs(timestampNs, 3), price: Number(price), size: Number(amount), side });
        continue;
      }
      if (event.isSnapshot) book.start(event.n, []);
      for (const { side, priceUnits, amountUnits } of event.levels) book.book.set(side, priceUnits, amountUnits);
    }
    const shown = await frame(tape, seq);
    const top = (side: typeof book.book.bids): BookLevel[] =>
      side.top(20).map(([price, size]) => [price / 10 ** track.decimals.price, size / 10 ** track.decimals.size]);
    const made = [seq, top(book.book.bids), top(book.book.asks), traded];
    const showsTrades = shown.trades.map(({ timestamp, price, size, side }) => ({ timestamp, price, size, side }));
    const shows = [seq, present(shown.bids), present(shown.asks), showsTrades];
    // The matcher costs more than the frame, so it only speaks where the texts differ.
    if (JSON.stringify(made) !== JSON.stringify(shows)) expect(made).toEqual(shows);
    trades += traded.length;
  }
  expect(at).toBe(events.length);
  return { frames: to - from + 1, trades };
}

describe("[ET60] the best 20 levels and the trades that the events make are those of each frame", () => {
  test("from the beginning, across minutes", async () => {
    const { frames, trades } = await compareFrames(await node().open(mixed), 0, 1_299);
    expect(frames).toBe(1_300);
    expect(trades).toBeGreaterThan(1_000);
  });

  test.each([
    ["sim2.BTCUSDT.7.flash_crash-high", 600],
    ["sim2.ETHUSDT.7.quote_stuffing-high", 600],
    ["sim2.BTCUSDT.8.iceberg.wash_trading", 1_790],
    ["sim2.ANY.9.layering.spoofing-high", 77_999_400],
    ["sim2.BTCUSDT.3.large_order.liquidity_gap", 4_190],
    ["sim2.BTCUSDT.3.momentum_ignition.news", 600],
  ])("through the incidents of %s from frame %d on", async (name, from) => {
    await compareFrames(await node().open(name), from, from + 620);
  });

  test("with orders of a user, in their minute, across its end, and when their effect has ended", async () => {
    const orders: PlacedOrder[] = [];
    const here = node(orders);
    let tape = mixed;
    for (const [seq, side, quantity] of [
      [598, "SELL", 8],
      [599, "BUY", 5],
      [600, "SELL", 2],
      [1_250, "SELL", 1e6],
    ] as const) {
      const forked = await here.fork(tape, "me", { seq, side, quantity });
      if (forked === undefined) throw new Error("the order got nothing");
      orders.push(forked.order);
      tape = forked.tape;
    }
    const own = await here.open(tape);
    await compareFrames(own, 560, 1_300);
    await compareFrames(own, 4_780, 4_830);
    // An order changes nothing before it.
    const range = { from: { seq: 0 }, to: { seq: 598 } };
    expect(await eventsOf(own, range)).toEqual(await eventsOf(await here.open(mixed), range));
  });
});

test("[ET60] in any market, at the end of any minute, with any orders of a user", { timeout: 180_000 }, async () => {
  const order = fc.record({
    frame: fc.integer({ min: 540, max: 640 }),
    side: fc.constantFrom("BUY", "SELL"),
    quantity: fc.integer({ min: 1, max: 40 }),
  });
  const markets = fc.record({
    symbol: fc.constantFrom("BTCUSDT", "ETHUSDT", "OTHER"),
    seed: fc.nat(),
    scenario: fc.constantFrom("calm", "mixed", ...incidentKinds),
    minute: fc.integer({ min: 0, max: segments - 2 }),
    given: fc.array(order, { maxLength: 3 }),
  });
  const property = fc.asyncProperty(markets, async ({ symbol, seed, scenario, minute, given }) => {
    const orders: PlacedOrder[] = [];
    const here = node(orders);
    let tape = `sim2.${symbol}.${seed}.${scenario}@${analyticsVersion}`;
    for (const { frame: at, side, quantity } of [...given].sort((a, b) => a.frame - b.frame)) {
      const forked = await here.fork(tape, "me", { seq: minute * framesPerSegment + at, side, quantity });
      if (forked === undefined) continue;
      orders.push(forked.order);
      tape = forked.tape;
    }
    const first = minute * framesPerSegment;
    await compareFrames(await here.open(tape), first + 520, first + 660);
  });
  await fc.assert(property, { numRuns: Number(process.env.TAPEDECK_MARKET_RUNS ?? 4) });
});

describe("[ET61] a number says its minute and its place in it, whoever asks", () => {
  test("whatever was read before", async () => {
    const range = { from: { seq: 1_190 }, to: { seq: 1_210 } };
    const once = await eventsOf(await node().open(mixed), range);
    const here = await node().open(mixed);
    await eventsOf(here, { from: { seq: 0 }, to: { seq: 3_000 } });
    expect(await eventsOf(here, range)).toEqual(once);
    expect(new Set(once.map(({ n }) => Math.floor(n / numbersPerSegment)))).toEqual(new Set([1, 2]));
    for (const [at, { n, timestampNs, seq }] of once.entries()) {
      const before = once[at - 1];
      if (before === undefined) continue;
      const isNext = n === before.n + 1 || n === 2 * numbersPerSegment + 1;
      expect([n, isNext, timestampNs >= before.timestampNs, seq >= before.seq]).toEqual([n, true, true, true]);
    }
  });

  test("ranges that join have each event once, wherever they are cut", async () => {
    const tape = await node().open(mixed);
    const whole = await eventsOf(tape, { from: { seq: 590 }, to: { seq: 610 } });
    const [first] = whole;
    for (const event of whole.filter((_, at) => at % 37 === 5)) {
      for (const cut of [{ n: event.n }, { seq: event.seq }, { ts: event.timestampNs }] satisfies TrackPlace[]) {
        const parts = [
          await eventsOf(tape, { from: { n: first?.n ?? 0 }, to: cut }),
          await eventsOf(tape, { from: cut, to: { seq: 610 } }),
        ];
        expect(parts.flat().map(({ n }) => n)).toEqual(whole.map(({ n }) => n));
      }
    }
  });
});

test("[ET62] the book at an event, a frame or a time is the same on each way to it", async () => {
  const tape = await node().open(mixed);
  const track = trackOf(tape);
  expect(await track.bookAt({ ts: tape.startNs - 10n ** 9n })).toMatchObject({ n: -1, bids: [], asks: [] });
  for (const seq of [0, 599, 600, 1_234]) {
    const bySeq = await track.bookAt({ seq });
    expect(await track.bookAt({ n: bySeq.n })).toEqual(bySeq);
    expect(await track.bookAt({ ts: tape.startNs + BigInt(seq) * 100_000_000n })).toEqual(bySeq);
    expect([bySeq.bids.length > 20, bySeq.asks.length > 20]).toEqual([true, true]);
  }
  // Nothing of the minute is in the book yet: the last event is of the minute before.
  const border = await track.bookAt({ n: numbersPerSegment });
  expect(border).toEqual(await track.bookAt({ n: numbersPerSegment - 1 }));
  expect(border.n).toBeLessThan(numbersPerSegment);
  expect(await track.bookAt({ seq: tape.span.lastSeq + 1 })).toEqual(await track.bookAt({ seq: tape.span.lastSeq }));
});

describe("[ET63] a range needs both ends, six hours apart at most", () => {
  const refusals: [range: TrackRange, message: RegExp][] = [
    [
      {},
      /^from: is required; tape sim2\.\S+ is simulated, and made when it is asked for, at most six hours at a time\.$/,
    ],
    [{ from: { seq: 0 } }, /^to: is required; /],
    [{ to: { seq: 5 } }, /^from: is required; /],
    [{ from: { seq: 0 }, to: { seq: 216_001 } }, /^to: must be at most six hours after from; /],
    [{ from: { n: 0 }, to: { n: 361 * numbersPerSegment } }, /^to: must be at most six hours after from; /],
    [{ from: { ts: 0n }, to: { seq: 5 } }, /^to: must be at most six hours after from; /],
  ];
  test.each(refusals)("so %o is refused", async (range, message) => {
    const maker = new InlineGenerator();
    const tape = await node([], maker).open(mixed);
    const track = trackOf(tape);
    for (const reading of [track.events(range), track.bookBatches(range), track.tradeBatches(range)]) {
      await expect(reading.next()).rejects.toMatchObject({
        code: "INVALID_VALUE",
        message: expect.stringMatching(message),
      });
    }
    expect(maker.tracked).toBe(0);
  });

  test("and six hours are read a minute at a time: one is made ahead, and none for who stops", async () => {
    const maker = new InlineGenerator();
    const tape = await node([], maker).open(mixed);
    const reading = trackOf(tape).bookBatches({ from: { seq: 600 }, to: { seq: 216_600 } });
    for (const made of [2, 3, 4]) {
      await reading.next();
      expect(maker.tracked).toBe(made);
    }
    await reading.return();
    expect(maker.tracked).toBe(4);
  });

  test("and a range beyond the tape, or one that ends before it begins, is empty", async () => {
    const maker = new InlineGenerator();
    const tape = await node([], maker).open(mixed);
    const end = tape.span.lastSeq + 1;
    expect(await eventsOf(tape, { from: { seq: end }, to: { seq: end + 10 } })).toEqual([]);
    expect(await eventsOf(tape, { from: { seq: 1_300 }, to: { seq: 700 } })).toEqual([]);
    expect(maker.tracked).toBe(0);
  });
});

test("[ET64] readers at the same time share what is made, and later ones find it in the cache", async () => {
  const maker = new InlineGenerator();
  const tape = await node([], maker).open(mixed);
  await Promise.all([trackOf(tape).bookAt({ seq: 700 }), trackOf(tape).bookAt({ seq: 1_000 })]);
  await eventsOf(tape, { from: { seq: 800 }, to: { seq: 900 } });
  expect([maker.tracked, maker.generated]).toEqual([1, 0]);
});
