import { controlAnswer } from "@tapedeck/protocol";
import { describe, expect } from "vitest";
import { type TestCluster, test } from "../support/cluster.js";
import "../support/expect.js";
import type { Viewer } from "../support/viewer.js";
import {
  anotherNode,
  bytes,
  framesOfOrders,
  holes,
  market,
  ownTrades,
  type Simulated,
  simulate,
  sizeOf,
} from "./simulate.js";

/** So slow, a frame a second, that it is known beforehand roughly which frames orders are in, on a busy machine too. */
const slowly = 0.1;
/** The first frame of the market's second minute. */
const border = 600;

async function order(cluster: TestCluster, { id }: Simulated, side: "BUY" | "SELL", quantity: number) {
  const session = await cluster.http.control(id, "order", { side, quantity });
  return { session, seq: (await framesOfOrders(cluster, id)).at(-1) ?? -1 };
}

/** At this pace a busy machine may refuse an order, since its frame would lie too far ahead ([SO27]). */
async function orderWhenNotBusy(cluster: TestCluster, mine: Simulated, side: "BUY" | "SELL", quantity: number) {
  const tried = () => cluster.http.call("POST", `/replay/order/${mine.id}`, { side, quantity });
  let answer = await tried();
  while (answer.status === 503) answer = await tried();
  const session = controlAnswer.parse(answer.body);
  return { session, seq: (await framesOfOrders(cluster, mine.id)).at(-1) ?? -1 };
}

function firstOf({ viewers: [viewer] }: Simulated): Viewer {
  if (viewer === undefined) throw new Error("no socket");
  return viewer;
}

/** The frames of an epoch that showed fills, and what they come to. */
const shownIn = (viewer: Viewer, epoch: number): [seq: number, size: number][] =>
  [...bytes(viewer.frames, epoch)]
    .map(([seq, json]): [number, number] => [seq, sizeOf(ownTrades(json))])
    .filter(([, size]) => size > 0);

/** A node that does not know the session generates the same frames that its viewers received in an epoch. */
async function expectSameElsewhere(cluster: TestCluster, mine: Simulated, name: string, epoch: number): Promise<void> {
  const tape = await anotherNode(cluster, mine.id).open(name);
  for (const viewer of mine.viewers) {
    expect(holes(viewer.frames)).toEqual([]);
    for (const [seq, json] of bytes(viewer.live, epoch)) expect(json).toBe((await tape.load(seq)).json(seq));
  }
}

describe("orders where markets are cut", () => {
  test("[SO1] [SO3] [SO4] [SO22] before, on and after the end of a minute, and again before those after a rewind", async ({
    cluster,
  }) => {
    const seed = 8_010;
    const mine = await simulate(cluster, { seed, speed: slowly });
    const viewer = firstOf(mine);
    const { id } = mine;
    await cluster.http.control(id, "seek", { seq: border - 40 });
    const sold = await order(cluster, mine, "SELL", 2);
    for (const each of mine.viewers) await each.until(() => each.lastSeq >= sold.seq, "the first order's frame");
    await cluster.http.control(id, "seek", { seq: border - 2 });
    const bought = await order(cluster, mine, "BUY", 3);
    await cluster.http.control(id, "speed/5");
    await viewer.until(() => viewer.lastSeq >= border, "the next minute");
    const again = await order(cluster, mine, "SELL", 1);
    expect(sold.seq).toBeLessThan(border - 1);
    expect(bought.seq).toBeGreaterThanOrEqual(border - 1);
    expect(again.seq).toBeGreaterThan(Math.max(border, bought.seq));
    expect(again.session).toMatchObject({ epoch: bought.session.epoch, account: { position: 0 } });
    for (const each of mine.viewers) {
      await each.until(() => each.lastSeq >= again.seq + 5, "frames after the last order");
      expect(each.marketFills.map(({ side, size }) => [side, size])).toEqual([
        ["SELL", 2],
        ["BUY", 3],
        ["SELL", 1],
      ]);
      expect(shownIn(each, sold.session.epoch)).toEqual([[sold.seq, expect.closeTo(2, 8)]]);
      expect(shownIn(each, bought.session.epoch)).toEqual([
        [bought.seq, expect.closeTo(3, 8)],
        [again.seq, expect.closeTo(1, 8)],
      ]);
    }
    await expectSameElsewhere(cluster, mine, sold.session.tape ?? "", sold.session.epoch);
    await expectSameElsewhere(cluster, mine, again.session.tape ?? "", again.session.epoch);

    // Back to before all orders: the account keeps their fills, and no frame shows them again.
    await cluster.http.control(id, `speed/${slowly}`);
    const back = await cluster.http.control(id, "seek", { seq: sold.seq - 30 });
    expect(back.account).toMatchObject({ position: 0, realized_pnl: again.session.account?.realized_pnl });
    // No more than any possible frame can fill: some frames cannot fill 4.
    const other = await order(cluster, mine, "BUY", 3);
    expect(other.seq).toBeLessThan(sold.seq);
    expect(other.session.epoch).toBeGreaterThan(back.epoch);
    await cluster.http.control(id, "speed/5");
    for (const each of mine.viewers) {
      await each.until(() => bytes(each.frames, other.session.epoch).has(again.seq + 5), "the frames once more");
      expect(shownIn(each, other.session.epoch)).toEqual([[other.seq, expect.closeTo(3, 8)]]);
    }
    await expectSameElsewhere(cluster, mine, other.session.tape ?? "", other.session.epoch);
    const base = await market(seed);
    const between = bytes(viewer.frames, back.epoch);
    for (const [seq, json] of between) if (seq < other.seq) expect(json).toBe((await base.load(seq)).json(seq));
    // The abandoned branch is unchanged.
    const left = await anotherNode(cluster, id).open(again.session.tape ?? "");
    expect(sizeOf(ownTrades((await left.load(bought.seq)).json(bought.seq)))).toBeCloseTo(3, 8);
    await cluster.end(mine);
  });

  test("[SO16] [SO17] [SO21] at two hundred times the pace, seconds to minutes before their frame is due", async ({
    cluster,
  }) => {
    const mine = await simulate(cluster, { seed: 8_011, speed: 200, max_fps: 30 });
    const viewer = firstOf(mine);
    await viewer.next(3);
    const bought = await orderWhenNotBusy(cluster, mine, "BUY", 2);
    const sold = await orderWhenNotBusy(cluster, mine, "SELL", 2);
    expect(sold.seq).toBeGreaterThanOrEqual(bought.seq);
    for (const each of mine.viewers)
      await each.until(() => each.lastSeq >= sold.seq, "the last order's frame", 100_000);
    await cluster.http.control(mine.id, "pause");
    for (const each of mine.viewers) {
      expect(holes(each.live)).toEqual([]);
      expect(each.marketFills.map(({ type }) => type)).toEqual(["ENTRY", "EXIT"]);
      // Each fill once, in a message that stands for its frame.
      const own = each.live.flatMap(({ json, prev, seq }) => ownTrades(json).map((trade) => ({ ...trade, prev, seq })));
      for (const [side, given] of [["buy", bought] as const, ["sell", sold] as const]) {
        const fills = own.filter((trade) => trade.side === side);
        expect(sizeOf(fills)).toBeCloseTo(2, 8);
        expect(fills.every(({ prev, seq }) => prev < given.seq && given.seq <= seq)).toBe(true);
      }
    }
    expect((await cluster.http.session(mine.id)).account).toMatchObject({ position: 0, average_price: null });
    const tape = await anotherNode(cluster, mine.id).open(sold.session.tape ?? "");
    expect(sizeOf(ownTrades((await tape.load(bought.seq)).json(bought.seq)))).toBeGreaterThan(1.9);
    await cluster.end(mine);
  });
});
