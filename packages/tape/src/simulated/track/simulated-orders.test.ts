import { analyticsVersion } from "@tapedeck/market";
import { expect, test } from "vitest";
import { BlockCache, minCacheBytes } from "../../reading/block-cache.js";
import type { Tape } from "../../tape.js";
import { bookSides } from "../../track/batches.js";
import { BookReplay } from "../../track/book-replay.js";
import { eventStates } from "../../track/track.js";
import { trackOf } from "../../track/track-of.js";
import type { TrackRange } from "../../track/track-reader.js";
import type { PlacedOrder } from "../forks.js";
import { SimulatedTapes } from "../simulated-tapes.js";
import { InlineGenerator } from "../testing/inline-generator.js";
import { firstNumberOf } from "./segment-track.js";

function node(orders: PlacedOrder[] = []): SimulatedTapes {
  const maker = new InlineGenerator();
  return new SimulatedTapes(new BlockCache(minCacheBytes), maker, async () => orders, maker);
}

interface OrderRow {
  readonly n: number;
  readonly seq: number;
  readonly ns: bigint;
  readonly id: number;
  readonly action: string;
  readonly side: "bid" | "ask" | undefined;
  readonly price: number;
  readonly amount: number;
  readonly rest: number;
  readonly state: string | undefined;
}

async function ordersOf(tape: Tape, range: TrackRange): Promise<OrderRow[]> {
  const found: OrderRow[] = [];
  for await (const batch of trackOf(tape).orders?.batches(range) ?? []) {
    for (let at = 0; at < batch.rows; at++) {
      found.push({
        ...{ n: batch.n[at] ?? -1, seq: batch.seq[at] ?? -1, ns: batch.timestamp[at] ?? 0n },
        ...{ id: Number(batch.orderId[at]), action: batch.action[at] ?? "", side: bookSides[batch.side[at] ?? 0] },
        ...{ price: batch.price[at] ?? 0, amount: batch.amount[at] ?? 0, rest: batch.rest[at] ?? 0 },
        state: eventStates[batch.state[at] ?? 0],
      });
    }
  }
  return found;
}

interface Resting {
  readonly side: "bid" | "ask";
  readonly price: number;
  readonly rest: number;
}

/** The orders in a book, in their queues, as a reader of rows keeps them. */
class Queues {
  readonly orders = new Map<number, Resting>();
  /** Of the orders at each price. */
  readonly sums = new Map<string, number>();
  /** Executions of orders that were not the first ones at their price. */
  outOfTurn = 0;
  /** Rows that are not possible. A failed expectation each would take longer than all the rest. */
  readonly wrong: object[] = [];

  apply(row: OrderRow): void {
    const { id, action, side, price, amount, rest } = row;
    const known = this.orders.get(id);
    if (action === "trade") return;
    if (action === "clear") {
      for (const each of [...this.orders.keys()]) this.#remove(each);
      return;
    }
    const isKnown = (lots: number) => known?.side === side && known?.price === price && known?.rest === lots;
    if (action === "add") this.#check(known === undefined, row);
    else if (action === "modify") this.#check(known?.side === side, row);
    else if (action === "cancel") this.#check(isKnown(amount), row);
    else {
      this.#check(isKnown(amount + rest), row);
      for (const [first, order] of this.orders) {
        if (order.side !== side || order.price !== price) continue;
        if (first !== id) this.outOfTurn++;
        break;
      }
    }
    // Who moves is the last one there; who is filled in part keeps its place.
    if (action === "execute" && rest > 0 && known !== undefined) this.#count(known, -amount);
    else this.#remove(id);
    if (rest === 0 || side === undefined) return;
    const resting = { side, price, rest };
    this.orders.set(id, resting);
    if (action !== "execute") this.#count(resting, rest);
  }

  #check(isPossible: boolean, row: OrderRow): void {
    if (!isPossible) this.wrong.push(row);
  }

  #remove(id: number): void {
    const known = this.orders.get(id);
    if (known !== undefined) this.#count(known, -known.rest);
    this.orders.delete(id);
  }

  #count({ side, price }: Resting, change: number): void {
    const level = `${side} ${price}`;
    const sum = (this.sums.get(level) ?? 0) + change;
    if (sum === 0) this.sums.delete(level);
    else this.sums.set(level, sum);
  }
}

/** Frames between two comparisons of the whole book. */
const wholeEvery = 40;

/** Checks that after each event the orders of a tape's first minutes sum up to its levels. */
async function compareLevels(tape: Tape, minutes: number) {
  const range = { from: { n: 0 }, to: { n: firstNumberOf(minutes) } };
  const rows = await ordersOf(tape, range);
  const [queues, book] = [new Queues(), new BookReplay()];
  const wrong: object[] = [];
  let at = 0;
  for await (const event of trackOf(tape).events(range)) {
    if (event.kind === "trade") continue;
    for (const { side, priceUnits, amountUnits } of event.levels) book.book.set(side, priceUnits, amountUnits);
    for (let row = rows[at]; row !== undefined && row.n <= event.n; row = rows[++at]) {
      queues.apply(row);
      if (row.seq > event.seq) wrong.push(row);
    }
    for (const { side, priceUnits, amountUnits } of event.levels) {
      if ((queues.sums.get(`${side} ${priceUnits}`) ?? 0) !== amountUnits) wrong.push(event);
    }
    if (event.n % wholeEvery === 0) expect([event.n, queues.sums]).toEqual([event.n, levelsOf(book)]);
  }
  expect([at, wrong, queues.wrong]).toEqual([rows.length, [], []]);
  return { rows, outOfTurn: queues.outOfTurn };
}

function levelsOf({ book: { bids, asks } }: BookReplay): Map<string, number> {
  return new Map([
    ...bids.top(bids.depth).map(([price, size]) => [`bid ${price}`, size] as const),
    ...asks.top(asks.depth).map(([price, size]) => [`ask ${price}`, size] as const),
  ]);
}

test.each([
  ["calm", true],
  ["flash_crash-high", true],
  ["liquidity_gap-high", true],
  ["wash_trading", true],
  // Who fills an iceberg comes for it alone.
  ["mixed", false],
  ["iceberg-high.quote_stuffing", false],
])(
  "[ET65] the orders at a price sum up to its level after each event, and are filled in turn (%s: %s)",
  async (scenario, inTurn) => {
    const tape = await node().open(`sim2.BTCUSDT.5.${scenario}@${analyticsVersion}`);
    const { rows, outOfTurn } = await compareLevels(tape, 2);
    expect(outOfTurn > 0).toBe(!inTurn);
    const actions = new Map<string, number>();
    for (const { action } of rows) actions.set(action, (actions.get(action) ?? 0) + 1);
    for (const action of ["add", "modify", "cancel", "execute", "trade"]) {
      expect([action, actions.get(action) ?? 0]).toEqual([action, expect.toSatisfy((count: number) => count > 50)]);
    }
    expect(actions.get("clear")).toBe(1);
    expect(rows.filter(({ ns }, at) => ns < (rows[at - 1]?.ns ?? 0n))).toEqual([]);
  },
);

test("[ET65] each minute but the first begins with a clear and all orders, which are those that the minute before has made", async () => {
  const tape = await node().open(`sim2.BTCUSDT.5.mixed@${analyticsVersion}`);
  const queues = new Queues();
  for (const row of await ordersOf(tape, { from: { n: 0 }, to: { n: firstNumberOf(1) } })) queues.apply(row);
  const [clear, ...rows] = await ordersOf(tape, { from: { n: firstNumberOf(1) }, to: { n: firstNumberOf(1) + 1 } });
  expect(clear).toMatchObject({ action: "clear", id: 0, state: "derived", seq: 600 });
  expect(new Set(rows.map(({ action, state }) => `${action} ${state}`))).toEqual(new Set(["add again"]));
  const opened = rows.map(({ id, side, price, rest }) => [id, { side, price, rest }] as const);
  expect(new Map(opened)).toEqual(queues.orders);
});

test("[ET65] an order has one id on all of the tape, and no other order has it", async () => {
  const tape = await node().open(`sim2.BTCUSDT.5.mixed@${analyticsVersion}`);
  const known = new Map<number, OrderRow>();
  const wrong: OrderRow[] = [];
  for (const row of await ordersOf(tape, { from: { n: 0 }, to: { n: firstNumberOf(3) } })) {
    const before = known.get(row.id);
    if (row.id === 0 || row.state === "again") continue;
    known.set(row.id, row);
    if (before === undefined) {
      if (!Number.isSafeInteger(row.id) || (row.action !== "add" && row.action !== "trade")) wrong.push(row);
    } else {
      // What rests after a trade comes back; so does an order of the book between two minutes that has traded before it.
      const comesBack = before.action === "trade" || row.seq % 600 === 599;
      if (row.side !== before.side || (row.action === "add" && !comesBack)) wrong.push(row);
    }
  }
  expect(wrong).toEqual([]);
  expect(known.size).toBeGreaterThan(5_000);
});

test("[ET65] what trades in a frame is executed, or trades without an order of the book", async () => {
  for (const scenario of ["wash_trading", "iceberg"]) {
    const tape = await node().open(`sim2.BTCUSDT.5.${scenario}@${analyticsVersion}`);
    const range = { from: { n: 0 }, to: { n: firstNumberOf(3) } };
    let traded = 0;
    for await (const { rows, amount } of trackOf(tape).tradeBatches(range)) {
      for (let at = 0; at < rows; at++) traded += amount[at] ?? 0;
    }
    let executed = 0;
    for (const { action, id, amount } of await ordersOf(tape, range)) {
      if (action === "execute" || (action === "trade" && id === 0)) executed += amount;
    }
    expect(executed).toBe(traded);
  }
});

test("[ET65] an order of a user is a trade, and fills others", async () => {
  const orders: PlacedOrder[] = [];
  const here = node(orders);
  const forked = await here.fork(`sim2.BTCUSDT.5.calm@${analyticsVersion}`, "me", {
    seq: 650,
    side: "BUY",
    quantity: 5,
  });
  if (forked === undefined) throw new Error("the order got nothing");
  orders.push(forked.order);
  const tape = await here.open(forked.tape);
  const { rows } = await compareLevels(tape, 2);
  const own = rows.filter(({ action, seq, amount }) => action === "trade" && seq === 650 && amount === 5_000);
  expect(own).toMatchObject([{ side: "bid", rest: 0 }]);
  expect(own[0]?.id).toBeGreaterThan(0);
});
