import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeBinance } from "../../../../../test/support/exchange/binance.js";
import { FakeBitmex } from "../../../../../test/support/exchange/bitmex.js";
import { soon } from "../../../../../test/support/soon.js";
import { type StreamedMarket, streamMarket } from "../../testing/stream-market.js";
import { binance, binanceFutures } from "../binance.js";
import { bitmex } from "../bitmex.js";
import { SocketVenue } from "./socket-venue.js";

let exchange: FakeBitmex;
let ears: StreamedMarket | undefined;

beforeEach(async () => {
  exchange = new FakeBitmex();
  await exchange.open();
});
afterEach(async () => {
  ears?.stop();
  await ears?.over;
  ears = undefined;
  await exchange.close();
});

function listen(symbol = "XBTUSD", options = {}): StreamedMarket {
  const venue = new SocketVenue(bitmex, { socket: new URL(exchange.url), rest: new URL(exchange.restUrl) });
  ears = streamMarket(venue, symbol, options);
  return ears;
}

/** Waits until the ears have the book that the exchange has. */
async function agree(heard: StreamedMarket, market = exchange.market("XBTUSD")): Promise<void> {
  await vi.waitFor(() => {
    expect(heard.book.bids.top(50)).toEqual(market.book.bids.top(50));
    expect(heard.book.asks.top(50)).toEqual(market.book.asks.top(50));
    expect(heard.book.bids.depth).toBeGreaterThan(10);
  }, soon);
}

describe("a connection", () => {
  test("[FD1] tells the whole book and every change and trade of it", async () => {
    const market = exchange.market("XBTUSD");
    const heard = listen();
    await agree(heard);
    market.step(500);
    await agree(heard);
    expect(heard.trades.length).toBeGreaterThan(5);
    expect(heard.updates).toMatchObject({ crossed: 0 });
    expect(heard.times.every((ns) => ns !== undefined)).toBe(true);
  });

  test("[FD2] that is left ends at once, also before it is open", async () => {
    exchange.market("XBTUSD");
    const heard = listen();
    heard.stop();
    expect(await heard.over).toBeUndefined();
    const second = listen();
    await agree(second);
    second.stop();
    expect(await second.over).toBeUndefined();
    await vi.waitFor(() => expect(exchange.clients.size).toBe(0), soon);
  });

  test("[FD3] that breaks off ends as lost", async () => {
    exchange.market("XBTUSD");
    const heard = listen();
    await agree(heard);
    exchange.drop();
    expect(await heard.over).toMatchObject({ kind: "lost", message: "BITMEX closed the connection (1006)." });
  });

  test("[FD3] of which nothing is heard ends as silent, though its socket lives", async () => {
    exchange.market("XBTUSD");
    const heard = listen("XBTUSD", { silenceMs: 600 });
    await agree(heard);
    exchange.silence(true);
    expect(await heard.over).toMatchObject({ kind: "silent", message: "BITMEX has said nothing of XBTUSD for 0.6 s." });
  });

  test("[FD26] whose book is silent while trades go on is out of step", async () => {
    exchange.market("XBTUSD").run();
    const heard = listen("XBTUSD", { silenceMs: 600 });
    await vi.waitFor(() => expect(heard.updates.count).toBeGreaterThan(5), soon);
    exchange.mute("orderBookL2");
    expect(await heard.over).toMatchObject({
      kind: "out of step",
      message: "BITMEX has sent trades of XBTUSD for 0.6 s and no change of its book.",
    });
    exchange.mute(undefined);
  });

  test("[FD3] to nobody ends as unreachable, and one to a venue that says no as refused", async () => {
    exchange.refuse(403);
    expect(await listen().over).toMatchObject({ kind: "refused", message: "BITMEX refuses connections: 403 Refused." });
    await exchange.away();
    const trouble = await listen().over;
    expect(trouble).toMatchObject({ kind: "unreachable" });
    expect(trouble?.message).toMatch(/^BITMEX cannot be reached at 127\.0\.0\.1:\d+: connect ECONNREFUSED/);
    await exchange.open();
  });

  test("[FD3] for a symbol that the venue does not know ends with the venue's words", async () => {
    const trouble = await listen("NOSUCH").over;
    expect(trouble).toMatchObject({
      kind: "refused",
      message: "BITMEX refuses NOSUCH: Unknown or expired symbol.",
    });
  });

  test("[FD5] with a message that cannot be read ends where messages bear no numbers: it may have been of the book", async () => {
    exchange.market("XBTUSD");
    const heard = listen();
    await agree(heard);
    exchange.sendUnreadable("<html>503 Service Unavailable</html>");
    expect(await heard.over).toMatchObject({ kind: "out of step" });
    expect(heard.unreadable).toEqual(["<html>503 Service Unavailable</html>"]);
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
    const heard = listen();
    await agree(heard);
    exchange.sendUnreadable(text);
    expect(await heard.over).toMatchObject({ kind: "out of step" });
    expect(heard.unreadable).toEqual([text]);
  });

  test("[FD4] that changes a level which is not known, or brings one that is, is out of step", async () => {
    const market = exchange.market("XBTUSD");
    const heard = listen();
    await agree(heard);
    exchange.lose(3);
    market.step(2000);
    expect(await heard.over).toMatchObject({ kind: "out of step" });
  });
});

describe.each([["spot", binance, "BINANCE"] as const, ["futures", binanceFutures, "BINANCE-FUTURES"] as const])(
  "Binance %s",
  (_, protocol, source) => {
    let stand: FakeBinance;
    beforeEach(async () => {
      stand = new FakeBinance({ futures: source !== "BINANCE" });
      await stand.open();
    });
    afterEach(async () => {
      ears?.stop();
      await ears?.over;
      await stand.close();
    });

    function hear(symbol = "BTCUSDT"): StreamedMarket {
      ears = streamMarket(
        new SocketVenue(protocol, { socket: new URL(stand.url), rest: new URL(stand.restUrl) }),
        symbol,
      );
      return ears;
    }

    test("[FD1] its book is joined from a snapshot and the changes around it", async () => {
      const market = stand.market("BTCUSDT");
      market.run();
      const heard = hear();
      await vi.waitFor(() => expect(heard.updates.count).toBeGreaterThan(20), soon);
      market.stop();
      await agree(heard, market);
      expect(heard.updates.crossed).toBe(0);
      market.step(500);
      await agree(heard, market);
      expect(heard.trades.length).toBeGreaterThan(5);
    });

    test("[FD4] a missing number breaks the book until a new snapshot mends it, on the same connection", async () => {
      const market = stand.market("BTCUSDT");
      market.run();
      const heard = hear();
      await vi.waitFor(() => expect(heard.updates.count).toBeGreaterThan(5), soon);
      stand.lose(1);
      await vi.waitFor(() => expect(heard.bookLost).toEqual([`Book updates of ${source} are missing.`]), soon);
      const before = heard.updates.count;
      await vi.waitFor(() => expect(heard.updates.count).toBeGreaterThan(before + 10), soon);
      market.stop();
      await agree(heard, market);
      expect(stand.connections).toBe(1);
    });

    test("[FD5] a message that cannot be read is left out, and the numbers tell whether it mattered", async () => {
      const market = stand.market("BTCUSDT");
      market.run();
      const heard = hear();
      await vi.waitFor(() => expect(heard.updates.count).toBeGreaterThan(5), soon);
      stand.sendUnreadable("certainly not JSON");
      stand.sendUnreadable('{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":"soon"}}');
      const before = heard.updates.count;
      await vi.waitFor(() => expect(heard.updates.count).toBeGreaterThan(before + 10), soon);
      expect(heard.unreadable).toHaveLength(2);
      expect(heard.bookLost.slice(1)).toEqual([]);
    });

    test("[FD3] an unknown symbol, which streams are silent about, is refused by REST", async () => {
      stand.market("BTCUSDT").run();
      const heard = hear("FOOBAR");
      // The stream of a symbol that there is not never says anything: the book is asked for all the same.
      expect(await heard.over).toMatchObject({ kind: "refused", message: `${source} refuses FOOBAR: Invalid symbol.` });
    });

    test("[FD3] a venue that gives no book is unreachable after some attempts", async () => {
      stand.market("BTCUSDT").run();
      stand.withhold(true);
      const trouble = await hear().over;
      expect(trouble).toMatchObject({
        kind: "unreachable",
        message: `${source} does not give its book: 503 Internal error.`,
      });
    }, 15_000);
  },
);
