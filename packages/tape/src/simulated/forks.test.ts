import { analyticsVersion } from "@tapedeck/market";
import { checkFrame, checkNext } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { TapeNotFound } from "../errors.js";
import { BlockCache, minCacheBytes } from "../reading/block-cache.js";
import { cuts } from "../reading/cuts.js";
import { render } from "../reading/render.js";
import { MemoryTapeStore } from "../store/memory-store.js";
import type { Pace, Seq, Tape } from "../tape.js";
import { TapeCatalog } from "../tape-catalog.js";
import type { PlacedOrder } from "./forks.js";
import { lastSharedFrame } from "./sharing/shared-frames.js";
import { SimulatedTapes } from "./simulated-tapes.js";
import { InlineGenerator } from "./testing/inline-generator.js";

const base = `sim2.BTCUSDT.42.calm@${analyticsVersion}`;

/** The simulated tapes of a process of the cluster, with the list of orders that all of them read. */
function inline(list: PlacedOrder[]): SimulatedTapes {
  const maker = new InlineGenerator();
  return new SimulatedTapes(new BlockCache(minCacheBytes), maker, async () => list, maker);
}

/** The same with threads, and all other tapes. */
function node(list: PlacedOrder[]): TapeCatalog {
  return new TapeCatalog(new MemoryTapeStore(), { cacheBytes: minCacheBytes, orders: async () => list });
}

/** Gives an order on a tape and puts it down. */
async function give(
  on: Pick<TapeCatalog, "fork">,
  list: PlacedOrder[],
  tape: string,
  seq: Seq,
  side: "BUY" | "SELL",
  quantity: number,
) {
  const forked = await on.fork(tape, "me:1", { seq, side, quantity });
  if (forked === undefined) throw new Error("the order got nothing");
  list.push(forked.order);
  return forked;
}

async function frame(tape: Tape, seq: Seq): Promise<string> {
  return (tape.block(seq) ?? (await tape.load(seq))).json(seq);
}

const ownTrades = (json: string): { price: number; size: number; side: string }[] =>
  JSON.parse(json).trades.filter(({ own }: { own?: boolean }) => own);

test("[SO1] [SO2] an order's fill shows in its frame; all before is the market as it was, and so is what comes when it is felt no more", async () => {
  const list: PlacedOrder[] = [];
  const here = node(list);
  const { tape, fill } = await give(here, list, base, 1_234, "BUY", 2);
  expect(tape).toMatch(/^sim2\.BTCUSDT\.42\.calm~[0-9a-f]{12}~me:1@/);
  const [market, own] = [await here.open(base), await here.open(tape)];
  for (const seq of [0, 599, 1_199, 1_200, 1_233, 5_400, 9_000])
    expect(await frame(own, seq)).toBe(await frame(market, seq));
  expect(ownTrades(await frame(own, 1_233))).toEqual([]);
  const trades = ownTrades(await frame(own, 1_234));
  const size = trades.reduce((sum, trade) => sum + trade.size, 0);
  expect([fill.size, size]).toEqual([2, expect.closeTo(2, 8)]);
  expect(trades.reduce((sum, trade) => sum + (trade.size * trade.price) / size, 0)).toBeCloseTo(fill.price, 5);
  expect(trades.every(({ side }) => side === "buy")).toBe(true);
  expect(JSON.parse(await frame(own, 1_234)).best_ask).toBeGreaterThanOrEqual(
    JSON.parse(await frame(own, 1_233)).best_ask,
  );
  expect(await frame(own, 1_235)).not.toBe(await frame(market, 1_235));
  // Analytics remember the minute before; the market itself does not.
  expect(JSON.parse(await frame(own, 4_800)).bids).toEqual(JSON.parse(await frame(market, 4_800)).bids);
});

test("[SO1] an order's trades are in its frame, and dated as its fill, also if the frame before ended with a trade", async () => {
  const list: PlacedOrder[] = [];
  const here = node(list);
  const first = await give(here, list, `sim2.BTCUSDT.3.calm@${analyticsVersion}`, 82, "BUY", 2);
  const { tape, fill } = await give(here, list, first.tape, 84, "BUY", 2);
  expect(fill.timestamp).toMatch(/:08\.399Z$/); // a millisecond early
  const [before, after] = [await here.open(first.tape), await here.open(tape)];
  expect(await frame(after, 83)).toBe(await frame(before, 83));
  const trades: { timestamp: string; own?: boolean }[] = JSON.parse(await frame(after, 84)).trades;
  const own = trades.filter((trade) => trade.own);
  expect(own.length).toBeGreaterThan(0);
  expect(own.every(({ timestamp }) => timestamp === fill.timestamp)).toBe(true);
});

test("[SO1] [SO2] [SO3] orders around the end of a minute are like any other", async () => {
  const list: PlacedOrder[] = [];
  const here = inline(list);
  const orders = [
    [598, "SELL", 8],
    [599, "BUY", 5],
    [600, "SELL", 2],
  ] as const;
  let tape = base;
  let before = await here.open(base);
  for (const [seq, side, quantity] of orders) {
    const given = await give(here, list, tape, seq, side, quantity);
    const after = await here.open(given.tape);
    for (const earlier of [500, seq - 30, seq - 1])
      expect(await frame(after, earlier)).toBe(await frame(before, earlier));
    const got = ownTrades(await frame(after, seq));
    expect(got.reduce((sum, { size }) => sum + size, 0)).toBeCloseTo(quantity, 8);
    expect(given.fill.mid).toBe(JSON.parse(await frame(after, seq)).mid_price);
    [tape, before] = [given.tape, after];
  }
  const there = await inline(list).open(tape);
  let previous: unknown;
  for (let seq = 610; seq >= 530; seq--) expect(await frame(there, seq)).toBe(await frame(before, seq));
  for (let seq = 530; seq <= 610; seq++) {
    const parsed: unknown = JSON.parse(await frame(there, seq));
    expect(checkFrame(parsed)).toEqual([]);
    if (previous !== undefined) expect(checkNext(previous, parsed)).toEqual([]);
    previous = parsed;
  }
});

test("[SO3] any node makes the same bytes, whichever order it came to them in", async () => {
  const list: PlacedOrder[] = [];
  const here = inline(list);
  let { tape } = await give(here, list, base, 700, "BUY", 1);
  ({ tape } = await give(here, list, tape, 700, "SELL", 1));
  ({ tape } = await give(here, list, tape, 1_250, "SELL", 3));
  const [one, other] = [await here.open(tape), await inline(list).open(tape)];
  const places = [1_900, 1_250, 700, 1_199, 650, 1_251];
  const bytes = new Map<Seq, string>();
  for (const seq of [...places].reverse()) bytes.set(seq, await frame(one, seq));
  for (const seq of places) expect(await frame(other, seq)).toBe(bytes.get(seq));
  expect(ownTrades(bytes.get(700) ?? "").map(({ side }) => side)).toEqual(expect.arrayContaining(["buy", "sell"]));
  let before: unknown;
  for (let seq = 690; seq < 1_300; seq++) {
    const parsed: unknown = JSON.parse(await frame(one, seq));
    expect(checkFrame(parsed)).toEqual([]);
    if (before !== undefined) expect(checkNext(before, parsed)).toEqual([]);
    before = parsed;
  }
});

test("[SO4] an order after a rewind follows on the orders up to there; the tape with the others stays what it was", async () => {
  const list: PlacedOrder[] = [];
  const here = inline(list);
  const first = await give(here, list, base, 100, "BUY", 1);
  const second = await give(here, list, first.tape, 200, "BUY", 1);
  const branch = await give(here, list, second.tape, 150, "SELL", 1);
  expect([second.order.after, branch.order.after]).toEqual([first.order.id, first.order.id]);
  expect([first, second, branch].map(({ appended }) => appended)).toEqual([false, true, false]);
  const there = inline(list);
  const sides = async (tape: string) => {
    const opened = await there.open(tape);
    return Promise.all([100, 150, 200].map(async (seq) => ownTrades(await frame(opened, seq))[0]?.side));
  };
  expect(await sides(second.tape)).toEqual(["buy", undefined, "buy"]);
  expect(await sides(branch.tape)).toEqual(["buy", "sell", undefined]);
});

test("[SO5] beyond the depth of the book an order is filled in part; too small a one gets nothing", async () => {
  const list: PlacedOrder[] = [];
  const here = inline(list);
  const { fill, tape } = await give(here, list, base, 300, "SELL", 1e6);
  expect(fill.size).toBeGreaterThan(1);
  expect(fill.size).toBeLessThan(1e6);
  expect(checkFrame(JSON.parse(await frame(await here.open(tape), 300)))).toEqual([]);
  expect(await here.fork(base, "me", { seq: 300, side: "BUY", quantity: 1e-9 })).toBeUndefined();
});

test("[SO6] a tape with orders is its session's alone, and is gone with them", async () => {
  const list: PlacedOrder[] = [];
  const here = node(list);
  const { tape } = await give(here, list, base, 300, "SELL", 1);
  expect(await here.choose({ tape })).toBeUndefined();
  await expect(here.view(tape)).rejects.toBeInstanceOf(TapeNotFound);
  await expect(here.overview(tape, 10)).rejects.toBeInstanceOf(TapeNotFound);
  await expect(node([]).open(tape)).rejects.toBeInstanceOf(TapeNotFound);
});

test("[TR60] [TR61] what a market has yet to see makes no work before its frame, and several orders of a frame make it once", async () => {
  const list: PlacedOrder[] = [];
  const maker = new InlineGenerator();
  const here = new SimulatedTapes(new BlockCache(minCacheBytes), maker, async (_, from) => list.slice(from), maker);
  const market = await here.open(base);
  const before = await frame(market, 149);
  const names: string[] = [base];
  for (const sent of [1, 2, 3]) {
    const settled = { seq: 150, sent, side: "BUY", quantity: 1 } as const;
    const reacting = await here.react(names.at(-1) ?? "", "me", settled);
    if (reacting === undefined) throw new Error("the market sees no more");
    list.push(reacting.order);
    names.push(reacting.tape);
    expect(await frame(await here.open(reacting.tape), 149)).toBe(before);
  }
  const own = await here.open(names.at(-1) ?? "");
  expect([maker.generated, lastSharedFrame(market, own)]).toEqual([1, 149]);
  const pace = { timeline: own.timeline("keep"), anchorNs: 0, speed: 1, maxFps: 2 } as const;
  const partly = await Promise.all([render(own, 140, 149), firstCut(own, pace, 147)]);
  expect(maker.generated).toBe(2); // the cut lies beyond the order's frame
  const trades = ownTrades(await frame(own, 150));
  expect(trades.reduce((sum, { size }) => sum + size, 0)).toBeCloseTo(3, 8);
  expect(await Promise.all([render(own, 140, 149), firstCut(own, pace, 147)])).toEqual(partly);
  expect((await here.undo(own.id, 1)).id).toBe(names[1]);
  expect((await here.undo(own.id, -1)).id).toBe(base);
  expect(await frame(await inline(list).open(own.id), 152)).toBe(await frame(own, 152));
});

async function firstCut(tape: Tape, pace: Pace, after: Seq): Promise<number | undefined> {
  for await (const { seq } of cuts(tape, pace, after, after + 50)) return seq;
  return undefined;
}
