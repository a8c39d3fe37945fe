import type { MatchingSettings } from "@tapedeck/matching";
import { describe, expect, test } from "vitest";
import { BinanceError } from "../http/binance-error.js";
import { Parameters } from "../http/parameters.js";
import type { Market } from "../http/target.js";
import { checkFilters } from "./filters.js";
import { orderRequest, typeName } from "./order-request.js";

const instrument: MatchingSettings["instrument"] = {
  priceDecimals: 2,
  amountDecimals: 3,
  tick: 10,
  lot: 1,
  minAmount: 1,
  maxAmount: 1_000_000,
  minNotional: "5",
};

const read = (market: Market, text: string) => {
  const request = orderRequest(market, new Parameters(new URLSearchParams(text)));
  checkFilters(market, request, instrument);
  return request;
};

function refusal(market: Market, text: string): string {
  try {
    read(market, text);
    return "accepted";
  } catch (error) {
    if (!(error instanceof BinanceError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

const limit = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.5&price=100.1";

describe("[VK10] a venue's order becomes one of the engine's", () => {
  test.each<[Market, string, object]>([
    ["spot", limit, { side: "buy", type: "LIMIT", amount: "0.5", price: "100.1", timeInForce: "GTC" }],
    ["spot", "side=SELL&type=MARKET&quantity=1.000", { side: "sell", type: "MARKET", amount: "1.000" }],
    ["spot", "side=BUY&type=LIMIT_MAKER&quantity=1&price=100", { type: "LIMIT", timeInForce: "GTX" }],
    ["spot", "side=BUY&type=STOP_LOSS&quantity=1&stopPrice=110", { type: "STOP", stopPrice: "110" }],
    [
      "spot",
      "side=BUY&type=STOP_LOSS_LIMIT&timeInForce=IOC&quantity=1&stopPrice=110&price=111&newClientOrderId=a-1",
      { type: "STOP_LIMIT", stopPrice: "110", price: "111", timeInForce: "IOC", clientOrderId: "a-1" },
    ],
    ["usdm", "side=BUY&type=LIMIT&timeInForce=GTX&quantity=1&price=100", { type: "LIMIT", timeInForce: "GTX" }],
    ["usdm", "side=SELL&type=STOP_MARKET&quantity=1&stopPrice=90&timeInForce=GTC", { type: "STOP", stopPrice: "90" }],
    ["usdm", "side=SELL&type=MARKET&quantity=1&reduceOnly=true&price=0", { type: "MARKET", reduceOnly: true }],
    ["spot", "side=SELL&type=TAKE_PROFIT&quantity=1&stopPrice=110", { type: "TAKE_PROFIT", stopPrice: "110" }],
    [
      "spot",
      "side=SELL&type=TAKE_PROFIT_LIMIT&timeInForce=GTC&quantity=1&stopPrice=110&price=109",
      { type: "TAKE_PROFIT_LIMIT", stopPrice: "110", price: "109" },
    ],
    [
      "usdm",
      "side=SELL&type=TAKE_PROFIT&timeInForce=GTC&quantity=1&stopPrice=110&price=109&workingType=MARK_PRICE",
      { type: "TAKE_PROFIT_LIMIT", stopPrice: "110", price: "109" },
    ],
    [
      "usdm",
      "side=SELL&type=TAKE_PROFIT_MARKET&stopPrice=110&closePosition=true&priceProtect=true",
      { type: "TAKE_PROFIT", stopPrice: "110", closePosition: true },
    ],
    ["spot", "side=BUY&type=MARKET&quoteOrderQty=100.123", { type: "MARKET", quoteAmount: "100.123" }],
  ])("%s %s", (market, text, wanted) => {
    const request = read(market, text);
    expect(request).toMatchObject(wanted);
    const name = new URLSearchParams(text).get("type");
    expect(typeName(market, request.type, request.timeInForce)).toBe(name);
  });

  test.each<[Market, string, string]>([
    ["spot", limit.replace("BUY", "HOLD"), "-1117 Invalid side."],
    ["spot", limit.replace("LIMIT", "ICEBERG"), "-1116 Invalid orderType."],
    ["spot", limit.replace("GTC", "GTX"), "-1115 Invalid timeInForce."],
    [
      "spot",
      limit.replace("&price=100.1", ""),
      "-1102 Mandatory parameter 'price' was not sent, was empty/null, or malformed.",
    ],
    [
      "spot",
      limit.replace("&timeInForce=GTC", ""),
      "-1102 Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.",
    ],
    ["spot", "side=BUY&type=MARKET&quantity=1&price=9", "-1106 Parameter 'price' sent when not required."],
    [
      "spot",
      limit.replace("0.5", "-1"),
      "-1100 Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'.",
    ],
    [
      "spot",
      `${limit}&newClientOrderId=a b`,
      "-1100 Illegal characters found in parameter 'newClientOrderId'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{1,36}$'.",
    ],
    ["spot", `${limit}&icebergQty=1`, "-1106 Parameter 'icebergQty' is not supported by Tapedeck's venue."],
    [
      "usdm",
      "side=BUY&type=TRAILING_STOP_MARKET&quantity=1",
      "-1116 Orders of type TRAILING_STOP_MARKET are not supported by Tapedeck's venue.",
    ],
    [
      "spot",
      "side=BUY&type=MARKET",
      "-1102 Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.",
    ],
  ])("%s refuses %s", (market, text, answer) => {
    expect(refusal(market, text)).toBe(answer);
  });
});

test.each<[Market, string, string]>([
  ["spot", "side=BUY&type=MARKET&quoteOrderQty=100&quantity=1", "-1128 Combination of optional parameters invalid."],
  ["spot", `${limit}&quoteOrderQty=100`, "-1106 Parameter 'quoteOrderQty' sent when not required."],
  ["spot", "side=BUY&type=MARKET&quoteOrderQty=4.99", "-1013 Filter failure: NOTIONAL"],
  ["spot", "side=BUY&type=MARKET&quoteOrderQty=9.123456789", "-1111 Parameter 'quoteOrderQty' has too much precision."],
])("[VK13] %s refuses %s", (market, text, answer) => {
  expect(refusal(market, text)).toBe(answer);
});

test.each([
  [`${limit}&closePosition=true`, "-4136 Target strategy invalid for orderType LIMIT,closePosition true"],
  [
    "side=SELL&type=STOP_MARKET&stopPrice=90&closePosition=true&quantity=1",
    "-4137 Quantity must be zero with closePosition equals true",
  ],
  [
    "side=SELL&type=STOP_MARKET&stopPrice=90&closePosition=true&reduceOnly=true",
    "-1106 Parameter 'reduceOnly' sent when not required.",
  ],
])("[VK14] futures refuse %s", (text, answer) => {
  expect(refusal("usdm", text)).toBe(answer);
});

describe("[VK11] filters refuse with the venue's own codes", () => {
  test.each<[Market, string, string]>([
    ["spot", limit.replace("100.1", "100.15"), "-1013 Filter failure: PRICE_FILTER"],
    ["spot", limit.replace("100.1", "0"), "-1013 Filter failure: PRICE_FILTER"],
    ["spot", limit.replace("0.5", "0.0005"), "-1013 Filter failure: LOT_SIZE"],
    ["spot", limit.replace("0.5", "0"), "-1013 Filter failure: LOT_SIZE"],
    ["spot", limit.replace("0.5", "1000.001"), "-1013 Filter failure: LOT_SIZE"],
    ["spot", limit.replace("0.5", "0.049"), "-1013 Filter failure: NOTIONAL"],
    ["spot", limit.replace("0.5", "0.123456789"), "-1111 Parameter 'quantity' has too much precision."],
    ["usdm", limit.replace("100.1", "100.15"), "-4014 Price not increased by tick size."],
    ["usdm", limit.replace("100.1", "100.155"), "-1111 Precision is over the maximum defined for this asset."],
    ["usdm", limit.replace("100.1", "0"), "-4001 Price less than 0."],
    ["usdm", limit.replace("0.5", "0"), "-4003 Quantity less than or equal to zero."],
    ["usdm", limit.replace("0.5", "1000.001"), "-4005 Quantity greater than max quantity."],
    [
      "usdm",
      limit.replace("0.5", "0.049"),
      "-4164 Order's notional must be no smaller than 5 (unless you choose reduce only).",
    ],
    ["usdm", `${limit.replace("0.5", "0.049")}&reduceOnly=true`, "accepted"],
    ["spot", limit.replace("0.5", "0.50000000000"), "accepted"],
  ])("%s %s", (market, text, answer) => {
    expect(refusal(market, text)).toBe(answer);
  });
});
