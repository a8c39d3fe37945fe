import { checkFrame } from "@tapedeck/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OrderBook } from "../book/order-book.js";
import type { FrameMoment } from "../frame/frame-analytics.js";
import { FrameBuilder } from "../frame/frame-builder.js";
import { AlertThrottle } from "./alert-throttle.js";
import { MarketAnalytics } from "./market-analytics.js";
import { ladder, momentAt } from "./testing.js";

const side = fc.constantFrom("buy" as const, "sell" as const, "unknown" as const);
const wild = fc.oneof(
  fc.double({ min: 0, max: 1e9, noNaN: true }),
  fc.constantFrom(0, 1e-12, 1, 100, 1e15, Number.MAX_VALUE, Number.MIN_VALUE),
);
const level = fc.tuple(wild, wild);
const wildMoment = fc.record({
  bids: fc.array(level, { maxLength: 20 }),
  asks: fc.array(level, { maxLength: 20 }),
  mid: wild,
  microprice: wild,
  stepNs: fc.oneof(fc.nat(2e9), fc.constantFrom(0, 1, 3600e9)),
  updates: fc.nat(10_000),
  trades: fc.array(fc.record({ price: wild, size: wild, side }), { maxLength: 8 }),
  afterGap: fc.boolean(),
});

function* moments(steps: readonly (typeof wildMoment extends fc.Arbitrary<infer T> ? T : never)[]) {
  let ns = 0;
  for (const { stepNs, trades, ...rest } of steps) {
    ns += stepNs;
    const timestamp = new Date(Date.UTC(2024, 0, 1) + Math.floor(ns / 1e6)).toISOString();
    yield { ns, timestamp, trades: trades.map((trade) => ({ timestamp, ...trade })), ...rest } satisfies FrameMoment;
  }
}

describe("[AN2] for any frames", () => {
  test.each(["relative", "absolute"] as const)("findings are finite numbers in their ranges: %s", (profile) => {
    fc.assert(
      fc.property(fc.array(wildMoment, { minLength: 1, maxLength: 60 }), (steps) => {
        const analytics = new MarketAnalytics({ profile });
        for (const moment of moments(steps)) {
          const { head, anomalies } = analytics.analyse(moment);
          expect(`${head}${anomalies}`).not.toMatch(/NaN|Infinity|undefined/);
          const fields = JSON.parse(`{${head}}`);
          const frame = {
            ...plain,
            ...fields,
            // Prices and sizes of levels are the source's, and absurd here.
            liquidity_gaps: fields.liquidity_gaps.map((gap: object) => ({ ...gap, price: 1, volume: 1 })),
            anomalies: JSON.parse(`[${anomalies}]`),
          };
          const problems = checkFrame(frame).filter((problem) => !/float noise/.test(problem));
          expect(problems).toEqual([]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("any book makes frames that keep every rule", () => {
    const price = fc.integer({ min: 900, max: 1_100 }).map((ticks) => ticks / 10);
    const change = fc.record({
      stepMs: fc.nat(400),
      side: fc.constantFrom("bid" as const, "ask" as const),
      price,
      size: fc.integer({ min: 0, max: 500_000 }).map((lots) => lots / 1_000),
      trades: fc.array(fc.record({ price, size: fc.integer({ min: 1, max: 9_999 }).map((n) => n / 1_000), side }), {
        maxLength: 3,
      }),
      gap: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 5, maxLength: 150 }), (changes) => {
        const problems: string[] = [];
        const builder = new FrameBuilder({
          symbol: "X",
          originNs: 0n,
          decimals: 3,
          intervalNs: 100e6,
          analytics: new MarketAnalytics(),
          emit: ({ head, anomalies }) => {
            const frame = { ...JSON.parse(`{${head}}`), anomalies: JSON.parse(`[${anomalies}]`) };
            problems.push(...checkFrame({ ...frame, type: "snapshot", seq: 0, trades: [], trade_classified: false }));
          },
        });
        let ns = 0;
        for (const { stepMs, trades, gap, ...step } of changes) {
          ns += stepMs * 1e6;
          const timestamp = new Date(ns / 1e6).toISOString();
          if (gap && stepMs > 350) builder.markGap(ns - stepMs * 1e6, "silence");
          builder.apply({
            ns,
            trades: trades.map((trade) => ({ timestamp, ...trade })),
            change: (book: OrderBook) => book.set(step.side, step.price, step.size),
          });
        }
        builder.end();
        expect(problems).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test("crossed and invalid books raise an alert, and an empty one does not", () => {
    const analytics = new MarketAnalytics();
    const raised = (moment: FrameMoment) => analytics.analyse(moment).events.map(({ type }) => type);
    expect(raised(momentAt(0, [[101, 1]], [[100, 1]]))).toContain("DATA_VALIDATION_ERROR");
    expect(raised(momentAt(10, [[99, 0]], [[101, 1]]))).toContain("DATA_VALIDATION_ERROR");
    expect(raised(momentAt(20, [], []))).toEqual([]);
  });
});

const plain = {
  type: "snapshot",
  seq: 0,
  timestamp: "2024-08-08T00:00:00.000Z",
  symbol: "X",
  bids: ladder(99, -1, Array(10).fill(1)),
  asks: ladder(101, 1, Array(10).fill(1)),
  mid_price: 100,
  microprice: 100,
  best_bid: 99,
  best_ask: 101,
  spread: 2,
  q_bid: 1,
  q_ask: 1,
  divergence: 0,
  updates: 1,
  trades: [],
  trade_classified: false,
};

test("[AN5] the same frames give the same findings, whatever else is analysed meanwhile", () => {
  fc.assert(
    fc.property(fc.array(wildMoment, { minLength: 2, maxLength: 30 }), (steps) => {
      const [a, b] = [new MarketAnalytics(), new MarketAnalytics()];
      const first = [...moments(steps)].map((moment) => a.analyse(moment));
      const second = [...moments(steps)].map((moment) => {
        new MarketAnalytics().analyse(moment);
        return b.analyse(moment);
      });
      expect(second).toEqual(first);
    }),
    { numRuns: 30 },
  );
});

test("[AN9] a gap of more than ten minutes resets everything", () => {
  const book = [ladder(99, -1, [3, 2]), ladder(101, 1, [1, 2])] as const;
  const used = new MarketAnalytics();
  for (let n = 0; n < 50; n++) used.analyse(momentAt(n / 10, ...book, [{ price: 101, size: 1, side: "buy" }]));
  const next = momentAt(2_000, ...book, [], { afterGap: true });
  expect(used.analyse(next)).toEqual(new MarketAnalytics().analyse(next));
});

describe("[AN7] an alert", () => {
  const alert = { type: "SPOOFING", severity: "low", message: "m", fields: {} } as const;
  const raising = (...seconds: number[]) => {
    const throttle = new AlertThrottle();
    return seconds.map((second) => {
      throttle.beginFrame(momentAt(second, [], []));
      throttle.raise(alert);
      return throttle.events.map(({ severity }) => severity);
    });
  };

  test("of one type and message is not repeated within 5 s", () => {
    expect(raising(0, 1, 4.999, 5)).toEqual([["low"], [], [], ["low"]]);
  });

  test("gets a higher severity after three suppressed repetitions, if it comes within 10 s", () => {
    expect(raising(0, 1, 2, 3, 5)).toEqual([["low"], [], [], [], ["medium"]]);
    expect(raising(0, 1, 2, 3, 12)).toEqual([["low"], [], [], [], ["low"]]);
  });

  test("with another message is another alert, with its fields and time", () => {
    const throttle = new AlertThrottle();
    throttle.beginFrame(momentAt(0, [], []));
    throttle.raise(alert);
    throttle.raise({ ...alert, message: "n", fields: { side: "BID", levels: [1, 2] } });
    expect(JSON.parse(`[${throttle.anomalies}]`)).toEqual([
      { timestamp: "2024-08-08T00:00:00.000Z", type: "SPOOFING", severity: "low", message: "m" },
      {
        timestamp: "2024-08-08T00:00:00.000Z",
        type: "SPOOFING",
        severity: "low",
        message: "n",
        side: "BID",
        levels: [1, 2],
      },
    ]);
  });
});
