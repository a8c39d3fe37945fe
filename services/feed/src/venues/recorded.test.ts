import { afterEach, describe, expect, test, vi } from "vitest";
import { RecordedExchange, recordedTexts, recordingsAbsent } from "../../../../test/support/exchange/recorded.js";
import { type StreamedMarket, streamMarket } from "../testing/stream-market.js";
import { binance, binanceFutures } from "./binance.js";
import { bitmex } from "./bitmex.js";
import { coinbase } from "./coinbase.js";
import { SocketVenue, type VenueProtocol } from "./connection/socket-venue.js";

// Messages of real venues over a real socket; the expected numbers were counted by others (see the README of the recordings).
let exchange: RecordedExchange | undefined;
let market: StreamedMarket | undefined;

afterEach(async () => {
  market?.stop();
  await exchange?.close();
});

async function replay(
  protocol: VenueProtocol,
  symbol: string,
  texts: readonly string[],
  answer?: unknown,
): Promise<StreamedMarket> {
  exchange = new RecordedExchange(texts, answer);
  await exchange.open();
  market = streamMarket(
    new SocketVenue(protocol, { socket: new URL(exchange.url), rest: new URL(exchange.restUrl) }),
    symbol,
  );
  return market;
}

function binanceTexts(...files: readonly string[]) {
  const texts = recordedTexts(...files.map((file) => `binance-raw/${file}`));
  const snapshot = texts.find((text) => text.includes('"lastUpdateId"') && !text.includes('"stream"'));
  return { texts: texts.filter((text) => text !== snapshot), snapshot: JSON.parse(snapshot ?? "null") };
}

describe.skipIf(recordingsAbsent)("[FD6] a recording sent again over a socket", () => {
  test("of Binance futures: every update is applied, and the book ends like the venue's", async () => {
    const { texts, snapshot } = binanceTexts("usdm_btcusdt_20230404.dat.gz", "usdm_btcusdt_20230405.dat.gz");
    const market = await replay(binanceFutures, "BTCUSDT", texts, snapshot);
    await vi.waitFor(() => expect(market.updates.count).toBe(16_110), { timeout: 30_000, interval: 50 });
    expect([market.book.bids.bestPrice, market.book.asks.bestPrice]).toEqual([28140.1, 28140.2]);
    expect(market.updates.crossed).toBe(0);
    expect(market.trades).toHaveLength(12_935);
    expect(market.trades.filter(({ excluded }) => excluded !== undefined)).toHaveLength(1);
    expect([market.unreadable, market.bookLost.slice(1)]).toEqual([[], []]);
  }, 60_000);

  test("of Binance spot", async () => {
    const { texts, snapshot } = binanceTexts("spot_ethusdt_20240808.gz", "spot_ethusdt_20240809.gz");
    const market = await replay(binance, "ETHUSDT", texts, snapshot);
    await vi.waitFor(() => expect(market.updates.count).toBe(6_468), { timeout: 30_000, interval: 50 });
    expect([market.book.bids.bestPrice, market.book.asks.bestPrice]).toEqual([2677.6, 2677.61]);
    expect(market.updates.crossed).toBe(0);
    expect(market.trades).toHaveLength(14_515);
    expect(market.unreadable).toEqual([]);
  }, 60_000);

  test("of BitMEX", async () => {
    const all = recordedTexts("cryptofeed-raw/BITMEX.ws.1.0");
    const texts = all.filter((text) => text.startsWith('{"info"') || text.includes('"symbol":"XBTUSD"'));
    const market = await replay(bitmex, "XBTUSD", texts);
    const last = '"action":"';
    const books = texts.filter((text) => text.startsWith('{"table":"orderBookL2"') && text.includes(last));
    await vi.waitFor(() => expect(market.updates.count).toBe(books.length), { timeout: 30_000, interval: 50 });
    expect(market.updates.crossed).toBe(0);
    expect(market.book.bids.depth + market.book.asks.depth).toBeGreaterThan(9_000);
    expect(market.trades.filter(({ excluded }) => excluded === undefined)).toHaveLength(15);
    expect(market.unreadable).toEqual([]);
  }, 60_000);

  test("of Coinbase", async () => {
    const texts = recordedTexts("cryptofeed-raw/COINBASE.ws.28.0").filter((text) => text.includes("SKL-USD"));
    const market = await replay(coinbase, "SKL-USD", texts);
    const books = texts.filter((text) => /"type":"(snapshot|l2update)"/.test(text));
    await vi.waitFor(() => expect(market.updates.count).toBe(books.length), { timeout: 30_000, interval: 50 });
    expect(books.length).toBe(2_593);
    expect(market.updates.crossed).toBe(0);
    expect(market.trades.filter(({ excluded }) => excluded === undefined)).toHaveLength(52);
    expect(market.unreadable).toEqual([]);
  }, 60_000);
});
