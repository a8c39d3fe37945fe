import { expect, test } from "vitest";
import { BinanceError } from "../http/binance-error.js";
import { Parameters } from "../http/parameters.js";
import { ocoRequest, oldOcoRequest, otocoRequest, otoRequest } from "./order-list-request.js";

const lists = { oco: ocoRequest, oto: otoRequest, otoco: otocoRequest, "the old oco": oldOcoRequest };
type List = keyof typeof lists;

function read(list: List, text: string) {
  return lists[list](new Parameters(new URLSearchParams(text)));
}

const sell = "side=SELL&quantity=1";
const profit = "aboveType=LIMIT_MAKER&abovePrice=110";
const stop = "belowType=STOP_LOSS_LIMIT&belowStopPrice=90&belowPrice=89&belowTimeInForce=GTC&belowClientOrderId=b";
const working = "workingType=LIMIT&workingSide=BUY&workingPrice=100&workingQuantity=2&workingTimeInForce=IOC";
const ofStop = { side: "sell", type: "STOP_LIMIT", amount: "1", stopPrice: "90", price: "89", timeInForce: "GTC" };
const ofProfit = { side: "sell", type: "LIMIT", amount: "1", price: "110", timeInForce: "GTX" };
const ofWorking = { side: "buy", type: "LIMIT", amount: "2", price: "100", timeInForce: "IOC" };

test.each<[List, string, object]>([
  ["oco", `${sell}&${profit}&${stop}&listClientOrderId=l`, { others: [ofStop, ofProfit], clientListId: "l" }],
  [
    "oco",
    "side=BUY&quantity=1&aboveType=STOP_LOSS&aboveStopPrice=110&belowType=TAKE_PROFIT&belowStopPrice=90",
    {
      others: [
        { side: "buy", type: "STOP", stopPrice: "110" },
        { type: "TAKE_PROFIT", stopPrice: "90" },
      ],
    },
  ],
  [
    "oto",
    `${working}&pendingType=MARKET&pendingSide=SELL&pendingQuantity=1`,
    { first: ofWorking, others: [{ side: "sell", type: "MARKET", amount: "1" }] },
  ],
  [
    "otoco",
    `${working}&pendingSide=SELL&pendingQuantity=1&${`${profit}&${stop}`
      .replaceAll("above", "pendingAbove")
      .replaceAll("below", "pendingBelow")}`,
    { first: ofWorking, others: [ofStop, ofProfit] },
  ],
  [
    "the old oco",
    `${sell}&price=110&stopPrice=90&stopLimitPrice=89&stopLimitTimeInForce=GTC&limitClientOrderId=a`,
    { others: [ofStop, { ...ofProfit, clientOrderId: "a" }] },
  ],
])("[VK16] %s is read", (list, text, wanted) => {
  expect(read(list, text)).toMatchObject(wanted);
});

const pair = (above: string, below: string) => `quantity=1&${above}&${below}`;
const stopAbove = "aboveType=STOP_LOSS&aboveStopPrice=110";
const stopBelow = "belowType=STOP_LOSS&belowStopPrice=90";
const limitBelow = "belowType=LIMIT_MAKER&belowPrice=90";
const takeAbove = "aboveType=TAKE_PROFIT&aboveStopPrice=110";
const takeBelow = "belowType=TAKE_PROFIT&belowStopPrice=90";

test.each<[List, string, string]>([
  ["oco", `${sell}&${profit}`, "-1102 Mandatory parameter 'belowType' was not sent, was empty/null, or malformed."],
  [
    "oco",
    `${sell}&${profit}&belowType=STOP_LOSS`,
    "-1102 Mandatory parameter 'belowStopPrice' was not sent, was empty/null, or malformed.",
  ],
  ["oco", `${sell}&${profit}&${stop}&aboveStopPrice=9`, "-1106 Parameter 'aboveStopPrice' sent when not required."],
  [
    "oco",
    `${sell}&${profit}&${stop}&belowTrailingDelta=9`,
    "-1106 Parameter 'belowTrailingDelta' is not supported by Tapedeck's venue.",
  ],
  ["oco", `${sell}&${profit}&belowType=LIMIT`, "-1158 Order type not supported in OCO."],
  ["oco", `side=SELL&${pair(profit, limitBelow)}`, "-1168 At least one OCO order must be contingent."],
  ["oco", `side=BUY&${pair(profit, stopBelow)}`, "-1165 A limit order in a buy OCO must be below."],
  ["oco", `side=SELL&${pair(stopAbove, limitBelow)}`, "-1166 A limit order in a sell OCO must be above."],
  ["oco", `side=BUY&${pair(stopAbove, stopBelow)}`, "-1196 A stop loss order in a buy OCO must be above."],
  ["oco", `side=SELL&${pair(stopAbove, takeBelow)}`, "-1197 A stop loss order in a sell OCO must be below."],
  ["oco", `side=BUY&${pair(takeAbove, takeBelow)}`, "-1198 A take profit order in a buy OCO must be below."],
  ["oco", `side=SELL&${pair(takeAbove, takeBelow)}`, "-1199 A take profit order in a sell OCO must be above."],
  [
    "the old oco",
    `${sell}&price=80&stopPrice=90`,
    "-2010 The relationship of the prices for the orders is not correct.",
  ],
  [
    "the old oco",
    `${sell}&price=110&stopPrice=90&stopLimitPrice=89`,
    "-1102 Mandatory parameter 'stopLimitTimeInForce' was not sent, was empty/null, or malformed.",
  ],
  ["oto", working.replace("=LIMIT", "=MARKET"), "-1116 Invalid orderType."],
  [
    "oto",
    `${working}&pendingType=MARKET&pendingSide=SELL&pendingQuoteOrderQty=5`,
    "-1102 Mandatory parameter 'pendingQuantity' was not sent, was empty/null, or malformed.",
  ],
])("[VK16] what is wrong with a list is answered as by Binance: %s %s", (list, text, answer) => {
  try {
    read(list, text);
    expect.unreachable("it was accepted");
  } catch (error) {
    if (!(error instanceof BinanceError)) throw error;
    expect(`${error.code} ${error.message}`).toBe(answer);
  }
});
