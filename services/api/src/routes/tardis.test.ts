import { once } from "node:events";
import { errorBody, type NormalizedMessage, normalizedMessage, tardisInstrument } from "@tapedeck/protocol";
import { MemoryTapeStore } from "@tapedeck/tape";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { changeOf, importSmallRecording, levels, updates } from "../testing/small-recording.js";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const hour = 3_600_000;
let api: TestApi;
beforeAll(async () => {
  const tapes = new MemoryTapeStore();
  await importSmallRecording(tapes, "overlapping", { laterMs: 1_000 });
  await importSmallRecording(tapes);
  await importSmallRecording(tapes, "later", { laterMs: hour });
  await importSmallRecording(tapes, "eth", { symbol: "ETHUSDT", laterMs: 50 });
  await importSmallRecording(tapes, "silent", { symbol: "XRPUSDT", silenceMs: 10 * 60_000 });
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
});
afterAll(() => api.stop());

const firstHour = { exchange: "binance-futures", from: "2024-01-02", to: "2024-01-02T01:00" };
const btc = { ...firstHour, symbols: ["BTCUSDT"] };
const all = { ...btc, dataTypes: ["trade", "book_change"] };

function pathOf(kind: string, options: unknown): string {
  const text = typeof options === "string" ? options : JSON.stringify(options);
  return `/tardis/${kind}?options=${encodeURIComponent(text)}`;
}

async function messagesOf(options: unknown): Promise<NormalizedMessage[]> {
  const answer = await api.ask("GET", pathOf("replay-normalized", options));
  expect([answer.status, answer.status === 200 ? "" : answer.text]).toEqual([200, ""]);
  expect(answer.headers.get("content-type")).toBe("application/x-json-stream");
  return answer.text
    .split("\n")
    .slice(0, -1)
    .map((line) => normalizedMessage.parse(JSON.parse(line)));
}

async function typed<Type extends NormalizedMessage["type"]>(type: Type, options: unknown) {
  const is = (message: NormalizedMessage): message is Extract<NormalizedMessage, { type: Type }> =>
    message.type === type;
  return (await messagesOf(options)).filter(is);
}

function socketTo(options: unknown, headers: Record<string, string> = {}): WebSocket {
  return new WebSocket(api.url.replace("http", "ws") + pathOf("ws-replay-normalized", options), { headers });
}

/** All messages of a socket, and how it was closed. */
function readAll(socket: WebSocket): Promise<{ texts: string[]; code: number; reason: string }> {
  const texts: string[] = [];
  socket.on("message", (data) => texts.push(String(data)));
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", (code, reason) => resolve({ texts, code, reason: String(reason) }));
  });
}

describe("a replay of a market", () => {
  test("[TM1] has each change of its book and each trade as Tardis' messages, to the last decimal", async () => {
    const messages = await messagesOf(all);
    const books = messages.filter((message) => message.type === "book_change");
    const trades = messages.filter((message) => message.type === "trade");
    // The first trade comes before the first frame, and is in none.
    expect([books.length, trades.length, messages.length]).toEqual([updates + 1, updates - 1, 2 * updates]);
    const market = { symbol: "BTCUSDT", exchange: "binance-futures" };
    expect(books[0]).toMatchObject({ ...market, isSnapshot: true, timestamp: "2024-01-02T00:00:00.000Z" });
    expect([books[0]?.bids.length, books[0]?.asks.length]).toEqual([levels, levels]);
    const { bid, ask, size } = changeOf(2);
    const times = { timestamp: "2024-01-02T00:00:00.300Z", localTimestamp: "2024-01-02T00:00:00.300Z" };
    expect(books[3]).toEqual({
      ...{ type: "book_change", ...market, isSnapshot: false },
      bids: [{ price: Number(bid), amount: Number(size) }],
      asks: [{ price: Number(ask), amount: Number(size) }],
      ...times,
    });
    expect(trades[1]).toEqual({
      ...{ type: "trade", ...market, id: "3", price: 100.05, amount: 0.01, side: "buy" },
      ...times,
    });
  });

  test("[TM2] is the same by WebSocket, a message each, and ends with 1000", async () => {
    const { texts, ...end } = await readAll(socketTo([all]));
    expect(end).toEqual({ code: 1000, reason: "WS replay-normalized finished" });
    expect(texts.map((text) => normalizedMessage.parse(JSON.parse(text)))).toEqual(await messagesOf(all));
  });

  test("[TM3] begins with the whole book, and ranges that join have each event once", async () => {
    const middle = "2024-01-02T00:00:02.050Z";
    const [before, after] = await Promise.all([
      messagesOf({ ...all, to: middle }),
      messagesOf({ ...all, from: middle }),
    ]);
    const [book, ...rest] = after;
    expect([...before, ...rest]).toEqual(await messagesOf(all));
    const snapshots = await typed("book_snapshot", { ...btc, to: middle, dataTypes: ["book_snapshot_50_0ms"] });
    expect(book).toMatchObject({ type: "book_change", isSnapshot: true, timestamp: middle });
    const { bids, asks } = snapshots.at(-1) ?? expect.fail("no snapshot");
    expect(book).toMatchObject({ bids, asks });
  });

  test("[TM4] of several markets has their messages in the order of receipt", async () => {
    const messages = await messagesOf({ ...firstHour, symbols: ["BTCUSDT", "ETHUSDT"], dataTypes: ["book_change"] });
    const times = messages.map(({ localTimestamp }) => localTimestamp);
    expect(times).toEqual([...times].sort());
    const symbols = messages.map((message) => ("symbol" in message ? message.symbol : ""));
    expect(symbols.slice(0, 4)).toEqual(["BTCUSDT", "ETHUSDT", "BTCUSDT", "ETHUSDT"]);
    expect(messages).toHaveLength(2 * (updates + 1));
    const lists = ["BTCUSDT", "ETHUSDT"].map((symbol) => ({
      ...firstHour,
      symbols: [symbol],
      dataTypes: ["book_change"],
    }));
    expect(await messagesOf(lists)).toEqual(messages);
    const whole = await messagesOf({ ...firstHour, dataTypes: ["book_change"] });
    expect(whole.filter((message) => "symbol" in message && message.symbol === "BTCUSDT")).toHaveLength(updates + 1);
  });

  test("[TM5] reads one tape after the other, and of two tapes of the same moment the newest", async () => {
    const days = { ...all, to: "2024-01-03", dataTypes: ["book_change"], withDisconnectMessages: true };
    const messages = await messagesOf(days);
    expect(messages).toHaveLength(2 * (updates + 1) + 1);
    expect(messages[updates + 1]).toEqual({
      ...{ type: "disconnect", exchange: "binance-futures", symbols: ["BTCUSDT"] },
      localTimestamp: "2024-01-02T01:00:00.000Z",
    });
    expect(messages[updates + 2]).toMatchObject({ type: "book_change", isSnapshot: true });
  });

  test("[TM6] has a disconnect message where the tape has a marked gap, if it is asked for", async () => {
    const silent = { ...firstHour, symbols: ["xrpusdt"], dataTypes: ["trade"] };
    const types = async (options: unknown) => (await messagesOf(options)).map(({ type }) => type);
    const without = await types(silent);
    const withGap = await types({ ...silent, withDisconnectMessages: true });
    expect(without).toEqual(new Array(updates - 1).fill("trade"));
    expect(withGap.toSpliced(withGap.indexOf("disconnect"), 1)).toEqual(without);
    expect(withGap.indexOf("disconnect")).toBe(updates / 2 - 1);
  });
});

describe("what is computed of it", () => {
  test("[TM7] book_snapshot has the best levels, with each change of them or once for each interval in which they changed", async () => {
    const each = await typed("book_snapshot", { ...btc, dataTypes: ["book_snapshot_2_0ms"] });
    // Beyond the snapshot only the first two updates change the best two levels.
    expect(each.map(({ timestamp }) => timestamp.slice(17))).toEqual(["00.000Z", "00.100Z", "00.200Z"]);
    expect(each[2]).toMatchObject({ name: "book_snapshot_2_0ms", depth: 2, interval: 0 });
    const [first, second] = [changeOf(0), changeOf(1)];
    expect(each[2]?.bids).toEqual(
      [first, second].map(({ bid, size }) => ({ price: Number(bid), amount: Number(size) })),
    );
    expect(each[2]?.asks).toEqual(
      [first, second].map(({ ask, size }) => ({ price: Number(ask), amount: Number(size) })),
    );
    const seconds = await typed("book_snapshot", { ...btc, dataTypes: ["book_snapshot_50_1s"] });
    expect(seconds.map(({ timestamp }) => timestamp.slice(17))).toEqual([
      ...["00.000Z", "01.000Z", "02.000Z", "03.000Z", "04.000Z", "05.000Z"],
    ]);
    const quotes = await typed("book_snapshot", { ...btc, dataTypes: ["quote"] });
    expect(quotes).toHaveLength(2);
    expect(quotes[1]).toMatchObject({ name: "quote", depth: 1, bids: [{ price: 99.95, amount: 2.125 }] });
  });

  test("[TM7] trade_bar has the trades of a time, of a number, or of an amount", async () => {
    const bars = (name: string) => typed("trade_bar", { ...btc, dataTypes: [name] });
    const seconds = await bars("trade_bar_1s");
    expect(seconds.map(({ trades, timestamp }) => [trades, timestamp.slice(17)])).toEqual([
      ...[
        [8, "01.000Z"],
        [10, "02.000Z"],
        [10, "03.000Z"],
        [10, "04.000Z"],
        [1, "05.000Z"],
      ],
    ]);
    expect(seconds[0]).toMatchObject({
      ...{
        name: "trade_bar_1s",
        interval: 1_000,
        kind: "time",
        open: 100.05,
        high: 100.05,
        low: 100.05,
        close: 100.05,
      },
      ...{
        volume: 0.08,
        buyVolume: 0.08,
        sellVolume: 0,
        vwap: 100.05,
        openTimestamp: "2024-01-02T00:00:00.200000000Z",
      },
    });
    expect((await bars("trade_bar_10ticks")).map(({ trades }) => trades)).toEqual([10, 10, 10]);
    expect(await bars("trade_bar_1vol")).toEqual([]);
  });
});

describe("[TM8] a request that cannot be carried out is refused with a sentence", () => {
  const wrong: [what: string, options: unknown, status: number, message: RegExp][] = [
    ["no JSON", "{", 422, /^options: must be JSON/],
    ["no exchange", { ...all, exchange: undefined }, 400, /^options\.0\.exchange: is missing/],
    ["a wrong time", { ...all, to: "2024-02-31" }, 422, /^options\.0\.to: must be a date or a time in UTC/],
    ["an empty time", { ...all, to: all.from }, 422, /^options\.0\.to: must be after from/],
    ["funding rates", { ...all, dataTypes: ["derivative_ticker"] }, 422, /funding rates, .* are not on tapes/],
    [
      "an unknown type",
      { ...all, dataTypes: ["book_snapshot_5_1h"] },
      422,
      /known are trade, book_change, book_snapshot_/,
    ],
    ["too many levels", { ...all, dataTypes: ["book_snapshot_5000_1s"] }, 422, /it has 1 to 1000 levels/],
    ["another exchange", { ...all, exchange: "deribit" }, 404, /no tape of this exchange has any/],
    [
      "another symbol",
      { ...all, symbols: ["TRXUSDT"] },
      404,
      /^No tape has events of TRXUSDT of binance-futures .* there are /,
    ],
    [
      "another time",
      { ...all, from: "2023-01-01", to: "2023-01-02" },
      404,
      /there are .*BTCUSDT from 2024-01-02T00:00:00/,
    ],
  ];
  test.each(wrong)("%s", async (_, options, status, message) => {
    const answer = await api.ask("GET", pathOf("replay-normalized", options));
    expect([answer.status, answer.json]).toEqual([
      status,
      expect.objectContaining({ message: expect.stringMatching(message) }),
    ]);
    const { code, reason, texts } = await readAll(socketTo(options));
    expect([code, texts]).toEqual([1008, []]);
    expect(errorBody.parse(answer.json).message.startsWith(reason.replace(/\.\.\.$/, ""))).toBe(true);
    expect(Buffer.byteLength(reason)).toBeLessThan(124);
  });

  test("live markets", async () => {
    const socket = new WebSocket(`${api.url.replace("http", "ws")}/tardis/ws-stream-normalized?options=[]`);
    expect(await readAll(socket)).toMatchObject({
      code: 1008,
      reason: expect.stringMatching(/^Live markets are not /),
    });
  });
});

describe("a replay by WebSocket", () => {
  test("[TM9] is refused without an Upgrade header, and to pages of other origins, before it is opened", async () => {
    const answer = await api.ask("GET", pathOf("ws-replay-normalized", all));
    expect([answer.status, answer.json]).toMatchObject([400, { message: expect.stringContaining("Upgrade header") }]);
    const socket = socketTo(all, { origin: "https://attacker.test" });
    socket.on("error", () => undefined);
    const [, refused] = await once(socket, "unexpected-response");
    expect(refused.statusCode).toBe(403);
    socket.terminate();
  });
});

test("[TM11] instruments of an exchange are listed as Tardis' API does", async () => {
  const answer = await api.ask("GET", "/tardis/v1/instruments/binance-futures");
  const ids = z
    .array(tardisInstrument)
    .parse(answer.json)
    .map(({ id }) => id);
  expect(ids.sort()).toEqual(["BTCUSDT", "ETHUSDT", "XRPUSDT"]);
  const one = await api.ask("GET", "/tardis/v1/instruments/binance-futures/btcusdt");
  expect(one.json).toEqual({
    ...{ id: "BTCUSDT", exchange: "binance-futures", baseCurrency: "BTC", quoteCurrency: "USDT", type: "perpetual" },
    ...{ active: false, availableSince: "2024-01-02T00:00:00.100Z", availableTo: expect.any(String) },
    ...{
      priceIncrement: 0.01,
      amountIncrement: 0.001,
      minTradeAmount: 0.001,
      makerFee: 0,
      takerFee: 0,
      inverse: false,
    },
  });
  const filter = encodeURIComponent(JSON.stringify({ baseCurrency: ["ETH"], type: "perpetual" }));
  expect((await api.ask("GET", `/tardis/v1/instruments/binance-futures?filter=${filter}`)).json).toMatchObject([
    { id: "ETHUSDT" },
  ]);
  expect((await api.ask("GET", "/tardis/v1/instruments/kraken")).json).toEqual([]);
  expect((await api.ask("GET", "/tardis/v1/instruments/kraken/BTCUSDT")).status).toBe(404);
});

describe("[TM12] a minute of a data feed", () => {
  const minute = (query: string, exchange = "binance-futures") =>
    api.ask("GET", `/tardis/v1/data-feeds/${exchange}?${query}`);
  const filters = (...wanted: unknown[]) => `&filters=${encodeURIComponent(JSON.stringify(wanted))}`;
  const lineShape = z.tuple([z.string(), z.object({ stream: z.string() })]);
  const linesOf = (text: string) =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => lineShape.parse([line.slice(0, 28), JSON.parse(line.slice(29))]));

  test("has the messages of the channels that are asked for, as Binance sends them", async () => {
    const trades = filters({ channel: "trade", symbols: ["btcusdt"] });
    const answer = await minute(`from=2024-01-01T23:58:00.000Z&offset=2${trades}`);
    expect([answer.status, answer.headers.get("content-encoding")]).toEqual([200, "gzip"]);
    const lines = linesOf(answer.text);
    expect(lines).toHaveLength(updates - 1);
    expect(lines[0]).toEqual(["2024-01-02T00:00:00.2000000Z", { stream: "btcusdt@trade" }]);
    const whole = linesOf((await minute("from=2024-01-02&offset=0")).text);
    const streams = new Set(whole.map(([, { stream }]) => stream));
    expect(streams).toEqual(
      new Set(
        ["btcusdt", "ethusdt", "xrpusdt"].flatMap((symbol) =>
          ["trade", "depth@100ms", "depthSnapshot"].map((channel) => `${symbol}@${channel}`),
        ),
      ),
    );
    expect(whole.map(([time]) => time)).toEqual(whole.map(([time]) => time).sort());
  });

  test("is empty where no tape has that minute", async () => {
    const answer = await minute("from=2024-01-03&offset=0");
    expect([answer.status, answer.text]).toEqual([200, ""]);
  });

  test.each([
    ["another exchange", "from=2024-01-02", "kraken", /^exchange: data feeds have the messages of binance and /],
    ["a wrong time", "from=now", "binance-futures", /^from: must be a date or a time in UTC/],
    ["a wrong minute", "from=2024-01-02&offset=-1", "binance-futures", /^offset: must be at least 0/],
    ["filters that are no JSON", "from=2024-01-02&filters=[", "binance-futures", /^filters: must be JSON/],
    [
      "a channel",
      `from=2024-01-02${filters({ channel: "aggTrade" })}`,
      "binance-futures",
      /must be one of trade, depth/,
    ],
    [
      "a symbol",
      `from=2024-01-02${filters({ channel: "trade", symbols: ["trxusdt"] })}`,
      "binance-futures",
      /no tape with events has TRXUSDT of binance-futures; there are .*BTCUSDT/,
    ],
  ])("is refused with 400 for %s, since clients repeat anything else", async (_, query, exchange, message) => {
    const answer = await minute(query, exchange);
    expect([answer.status, answer.json]).toMatchObject([400, { message: expect.stringMatching(message) }]);
  });
});
