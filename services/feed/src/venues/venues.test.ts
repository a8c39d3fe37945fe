import { OrderBook } from "@tapedeck/market";
import { describe, expect, test } from "vitest";
import { bybit } from "./bybit.js";
import { coinbase } from "./coinbase.js";
import type { VenueProtocol } from "./connection/socket-venue.js";
import { kraken } from "./kraken.js";
import { okx } from "./okx.js";
import type { VenueError, VenueTrade } from "./venue.js";

/** A dialogue without a connection: what it asks for, and what becomes of what it hears. */
function speak(protocol: VenueProtocol, symbol: string) {
  const book = new OrderBook();
  const trades: VenueTrade[] = [];
  const sent: unknown[] = [];
  const troubles: VenueError[] = [];
  const times: (bigint | undefined)[] = [];
  const dialogue = protocol.createHandler({
    symbol,
    rest: new URL("http://127.0.0.1"),
    signal: new AbortController().signal,
    send: (message) => sent.push(JSON.parse(message)),
    end: (trouble) => troubles.push(trouble),
    market: {
      book(ns, change) {
        times.push(ns);
        change(book);
      },
      trade: (trade) => trades.push(trade),
      bookLost: () => {},
      unreadable: () => {},
    },
  });
  dialogue.onOpen?.();
  const hear = (message: unknown) => dialogue.onMessage(message, 0n, JSON.stringify(message));
  const best = () => [book.bids.bestPrice, book.asks.bestPrice];
  return { book, best, trades, sent, troubles, times, hear };
}

describe("Kraken", () => {
  const snapshot = [
    336,
    {
      as: [
        ["5541.30000", "2.50700000", "1534614248.123678"],
        ["5542.50000", "0.40100000", "1534614248.456738"],
      ],
      bs: [
        ["5541.20000", "1.52900000", "1534614248.765567"],
        ["5539.90000", "0.30000000", "1534614241.769870"],
      ],
    },
    "book-100",
    "XBT/USD",
  ];

  test("[FD1] asks for book and trades by the venue's own codes", () => {
    expect(speak(kraken, "BTC/USD").sent).toEqual([
      { event: "subscribe", pair: ["XBT/USD"], subscription: { name: "book", depth: 100 } },
      { event: "subscribe", pair: ["XBT/USD"], subscription: { name: "trade" } },
    ]);
  });

  test("[FD4] takes a change whose checksum is right, with its newest time, and ends at one that is wrong", () => {
    const { hear, best, troubles, times } = speak(kraken, "XBT/USD");
    hear(snapshot);
    // CRC32 of the levels' digits, asks first: 554130000 250700000, 554250000 40100000, 554125000 100000000, ...
    const change = { b: [["5541.25000", "1.00000000", "1534614249.000001"]], c: "3799774385" };
    hear([336, change, "book-100", "XBT/USD"]);
    expect(best()).toEqual([5541.25, 5541.3]);
    expect([troubles, times.at(-1)]).toEqual([[], 1534614249000001000n]);
    hear([336, { a: [["5541.30000", "0.00000000", "1534614250.000001"]] }, { b: [], c: "1" }, "book-100", "XBT/USD"]);
    expect(troubles).toMatchObject([{ kind: "out of step" }]);
  });

  test("[FD1] reads trades, with the taker's side", () => {
    const { hear, trades } = speak(kraken, "XBT/USD");
    hear([337, [["5541.20000", "0.15850568", "1534614057.321597", "s", "l", ""]], "trade", "XBT/USD"]);
    expect(trades).toEqual([
      {
        ns: 1534614057321597000n,
        timestamp: "2018-08-18T17:40:57.321597Z",
        price: 5541.2,
        size: 0.15850568,
        side: "sell",
      },
    ]);
  });

  test("[FD3] ends where the pair is not known", () => {
    const { hear, troubles } = speak(kraken, "XBT/FOO");
    hear({ event: "systemStatus", status: "online" });
    hear({ event: "heartbeat" });
    hear({ event: "subscriptionStatus", status: "error", errorMessage: "Currency pair not supported XBT/FOO" });
    expect(troubles).toMatchObject([
      { kind: "refused", message: "KRAKEN refuses XBT/FOO: Currency pair not supported XBT/FOO." },
    ]);
  });
});

describe("Bybit", () => {
  const book = (type: string, u: number, b: string[][], a: string[][]) => ({
    topic: "orderbook.50.BTCUSDT",
    type,
    ts: 1687940967466,
    data: { s: "BTCUSDT", b, a, u, seq: 7961638724 + u },
    cts: 1687940967464,
  });

  test("[FD1] has linear and inverse contracts at addresses of their own", () => {
    const base = new URL("wss://stream.bybit.com/v5/public");
    expect(bybit.address(base, "BTCUSDT").href).toBe("wss://stream.bybit.com/v5/public/linear");
    expect(bybit.address(base, "BTCUSD").href).toBe("wss://stream.bybit.com/v5/public/inverse");
  });

  test("[FD4] follows the update ids: a new whole book may come at any time, and a hole ends it", () => {
    const { hear, best, troubles, times } = speak(bybit, "BTCUSDT");
    hear(book("delta", 6, [["99", "1"]], [])); // of a book that is not known yet
    hear(book("snapshot", 7, [["99", "1"]], [["101", "1"]]));
    hear(book("delta", 8, [["100", "2"]], []));
    expect([best(), times]).toEqual([
      [100, 101],
      [1687940967464000000n, 1687940967464000000n],
    ]);
    hear(book("snapshot", 1, [["98", "1"]], [["102", "1"]]));
    hear(book("delta", 2, [], [["101.5", "1"]]));
    expect([best(), troubles]).toEqual([[98, 101.5], []]);
    hear(book("delta", 4, [["97", "1"]], []));
    expect(troubles).toMatchObject([
      { kind: "out of step", message: "Book updates of BYBIT are missing (4 came after 2)." },
    ]);
  });

  test("[FD4] forgets the levels that fall out of the depth", () => {
    const { hear, book: its } = speak(bybit, "BTCUSDT");
    const bids = Array.from({ length: 50 }, (_, n) => [String(1000 - n), "1"]);
    hear(book("snapshot", 1, bids, [["1002", "1"]]));
    hear(book("delta", 2, [["1001", "1"]], []));
    expect([its.bids.depth, its.bids.worstPrice]).toEqual([50, 952]);
  });

  test("[FD1] reads trades, and leaves those out that were made away from the book", () => {
    const { hear, trades } = speak(bybit, "BTCUSDT");
    const trade = { T: 1672304486865, s: "BTCUSDT", S: "Buy", v: "0.001", p: "16578.50", i: "20f43950", BT: false };
    hear({ topic: "publicTrade.BTCUSDT", type: "snapshot", data: [trade, { ...trade, i: "x", BT: true }] });
    expect(trades).toMatchObject([{ price: 16578.5, size: 0.001, side: "buy" }, { excluded: "block trade" }]);
  });

  test("[FD3] ends where the symbol is not known, and not for the answer to a ping", () => {
    const { hear, troubles } = speak(bybit, "FOO");
    hear({ success: true, ret_msg: "pong", conn_id: "1", op: "ping" });
    hear({ success: false, ret_msg: "error:handler not found,topic:orderbook.50.FOO", op: "subscribe" });
    expect(troubles).toMatchObject([{ kind: "refused" }]);
  });
});

describe("OKX", () => {
  const book = (action: string, prevSeqId: number, seqId: number, bids: string[][], asks: string[][]) => ({
    arg: { channel: "books", instId: "BTC-USDT" },
    action,
    data: [{ asks, bids, ts: "1597026383085", checksum: 0, prevSeqId, seqId }],
  });

  test("[FD4] follows the chain of changes, also where numbers fall or stand still, and ends at a hole", () => {
    const { hear, best, troubles } = speak(okx, "BTC-USDT");
    hear(book("snapshot", -1, 100, [["99", "1", "0", "2"]], [["101", "1", "0", "1"]]));
    hear(book("update", 100, 117, [["100", "2", "0", "1"]], []));
    hear(book("update", 117, 117, [], [])); // nothing has changed for a minute
    hear(book("update", 117, 3, [], [["100.5", "1", "0", "1"]])); // after maintenance
    hear(book("update", 3, 5, [["100", "0", "0", "0"]], []));
    expect([best(), troubles]).toEqual([[99, 100.5], []]);
    hear(book("update", 8, 9, [], []));
    expect(troubles).toMatchObject([{ kind: "out of step", message: "Book updates of OKX are missing (after 5)." }]);
  });

  test("[FD1] asks for book and trades, and reads them", () => {
    const { sent, hear, trades } = speak(okx, "BTC-USDT");
    const args = ["books", "trades"].map((channel) => ({ channel, instId: "BTC-USDT" }));
    expect(sent).toEqual([{ op: "subscribe", args }]);
    const data = [
      { instId: "BTC-USDT", tradeId: "130639474", px: "42219.9", sz: "0.12", side: "buy", ts: "1630048897897" },
    ];
    hear({ arg: args[1], data });
    expect(trades).toMatchObject([{ id: "130639474", price: 42219.9, size: 0.12, side: "buy" }]);
  });

  test("[FD3] ends where the instrument is not known", () => {
    const { hear, troubles } = speak(okx, "FOO");
    hear({ event: "subscribe", arg: { channel: "trades", instId: "BTC-USDT" } });
    hear({ event: "error", code: "60018", msg: "Wrong URL or channel:books,instId:FOO doesn't exist." });
    expect(troubles.map(({ kind }) => kind)).toEqual(["refused"]);
  });
});

test("[FD3] Coinbase's refusal of a product is told with its reason", () => {
  const { sent, hear, troubles } = speak(coinbase, "BTC-FOO");
  expect(sent).toEqual([{ type: "subscribe", product_ids: ["BTC-FOO"], channels: ["level2_batch", "matches"] }]);
  hear({ type: "error", message: "Failed to subscribe", reason: "BTC-FOO is not a valid product" });
  expect(troubles).toMatchObject([
    { message: "COINBASE refuses BTC-FOO: Failed to subscribe: BTC-FOO is not a valid product." },
  ]);
});
