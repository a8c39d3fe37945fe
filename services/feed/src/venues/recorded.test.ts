import { afterEach, describe, expect, test, vi } from "vitest";
import { RecordedExchange, recordedTexts, recordingsAbsent } from "../../../../test/support/exchange/recorded.js";
import { type StreamedMarket, streamMarket } from "../testing/stream-market.js";
import { binance, binanceFutures } from "./binance.js";
import { bitmex } from "./bitmex.js";
import { coinbase } from "./coinbase.js";
import { SocketVenue, type VenueProtocol } from "./connection/socket-venue.js";

// What real venues have sent, over a real socket; what is expected was counted by others (the recordings' README).
let stand: RecordedExchange | undefined;
let ears: StreamedMarket | undefined;

afterEach(async () => {
  ears?.stop();
  await stand?.close();
});

async function hear(
  protocol: VenueProtocol,
  symbol: string,
  texts: readonly string[],
  answer?: unknown,
): Promise<StreamedMarket> {
  stand = new RecordedExchange(texts, answer);
  await stand.open();
  ears = streamMarket(new SocketVenue(protocol, { socket: new URL(stand.url), rest: new URL(stand.restUrl) }), symbol);
  return ears;
}

function binanceTexts(...files: readonly string[]) {
  const texts = recordedTexts(...files.map((file) => `binance-raw/${file}`));
  const snapshot = texts.find((text) => text.includes('"lastUpdateId"') && !text.includes('"stream"'));
  return { texts: texts.filter((text) => text !== snapshot), snapshot: JSON.parse(snapshot ?? "null") };
}

describe.skipIf(recordingsAbsent)("[FD6] of a recording", () => {
  test("of Binance futures every change is applied, and the book ends as the venue's did", async () => {
    const { texts, snapshot } = binanceTexts("usdm_btcusdt_20230404.dat.gz", "usdm_btcusdt_20230405.dat.gz");
    const heard = await hear(binanceFutures, "BTCUSDT", texts, snapshot);
    await vi.waitFor(() => expect(heard.updates.count).toBe(16_110), { timeout: 30_000, interval: 50 });
    expect([heard.book.bids.bestPrice, heard.book.asks.bestPrice]).toEqual([28140.1, 28140.2]);
    expect(heard.updates.crossed).toBe(0);
    expect(heard.trades).toHaveLength(12_935);
    expect(heard.trades.filter(({ excluded }) => excluded !== undefined)).toHaveLength(1);
    expect([heard.unreadable, heard.bookLost.slice(1)]).toEqual([[], []]);
  }, 60_000);

  test("of Binance spot", async () => {
    const { texts, snapshot } = binanceTexts("spot_ethusdt_20240808.gz", "spot_ethusdt_20240809.gz");
    const heard = await hear(binance, "ETHUSDT", texts, snapshot);
    await vi.waitFor(() => expect(heard.updates.count).toBe(6_468), { timeout: 30_000, interval: 50 });
    expect([heard.book.bids.bestPrice, heard.book.asks.bestPrice]).toEqual([2677.6, 2677.61]);
    expect(heard.updates.crossed).toBe(0);
    expect(heard.trades).toHaveLength(14_515);
    expect(heard.unreadable).toEqual([]);
  }, 60_000);

  test("of BitMEX", async () => {
    const all = recordedTexts("cryptofeed-raw/BITMEX.ws.1.0");
    const texts = all.filter((text) => text.startsWith('{"info"') || text.includes('"symbol":"XBTUSD"'));
    const heard = await hear(bitmex, "XBTUSD", texts);
    const last = '"action":"';
    const books = texts.filter((text) => text.startsWith('{"table":"orderBookL2"') && text.includes(last));
    await vi.waitFor(() => expect(heard.updates.count).toBe(books.length), { timeout: 30_000, interval: 50 });
    expect(heard.updates.crossed).toBe(0);
    expect(heard.book.bids.depth + heard.book.asks.depth).toBeGreaterThan(9_000);
    expect(heard.trades.filter(({ excluded }) => excluded === undefined)).toHaveLength(15);
    expect(heard.unreadable).toEqual([]);
  }, 60_000);

  test("of Coinbase", async () => {
    const texts = recordedTexts("cryptofeed-raw/COINBASE.ws.28.0").filter((text) => text.includes("SKL-USD"));
    const heard = await hear(coinbase, "SKL-USD", texts);
    const books = texts.filter((text) => /"type":"(snapshot|l2update)"/.test(text));
    await vi.waitFor(() => expect(heard.updates.count).toBe(books.length), { timeout: 30_000, interval: 50 });
    expect(books.length).toBe(2_593);
    expect(heard.updates.crossed).toBe(0);
    expect(heard.trades.filter(({ excluded }) => excluded === undefined)).toHaveLength(52);
    expect(heard.unreadable).toEqual([]);
  }, 60_000);
});
