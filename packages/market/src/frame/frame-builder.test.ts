import { checkFrameText, isoOfNs, type TradeSide } from "@tapedeck/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BookLevel } from "../book/order-book.js";
import { FrameBuilder, type FrameBuilderOptions } from "./frame-builder.js";
import type { FrameParts } from "./frame-parts.js";

const originNs = BigInt(Date.UTC(2024, 7, 8)) * 1_000_000n;
const ms = 1e6;

function building(options: Partial<FrameBuilderOptions> = {}) {
  const frames: FrameParts[] = [];
  const builder = new FrameBuilder({
    symbol: "BTCUSDT",
    originNs,
    decimals: 3,
    intervalNs: 100 * ms,
    emit: (parts) => frames.push(parts),
    ...options,
  });
  const book = (atMs: number, bids: BookLevel[], asks: BookLevel[]) =>
    builder.apply({ ns: atMs * ms, change: (its) => its.apply(bids, asks) });
  const trade = (atMs: number, price: number, size: number, side: TradeSide = "buy") =>
    builder.apply({
      ns: atMs * ms,
      trades: [{ timestamp: isoOfNs(originNs + BigInt(atMs * ms), 3), price, size, side }],
    });
  return { builder, frames, book, trade };
}

/** A frame as clients receive it. */
function read(parts: FrameParts | undefined) {
  if (parts === undefined) throw new Error("there is no such frame");
  const { tradeCount, tradeVolume, lastTradePrice, lastTradeSide, effectiveSpread } = parts;
  const tradeFields =
    tradeCount === 0
      ? `"trade_classified":false`
      : `"trade_classified":true,"trade_volume":${tradeVolume},"last_trade_price":${lastTradePrice},"trade_side":"${lastTradeSide}","effective_spread":${effectiveSpread}`;
  const text = `{"type":"snapshot","seq":0,${parts.head},${tradeFields},"trades":[${parts.trades}],"anomalies":[${parts.anomalies}]}`;
  expect(checkFrameText(text)).toEqual([]);
  return JSON.parse(text);
}

describe("intervals", () => {
  test("[FR2] an interval with a change makes one frame, with its last event's time", () => {
    const { builder, frames, book } = building();
    book(1010, [[99, 1]], [[101, 1]]);
    book(1090, [[99.5, 2]], []);
    book(1150, [], [[100.5, 3]]);
    builder.end();
    expect(frames.map((parts) => read(parts).timestamp)).toEqual([
      "2024-08-08T00:00:01.090Z",
      "2024-08-08T00:00:01.150Z",
    ]);
    expect(read(frames[0])).toMatchObject({ best_bid: 99.5, best_ask: 101, updates: 2 });
    expect(read(frames[1])).toMatchObject({ best_bid: 99.5, best_ask: 100.5, updates: 1 });
  });

  test("[FR2] an interval without a visible change makes no frame", () => {
    const { builder, frames, book } = building();
    const levels = (n: number): BookLevel[] => Array.from({ length: n }, (_, k) => [100 - k, 1]);
    book(0, levels(30), [[101, 1]]);
    book(150, [[75, 9]], []); // beyond the 20 levels of a frame
    book(250, [[100, 1]], []); // unchanged
    book(350, [[100, 2]], []);
    builder.end();
    expect(frames.map((parts) => parts.ns / ms)).toEqual([0, 350]);
    expect(read(frames[1]).updates).toBe(3);
  });

  test("[FR3] with interval 0 each event that changes something makes a frame", () => {
    const { frames, book, trade } = building({ intervalNs: 0 });
    book(0, [[99, 1]], [[101, 1]]);
    book(0, [[99, 1]], []);
    trade(5, 101, 0.5);
    book(5, [], [[101, 0.5]]);
    expect(frames.map((parts) => [parts.ns / ms, parts.tradeCount])).toEqual([
      [0, 0],
      [5, 1],
      [5, 0],
    ]);
  });

  test("[FR12] tape time 0 is the first frame", () => {
    const { builder, frames, book } = building();
    book(1234, [[99, 1]], [[101, 1]]);
    book(1500, [[99.5, 1]], []);
    builder.end();
    expect(frames.map((parts) => parts.ns / ms)).toEqual([0, 266]);
    expect(builder.startNs).toBe(originNs + 1234n * 1_000_000n);
  });
});

describe("prices", () => {
  test("[FR5] no frame is made before there are both a bid and an ask", () => {
    const { builder, frames, book, trade } = building();
    book(0, [[99, 1]], []);
    trade(10, 99, 1);
    book(200, [], []);
    expect(builder.startNs).toBeUndefined();
    book(400, [], [[101, 1]]);
    builder.end();
    expect(frames).toHaveLength(1);
    expect(builder.counts.tradesBeforePrice).toBe(1);
    expect(read(frames[0]).trades).toEqual([]);
  });

  test("[FR5] a one-sided book keeps the last known mid, and an empty side starts one tick from the other", () => {
    const { builder, frames, book } = building();
    book(0, [[99.5, 1]], [[100, 1]]);
    book(200, [], [[100, 0]]);
    builder.end();
    const frame = read(frames[1]);
    expect(frame).toMatchObject({ mid_price: 99.75, microprice: 99.75, best_bid: 99.5, best_ask: null, spread: null });
    expect(frame).toMatchObject({ q_bid: 1, q_ask: 0, divergence: 0 });
    expect(frame.asks.slice(0, 2)).toEqual([
      [100, 0],
      [100.5, 0],
    ]);
    expect(frame.asks).toHaveLength(10);
  });

  test("[FR5] an empty book is padded around the last known mid", () => {
    const { builder, frames, book } = building();
    book(0, [[99.5, 1]], [[100, 1]]);
    book(200, [[99.5, 0]], [[100, 0]]);
    builder.end();
    const frame = read(frames[1]);
    expect(frame.mid_price).toBe(99.75);
    expect([frame.bids[0], frame.asks[0]]).toEqual([
      [99.5, 0],
      [100, 0],
    ]);
  });

  test("[FR6] mid, microprice, spread and divergence carry no float noise", () => {
    const { builder, frames, book } = building();
    book(0, [[28140.1, 3]], [[28140.2, 1]]);
    builder.end();
    expect(read(frames[0])).toMatchObject({
      mid_price: 28140.15,
      microprice: 28140.175,
      spread: 0.1,
      divergence: 0.025,
      q_bid: 3,
      q_ask: 1,
    });
  });

  test("[FR4] a thin side is padded to ten levels, stepping outward by one tick", () => {
    const { builder, frames, book } = building();
    book(
      0,
      [
        [0.01731, 5],
        [0.0173, 7],
      ],
      [[0.01735, 4]],
    );
    builder.end();
    const frame = read(frames[0]);
    expect(frame.bids.slice(0, 4)).toEqual([
      [0.01731, 5],
      [0.0173, 7],
      [0.01729, 0],
      [0.01728, 0],
    ]);
    expect(frame.asks.slice(0, 2)).toEqual([
      [0.01735, 4],
      [0.01736, 0],
    ]);
  });

  test("[FR11] in a crossed book the side that was updated last is kept", () => {
    const { builder, frames, book } = building();
    book(
      0,
      [[99, 1]],
      [
        [100, 1],
        [101, 2],
      ],
    );
    book(200, [[100, 5]], []);
    builder.end();
    expect(read(frames[1])).toMatchObject({ best_bid: 100, best_ask: 101 });
    expect(builder.counts).toMatchObject({ crossed: 1, levelsUncrossed: 1 });
  });
});

describe("trades", () => {
  test("[FR8] the effective spread is twice the last trade's distance from the mid before it", () => {
    const { builder, frames, book, trade } = building();
    book(0, [[99, 1]], [[101, 1]]);
    trade(10, 101, 0.25, "buy");
    trade(20, 99, 0.5, "sell");
    trade(30, 98.5, 0.1, "sell");
    book(
      40,
      [
        [99, 0],
        [90, 1],
      ],
      [],
    );
    builder.end();
    expect(read(frames[0])).toMatchObject({
      trade_volume: 0.85,
      last_trade_price: 98.5,
      trade_side: "sell",
      effective_spread: 3,
      mid_price: 95.5,
    });
  });

  test("[FR8] a trade without a side has no effective spread", () => {
    const { builder, frames, book, trade } = building();
    book(0, [[99, 1]], [[101, 1]]);
    trade(10, 100, 1, "unknown");
    builder.end();
    expect(read(frames[0]).effective_spread).toBeNull();
  });

  test("[FR20] each trade carries the mid before it, not that at the end of its frame", () => {
    const { builder, frames, book, trade } = building();
    book(0, [[99, 1]], [[101, 1]]);
    trade(10, 101, 1, "buy");
    // The trades meet the book before the change.
    builder.apply({
      ns: 20 * ms,
      trades: [{ timestamp: isoOfNs(originNs + BigInt(20 * ms), 3), price: 99, size: 1, side: "sell", own: true }],
      change: (its) => its.set("bid", 100.25, 1),
    });
    trade(30, 100.5, 1, "unknown");
    book(40, [[100.25, 0]], [[101, 0]]);
    trade(50, 99, 1, "sell");
    builder.end();
    expect(read(frames[0])).toMatchObject({
      trades: [
        { price: 101, side: "buy", mid_price: 100 },
        { price: 99, side: "sell", mid_price: 100, own: true },
        { price: 100.5, side: "sell", mid_price: 100.625 },
        { price: 99, side: "sell", mid_price: 100.625 },
      ],
      effective_spread: 3.25,
      mid_price: 100.625,
    });
  });

  test("[FR20] a trade's mid has no float noise, even before a frame has shown its prices", () => {
    const { builder, frames, book, trade } = building();
    book(0, [[0.1, 1]], [[0.25, 1]]);
    trade(10, 0.3, 1, "buy");
    book(20, [[0.1, 0]], [[0.25, 0]]);
    book(30, [[0.3, 1]], [[0.4, 1]]);
    builder.end();
    expect(read(frames[0])).toMatchObject({ trades: [{ mid_price: 0.175 }], effective_spread: 0.25 });
  });

  test("[FR15] an unknown side follows from the mid, and at the mid from the last price change", () => {
    const { builder, frames, book, trade } = building();
    book(0, [[99, 1]], [[101, 1]]);
    for (const price of [100, 101, 100, 100, 99, 100]) trade(10, price, 1, "unknown");
    trade(20, 101, 1, "sell");
    builder.end();
    const sides = read(frames[0]).trades.map(({ side }: { side: string }) => side);
    expect(sides).toEqual(["unknown", "buy", "sell", "sell", "sell", "buy", "sell"]);
  });

  test("[FR7] more than 1,000 trades make more frames, and none is lost", () => {
    const { builder, frames, book, trade } = building();
    book(0, [[99, 1]], [[101, 1]]);
    for (let n = 0; n < 2_500; n++) trade(10, 101, (n + 1) / 1000);
    builder.end();
    expect(frames.map(({ tradeCount }) => tradeCount)).toEqual([1000, 1000, 500]);
    const sizes = frames.flatMap((parts) => read(parts).trades.map(({ size }: { size: number }) => size));
    expect(sizes).toEqual(Array.from({ length: 2_500 }, (_, n) => (n + 1) / 1000));
  });
});

describe("gaps", () => {
  test("[FR10] a marked gap ends the current interval and is attached to the next frame", () => {
    const { builder, frames, book } = building();
    book(0, [[99, 1]], [[101, 1]]);
    builder.markGap(0, "silence");
    builder.markGap(0, "silence");
    builder.markGap(0, "lost");
    book(7000, [[99, 1]], []);
    book(7200, [[99, 2]], []);
    builder.end();
    expect(frames.map((parts) => parts.gapBefore)).toEqual([null, { fromNs: 0, reason: "silence; lost" }]);
  });

  test("[FR10] a gap before the first frame is ignored", () => {
    const { builder, frames, book } = building();
    builder.markGap(0, "silence");
    book(7000, [[99, 1]], [[101, 1]]);
    builder.end();
    expect(frames[0]?.gapBefore).toBeNull();
  });
});

test("[FR13] analytics see each frame once and in order, and their findings are in it", () => {
  const seen: number[] = [];
  const { builder, frames, book, trade } = building({
    analytics: {
      analyse: ({ ns, mid, trades, afterGap, timestamp }) => {
        seen.push(ns);
        const anomaly = { timestamp, type: "TEST", severity: "low", message: `${trades.length} ${afterGap}` };
        return {
          head: `"side":${mid > 100 ? 0.5 : -0.5}`,
          anomalies: JSON.stringify(anomaly),
          events: [{ type: "TEST", severity: "low" }],
        };
      },
    },
  });
  book(0, [[99, 1]], [[100, 1]]);
  builder.markGap(0, "silence");
  trade(6000, 100, 1);
  builder.end();
  expect(seen).toEqual([0, 6000 * ms]);
  expect(read(frames[0])).toMatchObject({ side: -0.5, anomalies: [{ type: "TEST", message: "0 false" }] });
  expect(read(frames[1])).toMatchObject({ anomalies: [{ type: "TEST", message: "1 true" }] });
  expect(frames[1]?.events).toEqual([{ type: "TEST", severity: "low" }]);
});

describe("live", () => {
  test("[FR18] with a clock an interval lasts until it is ended", () => {
    const { builder, frames, book, trade } = building({ intervalNs: null });
    book(0, [[99, 1]], [[101, 1]]);
    book(250, [[100, 1]], []);
    trade(990, 101, 2);
    expect(frames).toEqual([]);
    builder.end();
    builder.end();
    book(1000, [], [[101, 5]]);
    builder.end();
    expect(frames.map(({ ns }) => ns)).toEqual([0, 10 * ms]);
    expect(read(frames[0])).toMatchObject({ best_bid: 100, updates: 2, trade_volume: 2 });
  });

  test("[FR19] a continued tape keeps its time 0, and its first frame ends a gap", () => {
    const continues = { lastNs: 5000 * ms, reason: "the feed was away" };
    const { builder, frames, book } = building({ continues });
    expect(builder.lastEventNs).toBe(5000 * ms);
    expect(builder.startNs).toBe(originNs);
    book(7000, [[99, 1]], [[101, 1]]);
    book(7100, [[98, 1]], []);
    builder.end();
    expect(frames.map(({ ns }) => ns)).toEqual([7000 * ms, 7100 * ms]);
    expect(frames.map(({ gapBefore }) => gapBefore)).toEqual([
      { fromNs: 5000 * ms, reason: "the feed was away" },
      null,
    ]);
  });

  test("[FR17] additional fields are those at the time when the frame is made, and come before the analytics", () => {
    let made = 0;
    const { builder, frames, book } = building({
      analytics: { analyse: () => ({ head: `"side":1`, anomalies: "", events: [] }) },
      annotate: () =>
        `"exchange_ts":"2024-08-08T00:00:0${made++}.000Z","ingest_ts":"2024-08-08T00:00:01.000Z","source":"SIM"`,
    });
    book(0, [[99, 1]], [[101, 1]]);
    book(100, [[98, 1]], []);
    builder.end();
    expect(read(frames[1])).toMatchObject({ exchange_ts: "2024-08-08T00:00:01.000Z", source: "SIM", side: 1 });
    expect(read(frames[0])).toMatchObject({ exchange_ts: "2024-08-08T00:00:00.000Z" });
    expect(frames[0]?.head).toMatch(/"source":"SIM","side":1$/);
  });
});

test("[FR1] frames keep every rule for any sequence of events", () => {
  const level = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 3 }));
  const event = fc.record({
    after: fc.integer({ min: 0, max: 120 }),
    side: fc.constantFrom("bids" as const, "asks" as const),
    levels: fc.array(level, { maxLength: 15 }),
    trades: fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 9 })), { maxLength: 3 }),
    side_: fc.constantFrom("buy" as const, "sell" as const, "unknown" as const),
  });
  const run = fc.record({
    events: fc.array(event, { maxLength: 40 }),
    step: fc.constantFrom(1, 0.5, 0.01, 0.00001, 1e-8),
    intervalNs: fc.constantFrom(0, 100 * ms),
  });
  fc.assert(
    fc.property(run, ({ events, step, intervalNs }) => {
      const { builder, frames } = building({ intervalNs, symbol: "Zürich\u2028" });
      const price = (n: number) => Number((n * step).toFixed(8));
      let ns = 0;
      let last = 0;
      for (const { after, side, levels, trades, side_ } of events) {
        ns += after * ms;
        const timestamp = isoOfNs(originNs + BigInt(ns), 3);
        builder.apply({
          ns,
          trades: trades.map(([at, size]) => ({ timestamp, price: price(at), size: size / 10, side: side_ })),
          change: (book) => {
            for (const [at, size] of levels) book[side].set(price(at), size / 10);
          },
        });
      }
      builder.end();
      for (const parts of frames) {
        read(parts);
        expect(parts.ns).toBeGreaterThanOrEqual(last);
        last = parts.ns;
      }
    }),
    { numRuns: 150 },
  );
});
