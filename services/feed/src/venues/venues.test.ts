import { OrderBook } from "@tapedeck/market";
import { describe, expect, test } from "vitest";
import { bybit } from "./bybit.js";
import { coinbase } from "./coinbase.js";
import type { VenueProtocol } from "./connection/socket-venue.js";
import { kraken } from "./kraken.js";
import { okx } from "./okx.js";
import type { VenueError, VenueTrade } from "./venue.js";

/** A message handler without a connection: what it sends, and what it makes of messages. */
function handle(protocol: VenueProtocol, symbol: string) {
  const book = new OrderBook();
  const trades: VenueTrade[] = [];
  const sent: unknown[] = [];
  const errors: VenueError[] = [];
  const times: (bigint | undefined)[] = [];
  const handler = protocol.createHandler({
    symbol,
    rest: new URL("http://127.0.0.1"),
    signal: new AbortController().signal,
    send: (message) => sent.push(JSON.parse(message)),
    end: (error) => errors.push(error),
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
  handler.onOpen?.();
  const receive = (message: unknown) => handler.onMessage(message, 0n, JSON.stringify(message));
  const best = () => [book.bids.bestPrice, book.asks.bestPrice];
  return { book, best, trades, sent, errors, times, receive };
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

  test("[FD1] subscribes to book and trades by the venue's own codes", () => {
    expect(handle(kraken, "BTC/USD").sent).toEqual([
      { event: "subscribe", pair: ["XBT/USD"], subscription: { name: "book", depth: 100 } },
      { event: "subscribe", pair: ["XBT/USD"], subscription: { name: "trade" } },
    ]);
  });

  test("[FD4] applies an update with the right checksum, and ends at a wrong one", () => {
    const { receive, best, errors, times } = handle(kraken, "XBT/USD");
    receive(snapshot);
    // CRC32 of the levels' digits, asks first: 554130000 250700000, 554250000 40100000, 554125000 100000000, ...
    const change = { b: [["5541.25000", "1.00000000", "1534614249.000001"]], c: "3799774385" };
    receive([336, change, "book-100", "XBT/USD"]);
    expect(best()).toEqual([5541.25, 5541.3]);
    expect([errors, times.at(-1)]).toEqual([[], 1534614249000001000n]);
    receive([
      336,
      { a: [["5541.30000", "0.00000000", "1534614250.000001"]] },
      { b: [], c: "1" },
      "book-100",
      "XBT/USD",
    ]);
    expect(errors).toMatchObject([{ kind: "out of step" }]);
  });

  test("[FD1] reads trades, with the taker's side", () => {
    const { receive, trades } = handle(kraken, "XBT/USD");
    receive([337, [["5541.20000", "0.15850568", "1534614057.321597", "s", "l", ""]], "trade", "XBT/USD"]);
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

  test("[FD3] ends for an unknown pair", () => {
    const { receive, errors } = handle(kraken, "XBT/FOO");
    receive({ event: "systemStatus", status: "online" });
    receive({ event: "heartbeat" });
    receive({ event: "subscriptionStatus", status: "error", errorMessage: "Currency pair not supported XBT/FOO" });
    expect(errors).toMatchObject([
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

  test("[FD1] connects to separate addresses for linear and inverse contracts", () => {
    const base = new URL("wss://stream.bybit.com/v5/public");
    expect(bybit.address(base, "BTCUSDT").href).toBe("wss://stream.bybit.com/v5/public/linear");
    expect(bybit.address(base, "BTCUSD").href).toBe("wss://stream.bybit.com/v5/public/inverse");
  });

  test("[FD4] follows the update ids: a whole book may come at any time, and a missing id ends the connection", () => {
    const { receive, best, errors, times } = handle(bybit, "BTCUSDT");
    receive(book("delta", 6, [["99", "1"]], [])); // before the first whole book
    receive(book("snapshot", 7, [["99", "1"]], [["101", "1"]]));
    receive(book("delta", 8, [["100", "2"]], []));
    expect([best(), times]).toEqual([
      [100, 101],
      [1687940967464000000n, 1687940967464000000n],
    ]);
    receive(book("snapshot", 1, [["98", "1"]], [["102", "1"]]));
    receive(book("delta", 2, [], [["101.5", "1"]]));
    expect([best(), errors]).toEqual([[98, 101.5], []]);
    receive(book("delta", 4, [["97", "1"]], []));
    expect(errors).toMatchObject([
      { kind: "out of step", message: "Book updates of BYBIT are missing (4 came after 2)." },
    ]);
  });

  test("[FD4] drops levels that fall out of the depth", () => {
    const { receive, book: its } = handle(bybit, "BTCUSDT");
    const bids = Array.from({ length: 50 }, (_, n) => [String(1000 - n), "1"]);
    receive(book("snapshot", 1, bids, [["1002", "1"]]));
    receive(book("delta", 2, [["1001", "1"]], []));
    expect([its.bids.depth, its.bids.worstPrice]).toEqual([50, 952]);
  });

  test("[FD1] reads trades, and leaves out those made away from the book", () => {
    const { receive, trades } = handle(bybit, "BTCUSDT");
    const trade = { T: 1672304486865, s: "BTCUSDT", S: "Buy", v: "0.001", p: "16578.50", i: "20f43950", BT: false };
    receive({ topic: "publicTrade.BTCUSDT", type: "snapshot", data: [trade, { ...trade, i: "x", BT: true }] });
    expect(trades).toMatchObject([{ price: 16578.5, size: 0.001, side: "buy" }, { excluded: "block trade" }]);
  });

  test("[FD3] ends for an unknown symbol, and not for the reply to a ping", () => {
    const { receive, errors } = handle(bybit, "FOO");
    receive({ success: true, ret_msg: "pong", conn_id: "1", op: "ping" });
    receive({ success: false, ret_msg: "error:handler not found,topic:orderbook.50.FOO", op: "subscribe" });
    expect(errors).toMatchObject([{ kind: "refused" }]);
  });
});

describe("OKX", () => {
  const book = (action: string, prevSeqId: number, seqId: number, bids: string[][], asks: string[][]) => ({
    arg: { channel: "books", instId: "BTC-USDT" },
    action,
    data: [{ asks, bids, ts: "1597026383085", checksum: 0, prevSeqId, seqId }],
  });

  test("[FD4] follows the chain of updates, also when numbers fall or repeat, and ends at a missing one", () => {
    const { receive, best, errors } = handle(okx, "BTC-USDT");
    receive(book("snapshot", -1, 100, [["99", "1", "0", "2"]], [["101", "1", "0", "1"]]));
    receive(book("update", 100, 117, [["100", "2", "0", "1"]], []));
    receive(book("update", 117, 117, [], [])); // no change for a minute
    receive(book("update", 117, 3, [], [["100.5", "1", "0", "1"]])); // after maintenance
    receive(book("update", 3, 5, [["100", "0", "0", "0"]], []));
    expect([best(), errors]).toEqual([[99, 100.5], []]);
    receive(book("update", 8, 9, [], []));
    expect(errors).toMatchObject([{ kind: "out of step", message: "Book updates of OKX are missing (after 5)." }]);
  });

  test("[FD1] subscribes to book and trades, and reads them", () => {
    const { sent, receive, trades } = handle(okx, "BTC-USDT");
    const args = ["books", "trades"].map((channel) => ({ channel, instId: "BTC-USDT" }));
    expect(sent).toEqual([{ op: "subscribe", args }]);
    const data = [
      { instId: "BTC-USDT", tradeId: "130639474", px: "42219.9", sz: "0.12", side: "buy", ts: "1630048897897" },
    ];
    receive({ arg: args[1], data });
    expect(trades).toMatchObject([{ id: "130639474", price: 42219.9, size: 0.12, side: "buy" }]);
  });

  test("[FD3] ends for an unknown instrument", () => {
    const { receive, errors } = handle(okx, "FOO");
    receive({ event: "subscribe", arg: { channel: "trades", instId: "BTC-USDT" } });
    receive({ event: "error", code: "60018", msg: "Wrong URL or channel:books,instId:FOO doesn't exist." });
    expect(errors.map(({ kind }) => kind)).toEqual(["refused"]);
  });
});

test("[FD3] Coinbase's refusal of a product comes with its reason", () => {
  const { sent, receive, errors } = handle(coinbase, "BTC-FOO");
  expect(sent).toEqual([{ type: "subscribe", product_ids: ["BTC-FOO"], channels: ["level2_batch", "matches"] }]);
  receive({ type: "error", message: "Failed to subscribe", reason: "BTC-FOO is not a valid product" });
  expect(errors).toMatchObject([
    { message: "COINBASE refuses BTC-FOO: Failed to subscribe: BTC-FOO is not a valid product." },
  ]);
});
