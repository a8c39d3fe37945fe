import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeBinance } from "../../../../../test/support/exchange/binance.js";
import { FakeBitmex } from "../../../../../test/support/exchange/bitmex.js";
import { soon } from "../../../../../test/support/soon.js";
import { type StreamedMarket, streamMarket } from "../../testing/stream-market.js";
import { binance, binanceFutures } from "../binance.js";
import { bitmex } from "../bitmex.js";
import { SocketVenue } from "./socket-venue.js";

let exchange: FakeBitmex;
let market: StreamedMarket | undefined;

beforeEach(async () => {
  exchange = new FakeBitmex();
  await exchange.open();
});
afterEach(async () => {
  market?.stop();
  await market?.over;
  market = undefined;
  await exchange.close();
});

function connect(symbol = "XBTUSD", options = {}): StreamedMarket {
  const venue = new SocketVenue(bitmex, { socket: new URL(exchange.url), rest: new URL(exchange.restUrl) });
  market = streamMarket(venue, symbol, options);
  return market;
}

/** Waits until the streamed book equals that of the exchange. */
async function expectSameBook(streamed: StreamedMarket, market = exchange.market("XBTUSD")): Promise<void> {
  await vi.waitFor(() => {
    expect(streamed.book.bids.top(50)).toEqual(market.book.bids.top(50));
    expect(streamed.book.asks.top(50)).toEqual(market.book.asks.top(50));
    expect(streamed.book.bids.depth).toBeGreaterThan(10);
  }, soon);
}

describe("a connection", () => {
  test("[FD1] brings the whole book, every update and every trade", async () => {
    const market = exchange.market("XBTUSD");
    const streamed = connect();
    await expectSameBook(streamed);
    market.step(500);
    await expectSameBook(streamed);
    expect(streamed.trades.length).toBeGreaterThan(5);
    expect(streamed.updates).toMatchObject({ crossed: 0 });
    expect(streamed.times.every((ns) => ns !== undefined)).toBe(true);
  });

  test("[FD2] that is stopped ends at once, also before it is open", async () => {
    exchange.market("XBTUSD");
    const streamed = connect();
    streamed.stop();
    expect(await streamed.over).toBeUndefined();
    const second = connect();
    await expectSameBook(second);
    second.stop();
    expect(await second.over).toBeUndefined();
    await vi.waitFor(() => expect(exchange.clients.size).toBe(0), soon);
  });

  test("[FD3] that breaks ends as lost", async () => {
    exchange.market("XBTUSD");
    const streamed = connect();
    await expectSameBook(streamed);
    exchange.drop();
    expect(await streamed.over).toMatchObject({ kind: "lost", message: "BITMEX closed the connection (1006)." });
  });

  test("[FD3] without events ends as silent, though its socket is open", async () => {
    exchange.market("XBTUSD");
    const streamed = connect("XBTUSD", { silenceMs: 600 });
    await expectSameBook(streamed);
    exchange.silence(true);
    expect(await streamed.over).toMatchObject({
      kind: "silent",
      message: "BITMEX sent nothing about XBTUSD for 0.6 s.",
    });
  });

  test("[FD26] with trades but no book updates is out of step", async () => {
    exchange.market("XBTUSD").run();
    const streamed = connect("XBTUSD", { silenceMs: 600 });
    await vi.waitFor(() => expect(streamed.updates.count).toBeGreaterThan(5), soon);
    exchange.mute("orderBookL2");
    expect(await streamed.over).toMatchObject({
      kind: "out of step",
      message: "BITMEX sent trades of XBTUSD for 0.6 s without a book update.",
    });
    exchange.mute(undefined);
  });

  test("[FD3] ends as unreachable without a server, and as refused when the venue rejects it", async () => {
    exchange.refuse(403);
    expect(await connect().over).toMatchObject({
      kind: "refused",
      message: "BITMEX refuses connections: 403 Refused.",
    });
    await exchange.away();
    const error = await connect().over;
    expect(error).toMatchObject({ kind: "unreachable" });
    expect(error?.message).toMatch(/^BITMEX cannot be reached at 127\.0\.0\.1:\d+: connect ECONNREFUSED/);
    await exchange.open();
  });

  test("[FD3] for an unknown symbol ends with the venue's own message", async () => {
    const error = await connect("NOSUCH").over;
    expect(error).toMatchObject({
      kind: "refused",
      message: "BITMEX refuses NOSUCH: Unknown or expired symbol.",
    });
  });

  test("[FD5] without sequence numbers ends at an unreadable message, which may have changed the book", async () => {
    exchange.market("XBTUSD");
    const streamed = connect();
    await expectSameBook(streamed);
    exchange.sendUnreadable("<html>503 Service Unavailable</html>");
    expect(await streamed.over).toMatchObject({ kind: "out of step" });
    expect(streamed.unreadable).toEqual(["<html>503 Service Unavailable</html>"]);
  });

  test.each([
    '{"table":"orderBookL2","action":"insert","data":[{"symbol":"XBTUSD","id":"x","side":"Buy","size":1,"price":1}]}',
    '{"table":"orderBookL2","action":"insert","data":null}',
    '{"table":"trade","action":"insert","data":[{"symbol":"XBTUSD"}]}',
    "[]",
    "7",
    "null",
    "",
    `{"table":"orderBookL2","action":"explode","data":[]}`,
  ])("[FD5] survives %s", async (text) => {
    exchange.market("XBTUSD");
    const streamed = connect();
    await expectSameBook(streamed);
    exchange.sendUnreadable(text);
    expect(await streamed.over).toMatchObject({ kind: "out of step" });
    expect(streamed.unreadable).toEqual([text]);
  });

  test("[FD4] that updates an unknown level, or inserts a known one, is out of step", async () => {
    const market = exchange.market("XBTUSD");
    const streamed = connect();
    await expectSameBook(streamed);
    exchange.lose(3);
    market.step(2000);
    expect(await streamed.over).toMatchObject({ kind: "out of step" });
  });
});

describe.each([["spot", binance, "BINANCE"] as const, ["futures", binanceFutures, "BINANCE-FUTURES"] as const])(
  "Binance %s",
  (_, protocol, source) => {
    let fake: FakeBinance;
    beforeEach(async () => {
      fake = new FakeBinance({ futures: source !== "BINANCE" });
      await fake.open();
    });
    afterEach(async () => {
      market?.stop();
      await market?.over;
      await fake.close();
    });

    function connectTo(symbol = "BTCUSDT"): StreamedMarket {
      market = streamMarket(
        new SocketVenue(protocol, { socket: new URL(fake.url), rest: new URL(fake.restUrl) }),
        symbol,
      );
      return market;
    }

    test("[FD1] the book is built from a snapshot and the updates around it", async () => {
      const market = fake.market("BTCUSDT");
      market.run();
      const streamed = connectTo();
      await vi.waitFor(() => expect(streamed.updates.count).toBeGreaterThan(20), soon);
      market.stop();
      await expectSameBook(streamed, market);
      expect(streamed.updates.crossed).toBe(0);
      market.step(500);
      await expectSameBook(streamed, market);
      expect(streamed.trades.length).toBeGreaterThan(5);
    });

    test("[FD4] a missing number invalidates the book until a new snapshot arrives, on the same connection", async () => {
      const market = fake.market("BTCUSDT");
      market.run();
      const streamed = connectTo();
      await vi.waitFor(() => expect(streamed.updates.count).toBeGreaterThan(5), soon);
      fake.lose(1);
      await vi.waitFor(() => expect(streamed.bookLost).toEqual([`Book updates of ${source} are missing.`]), soon);
      const before = streamed.updates.count;
      await vi.waitFor(() => expect(streamed.updates.count).toBeGreaterThan(before + 10), soon);
      market.stop();
      await expectSameBook(streamed, market);
      expect(fake.connections).toBe(1);
    });

    test("[FD5] an unreadable message is left out; the numbers show whether it changed the book", async () => {
      const market = fake.market("BTCUSDT");
      market.run();
      const streamed = connectTo();
      await vi.waitFor(() => expect(streamed.updates.count).toBeGreaterThan(5), soon);
      fake.sendUnreadable("certainly not JSON");
      fake.sendUnreadable('{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":"soon"}}');
      const before = streamed.updates.count;
      await vi.waitFor(() => expect(streamed.updates.count).toBeGreaterThan(before + 10), soon);
      expect(streamed.unreadable).toHaveLength(2);
      expect(streamed.bookLost.slice(1)).toEqual([]);
    });

    test("[FD3] an unknown symbol, whose stream stays silent, is refused by REST", async () => {
      fake.market("BTCUSDT").run();
      const streamed = connectTo("FOOBAR");
      // The stream of an unknown symbol stays silent; the snapshot is requested all the same.
      expect(await streamed.over).toMatchObject({
        kind: "refused",
        message: `${source} refuses FOOBAR: Invalid symbol.`,
      });
    });

    test("[FD3] a venue that sends no snapshot is unreachable after some attempts", async () => {
      fake.market("BTCUSDT").run();
      fake.withhold(true);
      const error = await connectTo().over;
      expect(error).toMatchObject({
        kind: "unreachable",
        message: `${source} refuses to send a book snapshot: 503 Internal error.`,
      });
    }, 15_000);
  },
);
