import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestFolder, textOf } from "../../input/testing.js";
import { framesOf, importToMemory, tapeOf } from "../../test-recordings.js";
import { bookColumns } from "./csv-columns.js";
import { Header } from "./csv-header.js";

const folder = new TestFolder();
beforeAll(() => folder.make());
afterAll(() => folder.remove());

async function timesOf(...times: readonly string[]): Promise<string[]> {
  const rows = times.map((time, n) => `${time},${100 + n},1,${101 + n},2`);
  const path = await folder.file(textOf(["time,bid_price_1,bid_size_1,ask_price_1,ask_size_1", ...rows]));
  const imported = await importToMemory([path], { symbol: "X" });
  const found: string[] = [];
  for await (const text of framesOf(imported, tapeOf(imported))) found.push(JSON.parse(text).timestamp);
  return found;
}

describe("columns of a CSV of books", () => {
  const bid = [
    { price: 1, size: 2 },
    { price: 3, size: 4 },
  ];
  const ask = [
    { price: 5, size: 6 },
    { price: 7, size: 8 },
  ];

  /** Names of two levels a side, in the order price, size, price, size. */
  test.each([
    ["bid1,bid1_qty,bid2,bid2_qty,ask1,ask1_qty,ask2,ask2_qty"],
    ["bid_1,bid_size_1,bid_2,bid_size_2,ask_1,ask_size_1,ask_2,ask_size_2"],
    ["bid_px_00,bid_sz_00,bid_px_01,bid_sz_01,ask_px_00,ask_sz_00,ask_px_01,ask_sz_01"],
    ["bid_price_1,bid_amount_1,bid_price_2,bid_amount_2,ask_price_1,ask_amount_1,ask_price_2,ask_amount_2"],
    [
      "bids[0].price,bids[0].amount,bids[1].price,bids[1].amount,asks[0].price,asks[0].amount,asks[1].price,asks[1].amount",
    ],
    ["bidPrice1,bidVolume1,bidPrice2,bidVolume2,askPrice1,askVolume1,askPrice2,askVolume2"],
    ["BidPrice1,BidQty1,BidPrice2,BidQty2,AskPrice1,AskQty1,AskPrice2,AskQty2"],
    ["b1_p,b1_q,b2_p,b2_q,a1_p,a1_q,a2_p,a2_q"],
    ["bp1,bv1,bp2,bv2,ap1,av1,ap2,av2"],
    ["Bid Price 1,Bid Size 1,Bid Price 2,Bid Size 2,Ask Price 1,Ask Size 1,Ask Price 2,Ask Size 2"],
    ["l1_bid_price,l1_bid_vol,l2_bid_price,l2_bid_vol,l1_ask_price,l1_ask_vol,l2_ask_price,l2_ask_vol"],
    ["bid-1-price,bid-1-size,bid-2-price,bid-2-size,ask-1-price,ask-1-size,ask-2-price,ask-2-size"],
    ["bids.0.price,bids.0.size,bids.1.price,bids.1.size,asks.0.price,asks.0.size,asks.1.price,asks.1.size"],
  ])("[IM18] %s", (names) => {
    expect(bookColumns(new Header(`timestamp,${names}`))).toEqual({ time: 0, bid, ask });
  });

  test("[IM18] a book of the best prices alone", () => {
    const columns = { time: 4, bid: [{ price: 0, size: 1 }], ask: [{ price: 2, size: 3 }] };
    expect(bookColumns(new Header("best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time"))).toEqual(
      columns,
    );
    expect(bookColumns(new Header("bid,bid_size,ask,ask_size,time"))).toEqual(columns);
  });

  test("[IM18] columns about something else, and best prices beside numbered levels, are left alone", () => {
    const header =
      "ts_recv,ts_event,rtype,side,depth,price,size,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,bid_ct_00,ask_ct_00,symbol";
    const one = { bid: [{ price: 7, size: 9 }], ask: [{ price: 8, size: 10 }] };
    expect(bookColumns(new Header(header))).toEqual({ time: 1, ...one });
    const quotes = new Header(
      "time,bid_price,bid_size,ask_price,ask_size,mid,bid_price_1,ask_price_1,bid_size_1,ask_size_1,bid_orders_1",
    );
    expect(bookColumns(quotes)).toEqual({ time: 0, bid: [{ price: 6, size: 8 }], ask: [{ price: 7, size: 9 }] });
    for (const names of [
      "time,bid_price_1,ask_price_1",
      "bid_price_1,bid_size_1,ask_price_1,ask_size_1",
      "time,a,b",
      "time,price,volume",
    ]) {
      expect(bookColumns(new Header(names))).toBeUndefined();
    }
  });
});

describe("times of a CSV", () => {
  test("[IM38] ISO times with an offset are read as the moment that they mean", async () => {
    expect(
      await timesOf("2024-08-09T01:54:15.5+02:00", "2024-08-08 18:24:16.000-0530", "2024-08-09T01:54:17+02"),
    ).toEqual(["2024-08-08T23:54:15.500Z", "2024-08-08T23:54:16.000Z", "2024-08-08T23:54:17.000Z"]);
  });

  test("[IM38] seconds are read with as many decimals as the first rows have", async () => {
    expect(await timesOf("1723161255", "1723161256.5", "1723161257.123456")).toEqual([
      "2024-08-08T23:54:15.000000Z",
      "2024-08-08T23:54:16.500000Z",
      "2024-08-08T23:54:17.123456Z",
    ]);
    expect(await timesOf("1723161255000.0", "1723161256000.0")).toEqual([
      "2024-08-08T23:54:15.000Z",
      "2024-08-08T23:54:16.000Z",
    ]);
    expect(await timesOf("1723161255000.25")).toEqual(["2024-08-08T23:54:15.000250Z"]);
  });
});
