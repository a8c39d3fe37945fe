import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reportLines } from "../import-report.js";
import { binanceLines, TestFolder, textOf } from "../input/testing.js";
import { framesOf, importToMemory, tapeOf } from "../test-recordings.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

async function texts(content: string): Promise<string[]> {
  const imported = await importToMemory([await folder.file(content)]);
  expect(imported.report.brokenLines.count).toBe(0);
  const all: string[] = [];
  for await (const text of framesOf(imported, tapeOf(imported))) all.push(text);
  return all;
}

const messages = binanceLines(200);
const streamOf = (message: string) => (message.includes("depthUpdate") ? "btcusdt@depth@100ms" : "btcusdt@trade");
const wrapped = messages.map((message) => `{"stream":"${streamOf(message)}","data":${message}}`);

describe("Binance's messages without a receive time", () => {
  test("[IM32] the frames are the same one per line, in the stream's wrapper, with spaces, or with a receive time in any unit", async () => {
    const received = await texts(textOf(binanceLines(200, { received: true })));
    expect(received.length).toBeGreaterThan(100);
    expect(await texts(textOf(messages))).toEqual(received);
    expect(await texts(textOf(wrapped))).toEqual(received);
    expect(
      await texts(textOf(wrapped.map((text) => JSON.stringify(JSON.parse(text)).replace(/([:,])(?=["{[])/g, "$1 ")))),
    ).toEqual(received);
    const inSeconds = messages.map((text, n) => `${1723161240 + n / 10} ${text}`);
    expect(await texts(textOf(inSeconds))).toEqual(received);
  });

  test("[IM32] an array of messages gives the same frames, on one line or pretty-printed", async () => {
    const lines = await texts(textOf(messages));
    expect(await texts(`[${messages.join()}]`)).toEqual(lines);
    expect(await texts(`\uFEFF\n [ ${wrapped.join(" ,\n")}\n]\n\n`)).toEqual(lines);
    expect(
      await texts(
        JSON.stringify(
          messages.map((text) => JSON.parse(text)),
          undefined,
          2,
        ),
      ),
    ).toEqual(lines);
    expect(
      await texts(
        `${JSON.stringify(messages.slice(0, 100).map((text) => JSON.parse(text)))}\n[${messages.slice(100).join()}]`,
      ),
    ).toEqual(lines);
  });

  test("[IM32] an array whose first message is longer than the inspected part is recognised by its beginning", async () => {
    const levels = Array.from({ length: 20_000 }, (_, n) => `["${(90 - n / 1_000).toFixed(3)}","1"]`).join();
    const snapshot = `{"lastUpdateId":1,"bids":[${levels}],"asks":[["100.5","1"]]}`;
    expect(snapshot.length).toBeGreaterThan(256 * 1024);
    const imported = await importToMemory([await folder.file(`[${snapshot},${messages.join()}]`)]);
    expect(tapeOf(imported).book).toMatchObject({ snapshotsUsed: 1, deepest: 20_001 });
  });

  test("[IM32] brackets and quotes inside texts do not end a message", async () => {
    const odd = messages.map((text) => text.replace('"e":', '"note":"]}[{\\\\\\"],","e":'));
    expect(await texts(`[${odd.join()}]`)).toEqual(await texts(textOf(messages)));
  });

  test("[IM50] a depth response is used wherever it comes before the diff that it joins, and alone makes no tape", async () => {
    const answer = '{"lastUpdateId":50,"bids":[["99","7"]],"asks":[["101","7"]]}';
    for (const place of [0, 60]) {
      const lines = [...messages];
      lines.splice(place, 0, answer);
      const imported = await importToMemory([await folder.file(textOf(lines))]);
      expect(tapeOf(imported)).toMatchObject({ book: { snapshotsUsed: 1, diffsBeforeSnapshot: 51 }, gaps: [] });
    }
    await expect(importToMemory([await folder.file(`${answer}\n`, "answer.json")])).rejects.toThrow(
      "answer.json cannot become a tape: it contains no market events (only 1 book without a time).",
    );
  });

  test("[IM32] a raw book ticker is recognised without an event type", async () => {
    const ticker = '{"u":7,"s":"BTCUSDT","b":"100","B":"1","a":"100.5","A":"2"}';
    const { report } = await importToMemory([await folder.file(textOf([...messages, ticker]))]);
    expect(report.brokenLines.count).toBe(0);
  });

  test("[IM15] in an array the line number of a broken message is its index from 1", async () => {
    const path = await folder.file(`[${[messages[0], '{"e":"trade"}', messages[1]].join("\n,")}]`);
    const { report } = await importToMemory([path]);
    expect(report.brokenLines.first).toEqual([{ file: path, line: 2, reason: "T is not a time: absent" }]);
  });
});

describe("cryptofeed dumps", () => {
  const gemini = [
    "wss://api.gemini.com/v2/marketdata <-> 1626992740.179554",
    '1626992741.06217: {"type":"l2_updates","symbol":"BTCUSD","changes":[["buy","5541.30","2.5"]]}',
  ];
  const binance = (host: string) => [
    `wss://${host}/stream?streams=btcusdt@depth <-> 1723161240.1`,
    ...wrapped.map((text, n) => `${1723161240 + n / 10}: ${text}`),
  ];

  test.each([
    ["GEMINI.ws.1.0", textOf(gemini.slice(1)), "Gemini"],
    ["renamed.txt", textOf(gemini), "Gemini"],
    ["OKCOIN.ws.12.0", '1626992741.1: {"arg":{"channel":"books"}}\n', "OKCoin"],
    ["KUCOIN.http.0.0", 'https://api.kucoin.com/api/v1 -> 1626992741.1: {"code":0}\n', "KuCoin"],
    ["UPBIT.ws.1.0.gz", '1626992741.1: {"type":"trade"}\n', "Upbit"],
    ["KRAKEN_FUTURES.ws.1.0", '1626992741.1: {"feed":"book"}\n', "Kraken Futures"],
    ["NEWVENUE.ws.1.0", '1626992741.1: {"a":1}\n', "NEWVENUE"],
  ])("[IM34] %s is refused with the name of its venue", async (name, content, venue) => {
    await expect(importToMemory([await folder.file(content, name)])).rejects.toThrow(
      `${name} is a cryptofeed dump of ${venue}, which is not supported: cryptofeed dumps of Binance US, Binance Delivery, Binance, Coinbase, BitMEX, Bitfinex, Bybit, Deribit, Kraken, OKX are.`,
    );
  });

  test("[IM34] the report says when the tapes have another source than the venue's name", async () => {
    const us = await importToMemory([
      await folder.file(textOf(binance("stream.binance.us:9443")), "BINANCE_US.ws.1.0"),
    ]);
    expect(us.report.notices).toEqual([
      "BINANCE_US.ws.1.0 was recorded at Binance US; its tapes have the source BINANCE.",
    ]);
    const com = await importToMemory([await folder.file(textOf(binance("stream.binance.com:9443")), "BINANCE.ws.1.0")]);
    expect(com.report.notices).toEqual([]);
    expect(tapeOf(com).source).toBe("BINANCE");
  });
});

test("[IM36] the report says when the book is deeper than a frame", async () => {
  const header = [
    "time",
    ...["bid", "ask"].flatMap((side) =>
      Array.from({ length: 50 }, (_, n) => `${side}_price_${n + 1},${side}_size_${n + 1}`),
    ),
  ];
  const row = (n: number) => [
    1723161240000 + n * 100,
    ...Array.from({ length: 50 }, (_, level) => `${100 + n - level / 10},1`),
    ...Array.from({ length: 50 }, (_, level) => `${101 + n + level / 10},1`),
  ];
  const path = await folder.file(textOf([header.join(), row(0).join(), row(1).join()]));
  const deep = await importToMemory([path], { symbol: "X" });
  expect(reportLines(deep.report).join("\n")).toMatch(
    /^ {2}50 levels a side in the recording's deepest book; frames keep the best 20$/m,
  );
  const flat = await importToMemory([await folder.file(textOf(messages))]);
  expect(reportLines(flat.report).join("\n")).not.toMatch(/frames keep/);
});
