import { type Frame, frame as frameSchema } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { framesCsv, tradesCsv } from "./export-frames";

const frame: Frame = {
  type: "snapshot",
  seq: 7,
  timestamp: "2023-11-14T22:13:20.000Z",
  symbol: 'A "quoted", symbol',
  bids: [
    [100, 1],
    [99, 2],
  ],
  asks: [[101, 3]],
  mid_price: 100.5,
  microprice: 100.4,
  best_bid: 100,
  best_ask: null,
  spread: null,
  q_bid: 1,
  q_ask: 3,
  updates: 2,
  trades: [{ timestamp: "2023-11-14T22:13:19.950Z", price: 100, size: 0.5, side: "sell" }],
  trade_classified: true,
  trade_volume: 0.5,
  effective_spread: 1,
  anomalies: [{ type: "SPOOFING", severity: "high", message: "" }],
};

test("[DB46] frames are exported as CSV lines, quoted where needed, empty where null, with the book level by level", () => {
  const [head = "", line = ""] = framesCsv([frame]).split("\r\n");
  expect(line).toContain('"A ""quoted"", symbol"');
  const names = head.split(",");
  const cells = line.replace('"A ""quoted"", symbol"', "A").split(",");
  const at = (name: string) => cells[names.indexOf(name)];
  expect([at("best_bid"), at("best_ask"), at("trades"), at("trade_volume"), at("anomalies")]).toEqual([
    "100",
    "",
    "1",
    "0.5",
    "SPOOFING:high",
  ]);
  expect([at("bid_price_2"), at("bid_size_2"), at("ask_price_1"), at("ask_price_2")]).toEqual(["99", "2", "101", ""]);
  expect(names.length).toBe(cells.length);
});

test("[DB81] each field of a frame that fits into a cell is a column, also one that is not in the schema", () => {
  // Derived from the schema, so that a new field is checked as well.
  const samples = ["text", 1, true, ["2023-11-14T22:13:20.000Z"], "2023-11-14T22:13:20.000Z", "buy", 0.5, "snapshot"];
  const expected = Object.entries(frameSchema.shape)
    .filter(([, field]) => samples.some((sample) => field.safeParse(sample).success))
    .map(([name]) => name)
    .filter((name) => name !== "type");
  expect(expected.length).toBeGreaterThan(30);
  const [head = "", line = ""] = framesCsv([{ ...frame, symbol: "X", brand_new: 4.5 }]).split("\r\n");
  const names = head.split(",");
  expect(names).toEqual(expect.arrayContaining([...expected, "brand_new"]));
  expect(new Set(names).size).toBe(names.length);
  expect(line.split(",")[names.indexOf("brand_new")]).toBe("4.5");
});

test("[DB46] [DB82] trades are exported as CSV lines with their effective spread", () => {
  const trades: Frame["trades"] = [
    { timestamp: "2023-11-14T22:13:19.900Z", price: 100.1, size: 0.5, side: "buy", mid_price: 100.05 },
    { timestamp: "2023-11-14T22:13:19.950Z", price: 100, size: 0.5, side: "sell" },
  ];
  expect(tradesCsv([{ ...frame, symbol: "X", trades }]).split("\r\n")).toEqual([
    "timestamp,symbol,seq,price,size,side,own,mid_price,effective_spread",
    "2023-11-14T22:13:19.900Z,X,7,100.1,0.5,buy,false,100.05,0.1",
    "2023-11-14T22:13:19.950Z,X,7,100,0.5,sell,false,,1",
  ]);
});
