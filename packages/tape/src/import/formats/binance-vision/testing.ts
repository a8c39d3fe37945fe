/** Rows in the form of Binance Vision's files, made up: no public repository has real ones under a licence. */

const startMs = Date.UTC(2024, 2, 1);

export const headers = {
  trades: "id,price,qty,quote_qty,time,is_buyer_maker",
  aggTrades: "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker",
  bookTicker: "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time",
};

export interface Quote {
  readonly ms: number;
  readonly bid: readonly [price: number, size: number];
  readonly ask: readonly [price: number, size: number];
}

/** Best prices every 40 ms. */
export function quotesOf(count: number): readonly Quote[] {
  return Array.from({ length: count }, (_, n) => {
    const bid = 61_000 + ((n * 7) % 23) / 10;
    return { ms: startMs + n * 40, bid: [bid, (n % 9) + 0.5], ask: [Number((bid + 0.1).toFixed(1)), (n % 5) + 1] };
  });
}

export function bookTickerRows(count: number): readonly string[] {
  return quotesOf(count).map(({ ms, bid, ask }, n) => `${4_000 + 3 * n},${bid},${ask},${ms},${ms + 6}`);
}
