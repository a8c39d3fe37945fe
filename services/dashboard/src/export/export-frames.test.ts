import type { Frame } from "@tapedeck/protocol";
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
  anomalies: [{ type: "SPOOFING", severity: "high", message: "" }],
};

test("[DB46] frames are lines of CSV: quoted where needed, empty where null, the book level by level", () => {
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

test("[DB46] trades are lines of CSV", () => {
  expect(tradesCsv([{ ...frame, symbol: "X" }]).split("\r\n")[1]).toBe(
    "2023-11-14T22:13:19.950Z,X,7,100,0.5,sell,false",
  );
});
