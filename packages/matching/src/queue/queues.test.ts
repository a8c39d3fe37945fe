import { expect, test } from "vitest";
import type { TapeOrder } from "../tape-events.js";
import { limit, ns, TestVenue, words } from "../testing.js";
import { lotsReached, queueModel } from "./queue-place.js";

/** The place of an order behind `front` after what happened. */
function after(settings: Parameters<typeof queueModel>[0], front: number, ...steps: readonly (readonly number[])[]) {
  const model = queueModel(settings);
  if (model === undefined) throw new Error("the queue is exact");
  const place = model.enter(front);
  for (const [first = 0, second] of steps) {
    if (second === undefined) model.trade(place, first);
    else model.level(place, first, second);
  }
  return place;
}

test("[MA31] risk-averse: trades and a level smaller than the queue ahead advance an order", () => {
  const model = { model: "risk-averse" } as const;
  expect(after(model, 10, [4]).front).toBe(6);
  expect(after(model, 10, [10, 12], [12, 10]).front).toBe(10);
  expect(after(model, 10, [10, 7]).front).toBe(7);
});

test("[MA32] probability: a decrease is shared between what is ahead and what is behind", () => {
  // 6 ahead, 4 behind, 2 go: behind with the share named here, the rest ahead.
  const ahead = (share: number) => 6 - (1 - share) * 2;
  const steps = [[10, 8]] as const;
  expect(after({ model: "power-probability", n: 2 }, 6, ...steps).front).toBeCloseTo(ahead(16 / (16 + 36)), 12);
  expect(after({ model: "power-probability", n: 0.5 }, 6, ...steps).front).toBeCloseTo(
    ahead(2 / (2 + Math.sqrt(6))),
    12,
  );
  expect(after({ model: "power-probability-2", n: 2 }, 6, ...steps).front).toBeCloseTo(ahead(16 / 100), 12);
  expect(after({ model: "power-probability-3", n: 3 }, 6, ...steps).front).toBeCloseTo(ahead(1 - 0.6 ** 3), 12);
  const [four, six, ten] = [Math.log(5), Math.log(7), Math.log(11)];
  expect(after({ model: "log-probability" }, 6, ...steps).front).toBeCloseTo(ahead(four / (four + six)), 12);
  expect(after({ model: "log-probability-2" }, 6, ...steps).front).toBeCloseTo(ahead(four / ten), 12);
});

test("[MA32] probability: what was traded is not lost twice, and an increase is behind", () => {
  const model = { model: "power-probability", n: 2 } as const;
  expect(after(model, 6, [3], [10, 7]).front).toBe(3);
  expect(after(model, 6, [10, 15]).front).toBe(6);
  expect(after(model, 6, [10, 2]).front).toBeLessThanOrEqual(2);
});

test("[MA31] [MA32] half a lot past the queue is one lot", () => {
  expect(lotsReached({ front: -0.0004, traded: 0 }, 0.001)).toBe(0);
  expect(lotsReached({ front: -0.0005, traded: 0 }, 0.001)).toBe(1);
  expect(lotsReached({ front: 0.002, traded: 0 }, 0.001)).toBe(0);
});

/** A market whose orders are known: two of 5 at 99, and 10 there from before the tape. */
class OrderedMarket {
  readonly venue = new TestVenue({ queue: { model: "orders" } });
  #n = 0;

  constructor() {
    this.venue.book(1, {
      bids: [
        [99, 10],
        [98, 5],
      ],
      asks: [[101, 10]],
    });
    this.say(2, { action: "add", id: "first", side: "bid", priceUnits: 99, amountUnits: 5 });
    this.venue.book(2, { bids: [[99, 15]] });
    this.venue.place(3, limit("ours", "buy", 99, 8));
    this.say(4, { action: "add", id: "second", side: "bid", priceUnits: 99, amountUnits: 5 });
    this.venue.book(4, { bids: [[99, 20]] });
  }

  say(second: number, order: TapeOrder): string[] {
    this.#n = this.venue.engine.n;
    this.venue.engine.event({ kind: "orders", n: this.#n, timestampNs: ns(second), orders: [order] });
    return words(this.venue.engine.take());
  }
}

const execute = (id: string, amountUnits: number, priceUnits = 99): TapeOrder => ({
  action: "execute",
  id,
  side: "bid",
  priceUnits,
  amountUnits,
});

test("[MA33] executions ahead of an order do not fill it, and one behind it does", () => {
  const market = new OrderedMarket();
  expect(market.say(5, execute("unknown", 10))).toEqual([]);
  expect(market.say(6, execute("first", 5))).toEqual([]);
  expect(market.say(7, execute("second", 3))).toEqual(["ours makes 3 at 99"]);
  expect(market.say(8, { action: "hidden", id: "0", side: "bid", priceUnits: 99, amountUnits: 2 })).toEqual([
    "ours makes 2 at 99",
  ]);
  expect(market.say(9, execute("other", 50, 98))).toEqual(["ours makes 3 at 99", "ours FILLED filled"]);
});

test("[MA33] an order ahead that is changed keeps its place only if it becomes smaller", () => {
  const market = new OrderedMarket();
  const modify = (amountUnits: number): TapeOrder => ({ ...execute("first", amountUnits), action: "modify" });
  market.say(5, modify(4));
  expect(market.say(6, execute("first", 1))).toEqual([]);
  market.say(7, modify(6));
  expect(market.say(8, execute("first", 1))).toEqual(["ours makes 1 at 99"]);
});

test("[MA33] an execution that its source takes off the order later is not counted twice", () => {
  const market = new OrderedMarket();
  const ahead = () => market.venue.engine.state().working[0]?.place?.front;
  expect(ahead()).toBe(15);
  market.say(5, { ...execute("first", 5), restUnits: 5 });
  expect(ahead()).toBe(15);
  market.say(6, { ...execute("first", 5), action: "cancel", restUnits: 0 });
  expect(ahead()).toBe(10);
  market.say(7, { ...execute("unknown", 4), action: "cancel" });
  expect(ahead()).toBe(6);
});

test("[MA33] cancellations, and trades besides executions, fill nothing", () => {
  const market = new OrderedMarket();
  expect(market.say(5, { ...execute("second", 5), action: "cancel" })).toEqual([]);
  expect(words(market.venue.trade(6, "sell", 98, 100))).toEqual([]);
});

test("[MA23] [TR65] an execution by an own order fills nothing, and shortens the queue ahead", () => {
  const market = new OrderedMarket();
  expect(market.say(5, { ...execute("other", 5, 98), own: true })).toEqual([]);
  const ahead = () => market.venue.engine.state().working[0]?.place?.front ?? 0;
  const before = ahead();
  expect(market.say(6, { ...execute("first", 5), own: true })).toEqual([]);
  expect(ahead()).toBe(before - 5);
});
