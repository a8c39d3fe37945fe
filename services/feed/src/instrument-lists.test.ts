import { randomUUID } from "node:crypto";
import { createLogger } from "@tapedeck/runtime";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { FakeBinance } from "../../../test/support/exchange/binance.js";
import { FakeBitmex } from "../../../test/support/exchange/bitmex.js";
import { soon } from "../../../test/support/soon.js";
import { readFeedConfig, venueSettings } from "./config.js";
import { InstrumentLists } from "./instrument-lists.js";
import { Rig, venuesAt } from "./testing/rig.js";
import { bybit } from "./venues/bybit.js";
import { coinbase } from "./venues/coinbase.js";
import { kraken } from "./venues/kraken.js";
import { okx } from "./venues/okx.js";
import { createVenues } from "./venues/venues.js";

const log = createLogger({ service: "feed", node: "test", level: "silent" });

describe("[FD30] a venue's list of instruments", () => {
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
    lists = new InstrumentLists({ venues: createVenues(venues), maintenance: rig.maintenance, log });
  });
  afterEach(async () => {
    lists.close();
    await rig.close();
    await Promise.all([bitmex.close(), binance.close()]);
  });

  const request = (source: string, symbol: string) =>
    rig.live.requestFeed(source, symbol, { session: randomUUID(), owner: "user" }).then(() => "wanted", String);

  test("is fetched while one of its feeds is in demand, and other symbols are refused", async () => {
    bitmex.market("XBTUSD");
    binance.market("BTCUSDT");
    expect(await request("BITMEX", "NOSUCH")).toBe("wanted");
    await lists.refresh();
    await vi.waitFor(
      async () => expect(await request("BITMEX", "NOSUCH2")).toContain("symbol: BITMEX does not list NOSUCH2"),
      soon,
    );
    expect(await request("BITMEX", "XBTUSD")).toBe("wanted");
    expect(await request("BINANCE", "NOSUCH")).toBe("wanted"); // none of its feeds was in demand yet
    await lists.refresh();
    await vi.waitFor(
      async () => expect(await request("BINANCE", "NOSUCH2")).toContain("BINANCE does not list NOSUCH2"),
      soon,
    );
    expect(await request("BINANCE", "BTCUSDT")).toBe("wanted");
    expect(await rig.maintenance.sourcesWithOldLists()).toEqual([]);
  });

  test("that cannot be fetched lets any symbol be tried, and is fetched again after a minute", async () => {
    bitmex.refuse(503);
    await request("BITMEX", "XBTUSD");
    await lists.refresh();
    await vi.waitFor(async () => {
      await lists.refresh();
      expect(await rig.maintenance.sourcesWithOldLists()).toEqual(["BITMEX"]);
    }, soon);
    expect(await request("BITMEX", "NOSUCH")).toBe("wanted");
  });

  test("is not fetched from the public address when a relay is configured", () => {
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

describe("[FD30] each venue has its own form of list", () => {
  test("Kraken by its own codes, and as users write them", () => {
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
    expect(() => okx.symbolList.read({ code: "50011", msg: "Too Many Requests" })).toThrow("is not a list");
  });
});
