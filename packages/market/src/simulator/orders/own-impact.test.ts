import { expect, test } from "vitest";
import { OrderBook } from "../../book/order-book.js";
import { framesPerSegment } from "../segments.js";
import { SimulatedMarket } from "../simulated-market.js";
import { impactSegments } from "./own-impact.js";
import { type OnTraded, type OwnOrder, sizeOfTrades } from "./own-orders.js";

/** Mid prices as a segment's frames close, in ticks. */
function mids(market: SimulatedMarket, segment: number, orders: readonly OwnOrder[] = []): number[] {
  const book = new OrderBook();
  market.opening(segment, orders).change?.(book);
  const found: number[] = [];
  for (const { ns, change, trades } of market.segment(segment, orders).run()) {
    change?.(book);
    if (trades === undefined && ns % 1e8 === 0) found.push(10 * (book.mid ?? 0));
  }
  expect(found).toHaveLength(framesPerSegment);
  return found;
}

/** How far an order has moved the mid in its direction by the end of each frame of these segments, in ticks. */
function moved(seed: number, order: OwnOrder, segments: readonly number[]): Map<number, number[]> {
  const market = new SimulatedMarket({ symbol: "BTCUSDT", seed });
  let filled = 0;
  const onTraded: OnTraded = (_, trades) => {
    filled = sizeOfTrades(trades);
  };
  for (const _ of market.segment(0, [order], { onTraded }).run());
  const orders = [{ ...order, filled }];
  const sign = order.side === "BUY" ? 1 : -1;
  return new Map(
    segments.map((segment) => {
      const without = mids(market, segment);
      return [segment, mids(market, segment, orders).map((mid, at) => sign * (mid - (without[at] ?? 0)))];
    }),
  );
}

const orderSeq = 570;
const seeds = Array.from({ length: 12 }, (_, seed) => seed);
const all = seeds.map((seed) => {
  const side = seed % 2 === 0 ? "BUY" : "SELL";
  return moved(seed, { seq: orderSeq, side, quantity: 20 }, [0, 1, impactSegments, impactSegments + 1]);
});

/** Mean over all seeds at the end of a frame. */
function mean(segment: number, frame: number): number {
  return all.reduce((sum, each) => sum + (each.get(segment)?.[frame] ?? Number.NaN), 0) / seeds.length;
}

test("[SO7] an order moves the price at once, and nothing before it changes", () => {
  for (let frame = 0; frame < orderSeq; frame++) expect(mean(0, frame)).toBe(0);
  expect(mean(0, orderSeq + 5)).toBeGreaterThan(20);
});

test("[SO7] the impact decays, across segment borders as within segments", () => {
  const fading = [mean(0, orderSeq + 5), mean(0, 599), mean(1, 50), mean(1, 300), mean(1, 599)];
  for (const [nth, ticks] of fading.entries()) if (nth > 0) expect(ticks).toBeLessThan(fading[nth - 1] ?? 0);
  expect(fading.at(-1)).toBeGreaterThan(0);
  // The impact is continuous across the border.
  for (const frame of [0, 1, 2]) expect(mean(1, frame)).toBeGreaterThan(0.8 * mean(0, 599));
});

test("[SO7] the impact ends after five minutes", () => {
  expect(mean(impactSegments, framesPerSegment - 1)).toBe(0);
  expect(all.map((each) => each.get(impactSegments + 1)?.every((ticks) => ticks === 0))).not.toContain(false);
});

test("[SO7] the price stays positive however much is ordered", () => {
  const orders = Array.from(
    { length: 1_000 },
    (_, nth) => ({ seq: nth, side: "SELL", quantity: 50, filled: 50 }) as const,
  );
  const market = new SimulatedMarket({ symbol: "ANYTHING", seed: 1 });
  expect(Math.min(...mids(market, 2, orders))).toBeGreaterThan(0);
});
