import { expect, test } from "vitest";
import { mostOrders, OrderCounts } from "./order-counts.js";

test("[VK24] the orders of a session are counted by windows of ten seconds, and refused with -1015 beyond the limit", () => {
  let now = 1_000_000;
  const counts = new OrderCounts(() => now);
  counts.count("a", 1);
  counts.count("a", 2);
  counts.count("b", 1);
  expect([counts.placed("a"), counts.placed("b"), counts.placed("c")]).toEqual([3, 1, 0]);
  now += 4_000;
  expect(() => counts.count("a", mostOrders)).toThrow(
    expect.objectContaining({ code: -1015, status: 429, retryAfter: 6 }),
  );
  counts.count("a", mostOrders - 3);
  expect(() => counts.count("a", 1)).toThrow("Too many new orders; current limit is 300 orders per 10 SECOND.");
  now += 6_000;
  expect(counts.placed("a")).toBe(0);
});
