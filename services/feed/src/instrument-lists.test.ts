import { randomUUID } from "node:crypto";
import { createLogger } from "@tapedeck/runtime";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { FakeBinance } from "../../../test/support/exchange/binance.js";
import { FakeBitmex } from "../../../test/support/exchange/bitmex.js";
import { readFeedConfig, venueSettings } from "./config.js";
import { InstrumentLists } from "./instrument-lists.js";
import { Rig, venuesAt } from "./testing/rig.js";
import { bybit } from "./venues/bybit.js";
import { coinbase } from "./venues/coinbase.js";
import { kraken } from "./venues/kraken.js";
import { okx } from "./venues/okx.js";
import { createVenues } from "./venues/venues.js";

const log = createLogger({ service: "feed", node: "test", level: "silent" });

describe("[FD30] the list of what a venue trades", () => {
  let bitmex: FakeBitmex;
  let binance: FakeBinance;
  let rig: Rig;
  let lists: InstrumentLists;

  beforeEach(async () => {
    bitmex = new FakeBitmex();
    binance = new FakeBinance();
    await Promise.all([bitmex.open(), binance.open()]);
    const venues = venuesAt({ bitmex: { url: bitmex.url, restUrl: bitmex.restUrl }, binance });
    rig = new Rig(inject("redisUrl"), venues);
    lists = new InstrumentLists({ venues: createVenues(venues), maintenance: rig.upkeep, log });
  });
  afterEach(async () => {
    lists.close();
    await rig.close();
    await Promise.all([bitmex.close(), binance.close()]);
  });

  const want = (source: string, symbol: string) =>
    rig.live.requestFeed(source, symbol, { session: randomUUID(), owner: "user" }).then(() => "wanted", String);

  test("is fetched while somebody wants something of it, and symbols that are not on it are refused", async () => {
    bitmex.market("XBTUSD");
    binance.market("BTCUSDT");
    expect(await want("BITMEX", "NOSUCH")).toBe("wanted");
    await lists.refresh();
    await vi.waitFor(async () =>
      expect(await want("BITMEX", "NOSUCH2")).toContain("symbol: BITMEX does not list NOSUCH2"),
    );
    expect(await want("BITMEX", "XBTUSD")).toBe("wanted");
    expect(await want("BINANCE", "NOSUCH")).toBe("wanted"); // nobody had asked for any of its instruments
    await lists.refresh();
    await vi.waitFor(async () => expect(await want("BINANCE", "NOSUCH2")).toContain("BINANCE does not list NOSUCH2"));
    expect(await want("BINANCE", "BTCUSDT")).toBe("wanted");
    expect(await rig.upkeep.sourcesWithOldLists()).toEqual([]);
  });

  test("that cannot be had lets any symbol be tried, and the venue be asked again in a minute only", async () => {
    bitmex.refuse(503);
    await want("BITMEX", "XBTUSD");
    await lists.refresh();
    await vi.waitFor(async () => {
      await lists.refresh();
      expect(await rig.upkeep.sourcesWithOldLists()).toEqual(["BITMEX"]);
    });
    expect(await want("BITMEX", "NOSUCH")).toBe("wanted");
  });

  test("is not asked for at the venue's own address where a stand-in is configured", () => {
    const config = readFeedConfig({ BITMEX_URL: "ws://127.0.0.1:1", OKX_REST_URL: "http://127.0.0.1:2" });
    const { addresses } = venueSettings(config);
    expect(addresses.BITMEX.rest).toBeUndefined();
    expect(addresses.OKX.rest?.href).toBe("http://127.0.0.1:2/");
    expect(addresses.KRAKEN.rest?.hostname).toBe("api.kraken.com");
    const venues = createVenues({ addresses, sim: { seed: "s", scenario: "calm" } });
    expect(venues.BITMEX.listSymbols).toBeUndefined();
    expect(venues.SIM.listSymbols).toBeUndefined();
  });
});

describe("[FD30] venues list their instruments each in its own words", () => {
  test("Kraken by its codes, which users write otherwise", () => {
    const answer = { error: [], result: { XXBTZUSD: { altname: "XBTUSD", wsname: "XBT/USD" }, X: { altname: "X" } } };
    expect(kraken.symbolList.read(answer)).toEqual({ symbols: ["XBT/USD", "BTC/USD"] });
  });

  test("Bybit page by page", () => {
    const answer = { retCode: 0, result: { category: "linear", list: [{ symbol: "BTCUSDT" }], nextPageCursor: "a&b" } };
    expect(bybit.symbolList.read(answer)).toEqual({
      symbols: ["BTCUSDT"],
      next: "/v5/market/instruments-info?category=linear&limit=1000&cursor=a%26b",
    });
    const last = { retCode: 0, result: { category: "inverse", list: [{ symbol: "BTCUSD" }], nextPageCursor: "" } };
    expect(bybit.symbolList.read(last)).toEqual({ symbols: ["BTCUSD"] });
  });

  test("Coinbase and OKX by their ids", () => {
    expect(coinbase.symbolList.read([{ id: "BTC-USD", status: "online" }])).toEqual({ symbols: ["BTC-USD"] });
    expect(okx.symbolList.read({ code: "0", data: [{ instId: "BTC-USDT" }] })).toEqual({ symbols: ["BTC-USDT"] });
    expect(() => okx.symbolList.read({ code: "50011", msg: "Too Many Requests" })).toThrow("no list");
  });
});
