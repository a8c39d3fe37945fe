import { OrderBook } from "@tapedeck/market";
import { expect, test, vi } from "vitest";
import { soon } from "../../../../test/support/soon.js";
import { SimVenue } from "./sim.js";
import type { MarketSink, VenueTrade } from "./venue.js";

const settings = { seed: "test", scenario: "calm" };

/** Streams from a moment on, on a clock that a test can set. */
function stream(symbol: string, fromMs: number, its = settings) {
  const book = new OrderBook();
  const trades: VenueTrade[] = [];
  const times: bigint[] = [];
  const clock = { ms: fromMs };
  const stopping = new AbortController();
  const market: MarketSink = {
    book(ns, change) {
      change(book);
      times.push(ns ?? 0n);
    },
    trade: (trade) => trades.push(trade),
    bookLost: () => {},
    unreadable: () => {},
  };
  const over = new SimVenue(its).stream({
    symbol,
    market,
    now: () => BigInt(clock.ms) * 1_000_000n,
    silenceMs: 10_000,
    signal: stopping.signal,
  });
  return { book, trades, times, clock, over, stop: () => stopping.abort() };
}

const top = ({ book }: { book: OrderBook }) => [book.bids.top(20), book.asks.top(20)];
const at = Date.UTC(2026, 5, 1, 12, 0, 57, 300);

test("[FD7] the market continues without listeners: a late one finds it at its present state", async () => {
  const early = stream("BTCUSDT", at);
  for (let ms = 0; ms <= 8_000; ms += 100) early.clock.ms = at + ms; // over the end of its minute
  await vi.waitFor(() => expect(Number(early.times.at(-1) ?? 0n) / 1e6).toBeGreaterThan(at + 7_900), soon);
  const late = stream("BTCUSDT", at + 8_000);
  expect(top(late)).toEqual(top(early));
  expect(early.trades.length).toBeGreaterThan(0);
  expect(early.trades.every(({ ns }) => ns > BigInt(at) * 1_000_000n && ns <= BigInt(at + 8_000) * 1_000_000n)).toBe(
    true,
  );
  expect(early.times).toEqual([...early.times].sort((a, b) => Number(a - b)));
  for (const one of [early, late]) {
    one.stop();
    await one.over;
  }
});

test("[FD7] another seed or symbol is another market", () => {
  const markets = [stream("BTCUSDT", at), stream("BTCUSDT", at, { ...settings, seed: "other" }), stream("X1", at)];
  expect(new Set(markets.map((one) => JSON.stringify(top(one)))).size).toBe(3);
  for (const one of markets) one.stop();
});

test("[FD7] the market starts over after 91 days", async () => {
  const lastMinute = Date.UTC(2025, 0, 1) + (2 ** 17 - 1) * 60_000;
  const one = stream("BTCUSDT", lastMinute + 59_000);
  one.clock.ms += 3_000;
  await vi.waitFor(() => expect(Number(one.times.at(-1) ?? 0n) / 1e6).toBeGreaterThan(lastMinute + 61_900), soon);
  const again = stream("BTCUSDT", lastMinute + 62_000);
  expect(top(again)).toEqual(top(one));
  one.stop();
  again.stop();
});

test("[FD3] an invalid symbol is refused", async () => {
  await expect(stream("BTC/USDT", at).over).rejects.toMatchObject({ kind: "refused" });
});
