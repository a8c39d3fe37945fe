import { OrderBook } from "@tapedeck/market";
import { expect, test, vi } from "vitest";
import { soon } from "../../../../test/support/soon.js";
import { SimVenue } from "./sim.js";
import type { MarketSink, VenueTrade } from "./venue.js";

const settings = { seed: "test", scenario: "calm" };

/** Listens from a moment on the wall, on a clock that a test can set. */
function listening(symbol: string, fromMs: number, its = settings) {
  const book = new OrderBook();
  const trades: VenueTrade[] = [];
  const times: bigint[] = [];
  const clock = { ms: fromMs };
  const leaving = new AbortController();
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
    signal: leaving.signal,
  });
  return { book, trades, times, clock, over, leave: () => leaving.abort() };
}

const top = ({ book }: { book: OrderBook }) => [book.bids.top(20), book.asks.top(20)];
const at = Date.UTC(2026, 5, 1, 12, 0, 57, 300);

test("[FD7] goes on while nobody listens: who comes later finds the market where it is", async () => {
  const early = listening("BTCUSDT", at);
  for (let ms = 0; ms <= 8_000; ms += 100) early.clock.ms = at + ms; // over the end of its minute
  await vi.waitFor(() => expect(Number(early.times.at(-1) ?? 0n) / 1e6).toBeGreaterThan(at + 7_900), soon);
  const late = listening("BTCUSDT", at + 8_000);
  expect(top(late)).toEqual(top(early));
  expect(early.trades.length).toBeGreaterThan(0);
  expect(early.trades.every(({ ns }) => ns > BigInt(at) * 1_000_000n && ns <= BigInt(at + 8_000) * 1_000_000n)).toBe(
    true,
  );
  expect(early.times).toEqual([...early.times].sort((a, b) => Number(a - b)));
  for (const one of [early, late]) {
    one.leave();
    await one.over;
  }
});

test("[FD7] another seed is another market, and so is another symbol", () => {
  const markets = [
    listening("BTCUSDT", at),
    listening("BTCUSDT", at, { ...settings, seed: "other" }),
    listening("X1", at),
  ];
  expect(new Set(markets.map((one) => JSON.stringify(top(one)))).size).toBe(3);
  for (const one of markets) one.leave();
});

test("[FD7] after 91 days it begins again", async () => {
  const lastMinute = Date.UTC(2025, 0, 1) + (2 ** 17 - 1) * 60_000;
  const one = listening("BTCUSDT", lastMinute + 59_000);
  one.clock.ms += 3_000;
  await vi.waitFor(() => expect(Number(one.times.at(-1) ?? 0n) / 1e6).toBeGreaterThan(lastMinute + 61_900), soon);
  const again = listening("BTCUSDT", lastMinute + 62_000);
  expect(top(again)).toEqual(top(one));
  one.leave();
  again.leave();
});

test("[FD3] what is no symbol is refused", async () => {
  await expect(listening("BTC/USDT", at).over).rejects.toMatchObject({ kind: "refused" });
});
