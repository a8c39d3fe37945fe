import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OrderBook } from "../book/order-book.js";
import type { MarketEvent } from "../frame/frame-builder.js";
import type { SegmentEvent } from "./market-segment.js";
import { heldOutSeeds, tuningSeeds } from "./scenario/evaluation-seeds.js";
import { incidentKinds, parseScenario, scenarioNames, scenarioText } from "./scenario/scenario.js";
import { generatorVersion, type PlannedIncident } from "./scenario/schedule.js";
import { segmentMs } from "./segments.js";
import { SimulatedMarket } from "./simulated-market.js";

const market = (seed: string | number = 1, scenario = "calm", symbol = "BTCUSDT") =>
  new SimulatedMarket({ symbol, seed, scenario });

/** Applies all events of a segment to a book. */
function play(events: Iterable<MarketEvent>, book: OrderBook, after?: (event: MarketEvent) => void): void {
  for (const event of events) {
    event.change?.(book);
    after?.(event);
  }
}

function opened(simulated: SimulatedMarket, segment: number): OrderBook {
  const book = new OrderBook();
  simulated.opening(segment).change?.(book);
  return book;
}

const levels = ({ bids, asks }: OrderBook) => JSON.stringify([bids.top(1_000), asks.top(1_000)]);

/** A checksum of a segment's events. */
function digest(simulated: SimulatedMarket, segment: number): string {
  const hash = createHash("sha256");
  const book = opened(simulated, segment);
  play(simulated.events(segment), book, ({ ns, trades }) => {
    hash.update(`${ns}${JSON.stringify(trades ?? [])}${levels(book)}`);
  });
  return hash.digest("hex");
}

describe("[SM1] a segment is a function of symbol, seed, scenario and number alone", () => {
  test("whatever was made before", () => {
    const one = market(7, "mixed");
    const other = market("7", "mixed");
    for (const segment of [1, 9, 3]) digest(other, segment);
    for (const segment of [3, 1, 9]) expect(digest(one, segment)).toBe(digest(other, segment));
  });

  test("and differs with each of them", () => {
    const digests = [market(1), market(2), market(1, "spoofing"), market(1, "calm", "ETHUSDT")].map((simulated) =>
      digest(simulated, 1),
    );
    digests.push(digest(market(1), 3));
    expect(new Set(digests).size).toBe(5);
  });

  test("the generator's bytes are pinned: changing them needs a new version", () => {
    const made = market(42, "mixed");
    expect(generatorVersion).toBe(2);
    expect(digest(made, 1)).toBe("a4fa938277bff2c65d2b22a4a391d60c1585c08b31f33107f4a9205dbe26f6ec");
    // A segment with an even number has no incident.
    expect(digest(made, 1_440)).toBe("b2e074200439656dc95332667db82631e458a1031f6de4d95c0bcb68af38d19d");
  });
});

test.each(incidentKinds)("[SM2] no book is ever crossed or one-sided with %s", (kind) => {
  const simulated = market(5, `${kind}:high`);
  const book = opened(simulated, 1);
  let moments = 0;
  play(simulated.events(1), book, () => {
    moments++;
    expect(book.crossed).toBe(false);
    expect(book.mid).toBeDefined();
  });
  expect(moments).toBeGreaterThan(1_000);
});

test("[SM3] a segment ends with exactly the book that the next one begins with", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 }), fc.nat(), (segment, seed) => {
      const simulated = market(seed, "mixed");
      const book = opened(simulated, segment);
      play(simulated.events(segment), book);
      expect(levels(book)).toBe(levels(opened(simulated, segment + 1)));
    }),
    { numRuns: 15 },
  );
});

test("[SM4] the border between segments is invisible", () => {
  // The move of the mid over a frame, in 40 borders and in all other frames.
  const simulated = market(11);
  const atBorders: number[] = [];
  const elsewhere: number[] = [];
  const book = opened(simulated, 20);
  let mid = book.mid ?? 0;
  for (let segment = 20; segment < 60; segment++) {
    let frame = 0;
    play(simulated.events(segment), book, ({ ns, trades }) => {
      if (trades !== undefined || ns % 1e8 !== 0) return;
      const move = Math.abs((book.mid ?? 0) - mid);
      mid = book.mid ?? 0;
      frame++;
      (frame === 600 || frame === 1 ? atBorders : elsewhere).push(move);
    });
    expect(frame).toBe(600);
  }
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const largest = elsewhere.sort((a, b) => b - a)[0] ?? 0;
  expect(Math.max(...atBorders)).toBeLessThanOrEqual(largest);
  expect(mean(atBorders)).toBeLessThan(4 * mean(elsewhere));
});

test("[SM5] the number of orders in a segment is bounded", () => {
  const simulated = market(3, "mixed");
  for (const segment of [1, 999, 100_001]) {
    const running = simulated.segment(segment);
    const count = () => [...running.bids, ...running.asks].length;
    expect(count()).toBeLessThan(400);
    let most = 0;
    for (const _ of running.run()) most = Math.max(most, count());
    expect(most).toBeLessThan(1_000);
  }
});

test("[SM6] times never decrease, and each tenth of a second ends with an event", () => {
  const simulated = market(9, "mixed");
  let last = Number.NEGATIVE_INFINITY;
  const closed = new Set<number>();
  for (const { ns, trades } of simulated.events(1)) {
    expect(ns).toBeGreaterThanOrEqual(last);
    last = ns;
    if (trades === undefined && ns % 1e8 === 0) closed.add(ns);
    for (const { size, price } of trades ?? []) expect(size > 0 && price > 0).toBe(true);
  }
  expect([closed.size, Math.min(...closed), last]).toEqual([600, segmentMs * 1e6, 2 * segmentMs * 1e6 - 1e8]);
});

describe("[SM7] labels describe the incidents", () => {
  test("each within its segment, after data for the detectors", () => {
    const labels = market(1, "mixed").labels(0, 3_600e9);
    expect(labels.length).toBe(30);
    for (const { fromNs, toNs } of labels) {
      const within = fromNs % 60e9;
      expect(within).toBeGreaterThanOrEqual(5e9);
      expect(toNs).toBeGreaterThan(fromNs);
      expect(Math.floor((toNs + 9e9) / 60e9)).toBe(Math.floor(fromNs / 60e9));
    }
    expect(new Set(labels.map(({ kind }) => kind)).size).toBeGreaterThan(6);
  });

  test("of the scenario's kinds and severities", () => {
    const labels = market(1, "spoofing:high,news:low").labels(0, 3_600e9);
    expect(new Set(labels.map(({ kind, severity, benign }) => `${kind} ${severity} ${benign}`))).toEqual(
      new Set(["spoofing high false", "news low true"]),
    );
  });

  test("and a calm market has none", () => {
    expect(market(1).labels(0, 3_600e9)).toEqual([]);
  });

  test("including those that overlap the time range", () => {
    const simulated = market(4, "layering");
    const [label] = simulated.labels(0, 120e9);
    expect(simulated.labels((label?.toNs ?? 0) - 1, 120e9)).toEqual([label]);
    expect(simulated.labels((label?.toNs ?? 0) + 1, 120e9)).toEqual([]);
  });
});

describe("[SM11] a plan", () => {
  const plan: readonly PlannedIncident[] = [
    { segment: 1, fromMs: 8_000, kind: "spoofing", severity: "high" },
    { segment: 1, fromMs: 38_000, kind: "wash_trading", severity: "low" },
    { segment: 4, fromMs: 10_000, kind: "news", severity: "medium" },
  ];
  const planned = new SimulatedMarket({ symbol: "BTCUSDT", seed: 1, scenario: "layering", plan });

  test("stages its incidents at their times, and the scenario continues after its last segment", () => {
    const staged = planned.labels(0, 480e9).map(({ kind, severity, fromNs }) => [kind, severity, fromNs / 1e9]);
    expect(staged.slice(0, 3)).toEqual([
      ["spoofing", "high", 67.9],
      ["wash_trading", "low", 97.9],
      ["news", "medium", 249.9],
    ]);
    expect(planned.labels(480e9, 960e9)).toEqual(market(1, "layering").labels(480e9, 960e9));
    expect(staged.slice(3).map(([kind]) => kind)).toEqual(["layering", "layering"]);
  });

  test("changes only the segments of its incidents", () => {
    const calm = market(1);
    expect(digest(planned, 1)).not.toBe(digest(calm, 1));
    // Odd, so the scenario alone would stage something in it.
    expect(digest(planned, 3)).toBe(digest(calm, 3));
    expect(digest(planned, 5)).toBe(digest(market(1, "layering"), 5));
  });
});

describe("[SM8] a scenario's text", () => {
  test("is canonical", () => {
    expect(scenarioText(parseScenario("layering+Spoofing:HIGH") ?? [])).toBe("layering,spoofing:high");
    expect(scenarioText(parseScenario("spoofing:high,layering") ?? [])).toBe("layering,spoofing:high");
  });

  test.each(scenarioNames)("parses and prints %s", (name) => {
    expect(scenarioText(parseScenario(name) ?? [])).toBe(name);
  });

  test.each(["", "spoof", "spoofing:huge", "spoofing:high:low", "calm,nonsense"])("rejects %j", (text) => {
    expect(parseScenario(text)).toBeUndefined();
  });
});

test("[SM9] there are forty held-out seeds, and none of them is for tuning", () => {
  expect(new Set(heldOutSeeds).size).toBe(40);
  expect(tuningSeeds).toHaveLength(120);
  expect(heldOutSeeds.filter((seed) => tuningSeeds.includes(seed))).toEqual([]);
});

test("[SM38] who observes the orders changes nothing in the market", () => {
  const ignore = () => undefined;
  const observer = { rested: ignore, executed: ignore, cancelled: ignore, took: ignore, printed: ignore };
  const simulated = market(9, "mixed");
  for (const segment of [1, 3, 5]) {
    const events = ({ trades, bids, asks, ns }: SegmentEvent) => ({ trades, bids, asks, ns });
    const observed = [...simulated.segment(segment, [], { observer }).run()].map(events);
    expect(observed).toEqual([...simulated.segment(segment).run()].map(events));
  }
});
