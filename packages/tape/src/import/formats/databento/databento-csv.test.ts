import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder, textOf } from "../../input/testing.js";
import { eventsOf, framesOf, importToMemory, tapeOf } from "../../test-recordings.js";
import { csvOf, type Row } from "./testing.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

const book = { bids: [[5100.25, 10]], asks: [[5100.5, 12]] } as const;
const deeper = {
  bids: [
    [5100.25, 10],
    [5100, 40],
  ],
  asks: [
    [5100.5, 12],
    [5100.75, 60],
    [5101, 7],
  ],
} as const;

async function framesIn(content: string, options: Parameters<typeof importToMemory>[1] = {}) {
  const imported = await importToMemory([await folder.file(content)], { intervalMs: 0, ...options });
  const frames = [];
  for await (const text of framesOf(imported, tapeOf(imported))) frames.push(JSON.parse(text));
  return { report: imported.report, tape: tapeOf(imported), frames };
}

test("[IM111] best prices of each second and consolidated ones are books of one level", async () => {
  const ids = "ts_recv,ts_event,rtype,publisher_id,instrument_id";
  const second = (n: number) => `2024-03-01T14:30:0${n}.000000000Z`;
  const level = "bid_px_00,ask_px_00,bid_sz_00,ask_sz_00";
  const bbo = [1, 2].map((n) => `${second(n)},${second(0)},195,1,5482,A,100.25,3,128,${n},100.25,101.5,1${n},12,1,1`);
  const seconds = await framesIn(
    textOf([`${ids},side,price,size,flags,sequence,${level},bid_ct_00,ask_ct_00`, ...bbo]),
  );
  expect(seconds.report.formats).toEqual(["databento"]);
  expect(seconds.frames).toMatchObject([
    { timestamp: second(1), best_bid: 100.25, trades: [] },
    { timestamp: second(2), best_ask: 101.5, trades: [] },
  ]);
  const cmbp = ["A", "T"].map(
    (action, n) => `${second(n + 1)},${second(n)},177,1,5482,${action},A,100.25,3,128,5,100.25,101.5,10,12,39,39`,
  );
  const consolidated = await framesIn(
    textOf([`${ids},action,side,price,size,flags,ts_in_delta,${level},bid_pb_00,ask_pb_00`, ...cmbp]),
  );
  expect(consolidated.frames).toMatchObject([
    { timestamp: second(0) },
    { timestamp: second(1), trades: [{ size: 3 }] },
  ]);
});

const styles = [true, false].flatMap((pretty) => [true, false].map((symbols) => ({ pretty, symbols })));

describe("Databento's CSV", () => {
  test.each(styles)(
    "[IM101] mbp-10, pretty: $pretty, symbols: $symbols, becomes the books after each row, with its trades",
    async ({ pretty, symbols }) => {
      const rows: Row[] = [
        { ms: 0, action: "A", side: "B", price: 5100, size: 40, ...deeper },
        { ms: 50, action: "T", side: "B", price: 5100.5, size: 3, ...deeper },
        { ms: 50, action: "C", side: "A", price: 5100.5, size: 12, bids: deeper.bids, asks: deeper.asks.slice(1) },
      ];
      const { report, tape, frames } = await framesIn(csvOf(rows, { levels: 10, pretty, symbols }));
      expect(report).toMatchObject({ formats: ["databento"], brokenLines: { count: 0 }, notices: [] });
      expect(tape).toMatchObject({
        symbol: symbols ? "ESH4" : "5482",
        source: "CME",
        from: "2024-03-01T14:30:00.000123456Z",
        trades: 1,
      });
      expect(frames[0]).toMatchObject({ best_bid: 5100.25, best_ask: 5100.5 });
      expect(frames[0].bids.slice(0, 2)).toEqual(deeper.bids);
      expect(frames[0].asks.slice(0, 3)).toEqual(deeper.asks);
      expect(frames.at(-1)).toMatchObject({ best_ask: 5100.75 });
      expect(frames.flatMap(({ trades }) => trades)).toMatchObject([
        { timestamp: "2024-03-01T14:30:00.050123456Z", price: 5100.5, size: 3, side: "buy" },
      ]);
    },
  );

  test("[IM101] mbp-1 and tbbo are books of one level, and a side that is empty has none", async () => {
    const rows: Row[] = [
      { ms: 0, action: "A", side: "A", price: 5100.5, size: 12, ...book },
      { ms: 20, action: "T", side: "A", price: 5100.25, size: 2, ...book },
      { ms: 30, action: "T", side: "N", price: 5100.25, size: 1, ...book },
      { ms: 40, action: "C", side: "A", price: 5100.5, size: 12, bids: book.bids },
    ];
    const path = await folder.file(csvOf(rows, { levels: 1, pretty: true, symbols: true }));
    const events = [];
    for await (const event of eventsOf([path])) events.push(event);
    expect(
      events.map(
        (event) => event.kind === "snapshot" && [event.bids, event.asks, event.trades?.map(({ side }) => side)],
      ),
    ).toEqual([
      [book.bids, book.asks, []],
      [book.bids, book.asks, ["sell"]],
      [book.bids, book.asks, ["unknown"]],
      [book.bids, [], []],
    ]);
    const { tape } = await framesIn(
      csvOf(
        rows.filter(({ action }) => action === "T"),
        { levels: 1, pretty: false, symbols: true },
      ),
    );
    // The book is not known before the first trade of a tbbo file.
    expect(tape).toMatchObject({ frames: 2, trades: 1, tradesLeftOut: { beforeFirstFrame: 1 } });
  });

  test("[IM101] each instrument becomes a tape, and --symbol chooses one", async () => {
    const rows: Row[] = Array.from({ length: 20 }, (_, n) => ({
      ms: n * 50,
      action: "A",
      side: "B",
      id: 5482 + (n % 2),
      symbol: n % 2 === 0 ? "ESH4" : "NQH4",
      ...book,
    }));
    const path = await folder.file(csvOf(rows, { levels: 1, pretty: true, symbols: true }));
    const tapes = async (options = {}) => (await importToMemory([path], options)).report.tapes.map(({ tape }) => tape);
    expect(await tapes()).toEqual(["esh4-cme-20240301@1", "nqh4-cme-20240301@1"]);
    expect(await tapes({ symbol: "nqh4" })).toEqual(["nqh4-cme-20240301@1"]);
  });

  test("[IM101] without a symbol column --symbol names the only instrument, or is one of several ids", async () => {
    const style = { levels: 1, pretty: false, symbols: false };
    const row = (ms: number, id: number): Row => ({ ms, action: "A", side: "B", id, ...book });
    const one = await folder.file(csvOf([row(0, 7), row(200, 7)], style));
    expect(tapeOf(await importToMemory([one], { symbol: "esh4" }))).toMatchObject({ symbol: "ESH4" });
    const two = await folder.file(csvOf([row(0, 7), row(200, 8)], style), "two.csv");
    await expect(importToMemory([two], { symbol: "ESH4" })).rejects.toThrow(
      "two.csv names its instruments by id only and has several (7 and 8): --symbol must be one of these ids.",
    );
    expect(tapeOf(await importToMemory([two], { symbol: "8" }))).toMatchObject({ symbol: "8" });
  });

  test("[IM102] trades that are equal are separate trades", async () => {
    const first: Row = { ms: 0, action: "A", side: "B", price: 5100.25, size: 10, ...book };
    const trade: Row = { ms: 20, action: "T", side: "B", price: 5100.5, size: 1, ...book };
    const { tape } = await framesIn(csvOf([first, trade, trade, trade], { levels: 1, pretty: true, symbols: true }));
    expect(tape).toMatchObject({ trades: 3, duplicates: 0 });
  });

  test("[IM102] only the richest schema is used, and the report names the files that are left out", async () => {
    const rows: Row[] = [
      { ms: 0, action: "A", side: "B", price: 5100, size: 40, ...deeper },
      { ms: 50, action: "T", side: "B", price: 5100.5, size: 3, ...deeper },
    ];
    const style = { pretty: true, symbols: true };
    const deep = await folder.file(csvOf(rows, { ...style, levels: 10 }), "deep.csv");
    const trades = await folder.file(csvOf(rows.slice(1), { ...style, levels: 0 }), "trades.csv");
    const { report } = await importToMemory([trades, deep]);
    expect(report.tapes).toMatchObject([{ trades: 1 }]);
    expect(report.notices).toEqual([
      expect.stringMatching(/^trades.csv was left out: it is trades, and other files are mbp-10/),
    ]);
    await expect(importToMemory([trades])).rejects.toThrow(/no book: it has 1 trades and no order book/);
  });

  test("[IM101] prices without a decimal point are billionths, unless they are too small for it", async () => {
    const whole = csvOf(
      [{ ms: 0, action: "A", side: "B", price: 5100, size: 1, bids: [[5100, 1]], asks: [[5101, 2]] }],
      {
        levels: 1,
        pretty: true,
        symbols: true,
      },
    );
    const { frames } = await framesIn(whole.replaceAll(".000000000", ""));
    expect(frames[0]).toMatchObject({ best_bid: 5100, best_ask: 5101 });
  });

  test("[IM15] a row with an invalid value is a broken line, and the report says what is accepted", async () => {
    const good: Row = { ms: 0, action: "A", side: "B", price: 5100, size: 1, ...book };
    const row = csvOf([good, good], { levels: 1, pretty: false, symbols: true }).split("\n")[2] ?? "";
    const bad = [
      row.replace(",A,B,", ",X,B,"),
      row.replace(",A,B,", ",A,S,"),
      row.replace("5100250000000", "5100.25"),
      row.replace(/^\d+,\d+/, ","),
      row.replace(/,5482,/, ",,"),
    ];
    const { report } = await framesIn(
      csvOf([good], { levels: 1, pretty: false, symbols: true }) + textOf([...bad, row.replace(",A,B,", ",M,B,")]),
    );
    expect(report.brokenLines.first.map(({ line, reason }) => [line, reason])).toEqual([
      [3, 'the action "X" is none of A, C, M, R, T, F, N'],
      [4, 'the side "S" is none of A, B, N'],
      [5, 'a price of the bids is not a whole number of billionths, as the first rows have it: "5100.25"'],
      [6, "it has neither ts_event nor ts_recv"],
      [7, 'instrument_id is not a number: ""'],
    ]);
  });
});
