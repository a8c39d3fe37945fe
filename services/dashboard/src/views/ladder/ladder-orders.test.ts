import type { Level } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { withOwnPrices } from "./ladder-orders";

const bids: Level[] = [
  [100, 1],
  [98, 2],
];
const asks: Level[] = [
  [101, 1],
  [103, 2],
];

test("[DB102] an order at a price without a level has a row of its own, within the rows that are shown", () => {
  const mid = { mid_price: 100.5 };
  const rows = withOwnPrices({ bids, asks }, [99, 102, 98, 100.6, 90, 110], mid);
  expect(rows.bids.map(([price]) => price)).toEqual([100, 99, 98]);
  expect(rows.asks.map(([price]) => price)).toEqual([100.6, 101, 102, 103]);
  expect(rows.asks[0]).toEqual([100.6, 0]);
  // Without orders the lists stay the same objects.
  const same = withOwnPrices({ bids, asks }, [], mid);
  expect([same.bids === bids, same.asks === asks]).toEqual([true, true]);
});
