import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder, textOf } from "../../input/testing.js";
import { eventsOf, framesOf, importToMemory, tapeOf } from "../../test-recordings.js";
import { rebuiltBooks, toldMarket, toldWhole, type WholeBook } from "../testing.js";
import { dump, venues } from "./testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

async function imported(name: string, content: string) {
  const all = await importToMemory([await folder.file(content, name)], { intervalMs: 0 });
  expect(all.report.brokenLines).toEqual({ count: 0, first: [] });
  const books: WholeBook[] = [];
  for await (const book of rebuiltBooks(all, tapeOf(all))) books.push(book);
  return { all, report: tapeOf(all), books };
}

describe.each(venues)("a dump of $venue", (words) => {
  const market = toldMarket(300, words.depth);
  /** A change of the best price, which a checksum notices, while the book is broken until `mended`. */
  const lost = market.findIndex(
    ({ truth }, at) =>
      at > 100 && JSON.stringify(truth.bids[0]) !== JSON.stringify(market[at - 1]?.truth.bids[0]) && at < 200,
  );
  const mended = lost + 40;

  test("[IM55] [IM57] after each message the whole book is the venue's", async () => {
    const { report, books } = await imported(words.file, dump(words, market));
    expect(report).toMatchObject({ tape: words.tape, gaps: [], book: { sequenceBreaks: 0, crossed: 0 } });
    expect(books).toHaveLength(market.length);
    expect(books).toEqual(market.map(({ truth }) => truth));
  });

  test("[IM55] a missing message is a marked gap, and no frame shows the book before the venue sends it whole again", async () => {
    const told = market.map((one, at) => (at === mended ? toldWhole(one) : one));
    const { all, report, books } = await imported(
      words.file,
      dump(words, told, ({ id }) => id !== lost + 1),
    );
    expect(report.gaps).toMatchObject([{ reason: "book updates are missing; a new snapshot mended it" }]);
    expect(report.book).toMatchObject({ sequenceBreaks: 1, diffsBeforeSnapshot: mended - lost - 1, snapshotsUsed: 2 });
    expect(books).toEqual([...market.slice(0, lost), ...market.slice(mended)].map(({ truth }) => truth));
    const truths = new Set(market.map(({ truth }) => JSON.stringify(truth)));
    for await (const frame of framesOf(all, report)) {
      const { bids, asks } = JSON.parse(frame);
      const real = (levels: [number, number][]) => levels.filter(([, size]) => size > 0);
      expect(truths).toContain(JSON.stringify({ bids: real(bids), asks: real(asks) }));
    }
  });

  test("[IM55] if no whole book comes within 30 s, the book continues from the changes after a marked gap", async () => {
    const long = toldMarket(450, words.depth);
    const { report, books } = await imported(
      words.file,
      dump(words, long, ({ id }) => id !== lost + 1),
    );
    expect(report.gaps.map(({ reason }) => reason)).toContain("book updates are missing");
    expect(report.book.sequenceBreaks).toBeGreaterThan(0);
    expect(books).toHaveLength(long.length - 1);
  });

  test("[IM57] a new connection is a gap until the venue sends the book whole again", async () => {
    const until = market.slice(0, 100);
    const after = market.slice(140).map((one, at) => (at === 0 ? toldWhole(one) : one));
    const again = words.connected.replace(/[\d.]+$/, String((after[0]?.ms ?? 0) / 1000 - 0.1));
    const second = { ...words, connected: again };
    // Bitfinex numbers the messages of each connection anew.
    const ids = after.map((one, at) => ({ ...one, id: at + 1 }));
    const content = dump(words, until) + dump(second, words.venue === "Bitfinex" ? ids : after);
    const { report, books } = await imported(words.file, content);
    expect(report.gaps).toMatchObject([{ reason: "book updates are missing; a new snapshot mended it" }]);
    expect(books).toEqual([...until, ...after].map(({ truth }) => truth));
  });

  test("[IM57] the second file of a connection continues the first", async () => {
    const lines = dump(words, market).trimEnd().split("\n");
    const half = Math.floor(lines.length / 2);
    const first = await folder.file(textOf(lines.slice(0, half)), words.file);
    const second = await folder.file(textOf(lines.slice(half)), words.file.replace(/0$/, "1"));
    const all = await importToMemory([second, first], { intervalMs: 0 });
    const books: WholeBook[] = [];
    for await (const book of rebuiltBooks(all, tapeOf(all))) books.push(book);
    expect(tapeOf(all)).toMatchObject({ gaps: [], book: { sequenceBreaks: 0 } });
    expect(books).toEqual(market.map(({ truth }) => truth));
  });
});

describe("trades of cryptofeed dumps", () => {
  async function tradesIn(name: string, ...lines: readonly string[]) {
    const trades = [];
    for await (const event of eventsOf([await folder.file(textOf(lines), name)])) {
      if (event.kind !== "trade") continue;
      const { instrument, timestamp, price, size, side, id, excluded } = event;
      trades.push({ market: `${instrument.source} ${instrument.symbol}`, timestamp, price, size, side, id, excluded });
    }
    return trades;
  }

  const before = { excluded: "from before the recording" };

  test("[IM57] Kraken's have the taker's side and no id", async () => {
    const line =
      '1534614057.4: [0,[["5541.20000","0.15850568","1534614057.321597","s","l",""],["6060.00000","0.02455000","1534614057.324998","b","l",""]],"trade","XBT/USD"]';
    expect(await tradesIn("KRAKEN.ws.0.0", line)).toEqual([
      {
        market: "KRAKEN XBT/USD",
        timestamp: "2018-08-18T17:40:57.321597Z",
        price: 5541.2,
        size: 0.15850568,
        side: "sell",
      },
      { market: "KRAKEN XBT/USD", timestamp: "2018-08-18T17:40:57.324998Z", price: 6060, size: 0.02455, side: "buy" },
    ]);
  });

  test("[IM57] OKX's, of which those from before the connection are left out", async () => {
    const trade = (id: string, ts: number) =>
      `{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"${id}","px":"30236","sz":"0.0002","side":"buy","ts":"${ts}"}]}`;
    const trades = await tradesIn(
      "OKX.ws.0.0",
      "wss://ws.okx.com:8443/ws/v5/public <-> 1652459224.53",
      `1652459225.5: ${trade("1", 1652459215150)}`,
      `1652459226.5: ${trade("2", 1652459226400)}`,
      "1652459227.5: pong",
    );
    expect(trades).toMatchObject([
      { id: "1", ...before },
      { id: "2", excluded: undefined },
    ]);
    expect(trades[1]).toMatchObject({ market: "OKX BTC-USDT", price: 30236, size: 0.0002, side: "buy" });
  });

  test("[IM57] Deribit's, without block trades", async () => {
    const trade = (id: number, more: object) => ({
      trade_seq: id,
      trade_id: `48079${id}`,
      timestamp: 1590484156350,
      price: 8950,
      instrument_name: "BTC-PERPETUAL",
      direction: "sell",
      amount: 40,
      ...more,
    });
    const data = [trade(1, {}), trade(2, { block_trade_id: "BLOCK-1" })];
    const message = { jsonrpc: "2.0", method: "subscription", params: { channel: "trades.BTC-PERPETUAL.raw", data } };
    expect(await tradesIn("DERIBIT.ws.0.0", `1590484156.4: ${JSON.stringify(message)}`)).toMatchObject([
      { market: "DERIBIT BTC-PERPETUAL", id: "480791", price: 8950, size: 40, side: "sell" },
      { id: "480792", excluded: "block trade" },
    ]);
  });

  test("[IM57] Bitfinex's once each, without those that answer the subscription and those of lent currencies", async () => {
    const trades = await tradesIn(
      "BITFINEX.ws.0.0",
      '1618677543.9: {"event":"subscribed","channel":"trades","chanId":5,"symbol":"tBTCUSD","pair":"BTCUSD"}',
      '1618677543.9: {"event":"subscribed","channel":"trades","chanId":6,"symbol":"fUSD","currency":"USD"}',
      "1618677544.0: [5,[[1,1618665870435,166.39,60000]]]",
      '1618677545.0: [5,"te",[2,1618677544900,-0.5,60001]]',
      '1618677545.1: [5,"tu",[2,1618677544900,-0.5,60001]]',
      '1618677545.1: [6,"fte",[3,1618677544900,-0.5,0.0002,2]]',
      '1618677545.2: [5,"hb"]',
    );
    const market = "BITFINEX BTCUSD";
    expect(trades).toEqual([
      { market, id: 1, timestamp: "2021-04-17T13:24:30.435Z", price: 60000, size: 166.39, side: "buy", ...before },
      { market, id: 2, timestamp: "2021-04-17T16:39:04.900Z", price: 60001, size: 0.5, side: "sell" },
    ]);
  });

  test("[IM57] Bybit's, of contracts and of spot by the connection's address, in its old words and its new ones", async () => {
    const now =
      '{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950","BT":false}]}';
    const old =
      '{"topic":"trade.BTCUSD","data":[{"trade_time_ms":1618677786614,"timestamp":"2021-04-17T16:43:06.000Z","symbol":"BTCUSD","side":"Sell","size":4,"price":60621.5,"tick_direction":"PlusTick","trade_id":"5ffb8b77","cross_seq":5938955347}]}';
    const linear = await tradesIn("BYBIT.ws.0.0", `1672304486.9: ${now}`, `1672304486.9: ${old}`);
    expect(linear).toMatchObject([
      { market: "BYBIT BTCUSDT", id: "20f43950", price: 16578.5, size: 0.001, side: "buy" },
      { market: "BYBIT BTCUSD", id: "5ffb8b77", timestamp: "2021-04-17T16:43:06.614Z", size: 4, side: "sell" },
    ]);
    const spot = await tradesIn(
      "BYBIT.ws.1.0",
      "wss://stream.bybit.com/v5/public/spot <-> 1672304480.1",
      `1672304486.9: ${now}`,
    );
    expect(spot).toMatchObject([{ market: "BYBIT-SPOT BTCUSDT" }]);
  });
});

test("[IM15] a broken message of these venues is reported with what was found and what is accepted", async () => {
  const reasons = async (name: string, ...lines: readonly string[]) => {
    const valid = venues.find(({ file }) => file === name);
    if (valid === undefined) throw new Error(`no venue writes ${name}`);
    const path = await folder.file(dump(valid, toldMarket(3, valid.depth)) + textOf(lines), name);
    return (await importToMemory([path])).report.brokenLines.first.map(({ reason }) => reason);
  };
  const at = "1723118400.4";
  expect(
    await reasons(
      "KRAKEN.ws.0.0",
      `${at}: [0,[["1","1","1723118400.4","x"]],"trade","XBT/USD"]`,
      `${at}: [1,{"a":[["1"]]},"book-10","XBT/USD"]`,
    ),
  ).toEqual(['side is neither b nor s: "x"', "a level is too short: it must have a price, a volume and a time"]);
  expect(
    await reasons("OKX.ws.0.0", `${at}: {"arg":{"channel":"books","instId":"BTC-USDT"},"action":"all","data":[{}]}`),
  ).toEqual(['action is neither snapshot nor update: "all"']);
  expect(
    await reasons(
      "DERIBIT.ws.0.0",
      `${at}: {"method":"subscription","params":{"channel":"book.X.raw","data":{"instrument_name":"X","timestamp":1723118400400,"change_id":1,"bids":[["set",1,1]],"asks":[]}}}`,
    ),
  ).toEqual(['a change in bids is neither new, change nor delete: "set"']);
  expect(await reasons("BITFINEX.ws.0.0", `${at}: [17,[1000,1],5]`)).toEqual([
    "a level is too short: it must have a price, a count and an amount",
  ]);
  expect(
    await reasons(
      "BYBIT.ws.0.0",
      `${at}: {"topic":"orderbook.50.BTCUSDT","type":"all","ts":1723118400400,"data":{"s":"BTCUSDT","u":9,"b":[],"a":[]}}`,
    ),
  ).toEqual(['type is neither snapshot nor delta: "all"']);
});
