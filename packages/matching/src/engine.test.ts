import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Action, Output } from "./actions.js";
import { MatchingEngine } from "./engine.js";
import { larger } from "./larger.js";
import { type MatchingSettingsInput, parseSettings } from "./settings.js";
import type { TapeEvent } from "./tape-events.js";
import { fillsOf, limit, ns, randomMarket, TestVenue, testSettings } from "./testing.js";

const random = { kind: "log-normal", medianNs: 800_000, sigma: 1 } as const;
const variants: Partial<MatchingSettingsInput>[] = [
  {},
  { fills: "whole", queue: { model: "log-probability" } },
  { queue: { model: "power-probability-3", n: 2.5 }, latency: { entry: random, response: random }, seed: "7" },
  { account: { kind: "spot", base: "1", quote: "100000" }, fees: { maker: -10_000, taker: 40_000 } },
  { account: { kind: "futures", wallet: "4", leverage: 20 }, queue: { model: "power-probability", n: 2 } },
  { queue: { model: "orders" } },
];
const drawn = { seed: fc.integer({ min: 0, max: 1e9 }), variant: fc.constantFrom(...variants) };

/** Gives an engine the events, and each action when the tape reaches the time at which it was sent. */
function play(engine: MatchingEngine, events: readonly TapeEvent[], actions: readonly Action[]): Output[] {
  const waiting = [...actions].reverse();
  let clock = -1n;
  for (const event of events) {
    clock = larger(clock, event.timestampNs);
    for (let next = waiting.at(-1); next !== undefined && next.sentNs <= clock; next = waiting.at(-1)) {
      engine.submit(next);
      waiting.pop();
    }
    engine.event(event);
  }
  return engine.take();
}

/** The tape's clock when these events have happened. */
function clockAfter(events: readonly TapeEvent[]): bigint {
  return events.reduce((clock, { timestampNs }) => larger(clock, timestampNs), -1n);
}

describe("[MA1] an engine", () => {
  test("says the same about the beginning of a tape that is cut off later", () => {
    fc.assert(
      fc.property(fc.record({ ...drawn, cut: fc.integer({ min: 1, max: 399 }) }), ({ seed, variant, cut }) => {
        const { events, actions } = randomMarket(seed, 400);
        const whole = play(new MatchingEngine(testSettings(variant)), events, actions);
        const kept = events.slice(0, cut);
        const part = play(new MatchingEngine(testSettings(variant)), kept, actions);
        expect(part).toEqual(whole.slice(0, part.length));
        const clock = clockAfter(kept);
        // Of what is missing, nothing happened before the cut.
        for (const { atNs, n } of whole.slice(part.length)) expect(atNs >= clock || n >= cut).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("says the same with the actions given early, and with pauses between events", () => {
    fc.assert(
      fc.property(fc.record(drawn), ({ seed, variant }) => {
        const { events, actions } = randomMarket(seed, 300);
        const expected = play(new MatchingEngine(testSettings(variant)), events, actions);
        const engine = new MatchingEngine(testSettings(variant));
        const last = clockAfter(events);
        for (const action of actions) if (action.sentNs <= last) engine.submit(action);
        let clock = 0n;
        for (const event of events) {
          const next = larger(event.timestampNs, clock);
          if (next > clock) engine.advance(next - 1n);
          clock = next;
          engine.event(event);
        }
        expect(engine.take().slice(0, expected.length)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});

test("[MA8] an event that may not concern an account makes the engine say nothing, and actions arrive when it says", () => {
  let [quiet, spoken] = [0, 0];
  fc.assert(
    fc.property(fc.record(drawn), ({ seed, variant }) => {
      const { events, actions } = randomMarket(seed, 300);
      const engine = new MatchingEngine(testSettings(variant));
      const waiting = [...actions].reverse();
      let clock = -1n;
      for (const event of events) {
        clock = larger(clock, event.timestampNs);
        const due: Action[] = [];
        for (let next = waiting.at(-1); next !== undefined && next.sentNs <= clock; next = waiting.at(-1)) {
          due.push(next);
          waiting.pop();
        }
        const foretold = engine.arrivalsOf(due.map(({ sentNs }) => sentNs));
        expect(due.map((action) => engine.submit(action))).toEqual(foretold);
        engine.advance(clock - 1n);
        engine.take();
        const mayConcern = engine.mayConcern(event);
        engine.event(event);
        const said = engine.take().length;
        if (!mayConcern) {
          expect(said).toBe(0);
          quiet++;
        } else if (said > 0) spoken++;
      }
    }),
    { numRuns: 60 },
  );
  expect(Math.min(quiet, spoken)).toBeGreaterThan(100);
});

test("[MA2] an engine says the same to the last bit on every version of Node", () => {
  const digest = createHash("sha256");
  for (const variant of variants) {
    const { events, actions } = randomMarket(15, 2_000);
    const engine = new MatchingEngine(testSettings(variant));
    const outputs = play(engine, events, actions);
    expect(fillsOf(outputs).length).toBeGreaterThan(100);
    digest.update(
      JSON.stringify([outputs, engine.state()], (_, value) => (typeof value === "bigint" ? `${value}` : value)),
    );
  }
  expect(digest.digest("hex")).toBe("c38fe1230c20cb82b0b7cef94f0e39e590652ef2c95fd714a8ab6540fe42f163");
});

test("[MA3] an engine goes on from its state as the first one does", () => {
  fc.assert(
    fc.property(fc.record({ ...drawn, cut: fc.integer({ min: 1, max: 299 }) }), ({ seed, variant, cut }) => {
      const { events, actions } = randomMarket(seed, 300);
      const settings = testSettings(variant);
      const [first, second] = [events.slice(0, cut), events.slice(cut)];
      const clock = clockAfter(first);
      const engine = new MatchingEngine(settings);
      play(
        engine,
        first,
        actions.filter(({ sentNs }) => sentNs <= clock),
      );
      const restored = MatchingEngine.restore(settings, JSON.parse(JSON.stringify(engine.state())), engine.tapeState());
      expect(restored.state()).toEqual(engine.state());
      const later = actions.filter(({ sentNs }) => sentNs > clock);
      expect(play(restored, second, later)).toEqual(play(engine, second, later));
      expect(restored.state()).toEqual(engine.state());
    }),
    { numRuns: 60 },
  );
});

test("[MA4] settings that break a rule are refused with the field and the rule", () => {
  const instrument = { priceDecimals: 1, amountDecimals: 3, tick: 1, lot: 1 };
  const account = { kind: "spot", base: "0", quote: "1" };
  expect(() => parseSettings({ instrument: { ...instrument, tick: 0 }, account })).toThrow(/^instrument\.tick: /);
  expect(() => parseSettings({ instrument, account, queue: { model: "fifo" } })).toThrow(/^queue\.model: /);
  expect(() => parseSettings({ instrument, account: { ...account, quote: "1e5" } })).toThrow(
    "account.quote: must be a decimal number of 0 or more, as text",
  );
  expect(() => parseSettings({ instrument, account, fee: 1 })).toThrow(/fee/);
});

test("[MA4] money is exact: what accounts lose is what was paid", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), (seed) => {
      const { events, actions } = randomMarket(seed, 400);
      const account = { kind: "futures", wallet: "1000000", leverage: 100 } as const;
      const engine = new MatchingEngine(testSettings({ account, fees: { maker: -1, taker: 3 } }));
      const outputs = play(engine, events, actions);
      const { account: end } = engine.state();
      if (end.kind !== "futures") throw new Error("the account changed its kind");
      let [cash, position] = [1_000_000n * 10n ** 12n, 0];
      for (const { side, price, amount, fee } of fillsOf(outputs)) {
        const sign = side === "buy" ? 1 : -1;
        cash -= BigInt(sign * price * amount) * 10n ** 8n + fee;
        position += sign * amount;
      }
      expect([BigInt(end.wallet) - BigInt(end.cost), end.position]).toEqual([cash, position]);
    }),
    { numRuns: 60 },
  );
});

test("[MA24] fills are never larger than what the tape traded, and never take more than a level has", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), (seed) => {
      const { events, actions } = randomMarket(seed, 400);
      const engine = new MatchingEngine(testSettings());
      const outputs: Output[] = [];
      let clock = -1n;
      for (const event of events) {
        const [before, now] = [clock, larger(clock, event.timestampNs)];
        clock = now;
        const due = actions.filter(({ sentNs }) => sentNs > before && sentNs <= now);
        outputs.push(...play(engine, [event], due));
        const { bids, asks } = engine.tapeState();
        const sizes = { bid: new Map(bids), ask: new Map(asks) };
        const { taken } = engine.state();
        for (const side of ["bid", "ask"] as const) {
          for (const [price, amount] of taken[side]) expect(amount).toBeLessThanOrEqual(sizes[side].get(price) ?? 0);
        }
      }
      const made = new Map<number, number>();
      for (const { n, maker, amount } of fillsOf(outputs)) if (maker) made.set(n, (made.get(n) ?? 0) + amount);
      for (const event of events) {
        if (event.kind === "trade") expect(made.get(event.n) ?? 0).toBeLessThanOrEqual(event.amountUnits);
      }
    }),
    { numRuns: 30 },
  );
});

test("[MA5] an action comes after the events of its time, and times do not go back", () => {
  const market = new TestVenue();
  market.book(1, { bids: [[99, 10]], asks: [[101, 10]] });
  market.engine.submit({ kind: "place", sentNs: ns(2), order: { id: "a", side: "buy", type: "MARKET", amount: 1 } });
  expect(
    market.book(2, {
      asks: [
        [101, 0],
        [105, 10],
      ],
    }),
  ).toEqual([]);
  expect(market.book(1.5, { asks: [[104, 10]] })).toEqual([]);
  const outputs = market.book(3, { asks: [[103, 10]] });
  expect(fillsOf(outputs)).toMatchObject([{ price: 104, atNs: ns(2), heardNs: ns(2), n: 2 }]);
});

test("[MA6] latencies delay an order and what its owner learns, and never change the order of messages", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), (seed) => {
      const { events, actions } = randomMarket(seed, 200);
      const latency = { entry: { ...random, minNs: 100_000 }, response: { ...random, maxNs: 2_000_000 } };
      const engine = new MatchingEngine(testSettings({ latency, seed: `${seed}` }));
      let [arrived, heard] = [0n, 0n];
      for (const action of actions) {
        const arrives = engine.submit(action);
        expect(arrives >= action.sentNs + 100_000n && arrives >= arrived).toBe(true);
        arrived = arrives;
      }
      for (const event of events) engine.event(event);
      for (const { atNs, heardNs } of engine.take()) {
        expect(heardNs >= atNs && heardNs >= heard).toBe(true);
        heard = heardNs;
      }
    }),
    { numRuns: 30 },
  );
});

test("[MA7] what comes too late is an error and changes nothing", () => {
  const market = new TestVenue();
  market.book(5, { bids: [[99, 10]], asks: [[101, 10]] });
  const before = market.engine.state();
  const late = { kind: "place", sentNs: ns(4), order: limit("a", "buy", 90, 1) } as const;
  expect(() => market.engine.submit(late)).toThrow(RangeError);
  expect(market.engine.state()).toEqual(before);
  market.engine.advance(ns(6));
  expect(() => market.trade(6, "buy", 101, 1)).toThrow(RangeError);
  expect(() =>
    market.engine.event({ kind: "trade", n: -1, timestampNs: ns(7), side: "buy", priceUnits: 101, amountUnits: 1 }),
  ).toThrow(RangeError);
  market.place(8, limit("b", "buy", 90, 1));
  expect(() => market.engine.submit({ ...late, sentNs: ns(7) })).toThrow(RangeError);
});
