import { rateLimits } from "../http/rate-limits.js";
import { inBothMarkets, type Route } from "../http/route.js";
import type { Market } from "../http/target.js";
import type { ListedSymbol } from "../player/listed-symbol.js";
import { checkSymbol, marketOf } from "./symbol.js";

/** The least price times quantity of an order, in the quote currency. */
export const minNotional = "5";
export const mostQuantity = "9000000";
const mostOrders = 200;

export const exchangeInfoRoutes: readonly Route[] = [
  ...inBothMarkets("/exchangeInfo", {
    weight: 20,
    async handle(request, venue) {
      const { parameters, market } = request;
      const { epoch } = await marketOf(request, venue);
      const symbol = parameters.text("symbol");
      if (symbol !== undefined) checkSymbol(symbol, epoch);
      for (const each of listOf(parameters.text("symbols"))) checkSymbol(each, epoch);
      const general = {
        timezone: "UTC",
        serverTime: Math.floor(venue.now()),
        rateLimits: rateLimits(venue),
        exchangeFilters: [],
      };
      if (market === "spot") return { ...general, symbols: [spotSymbol(epoch.symbol)], sors: [] };
      const assets = [epoch.symbol.quote, epoch.symbol.base].map((asset) => ({
        asset,
        marginAvailable: true,
        autoAssetExchange: "0",
      }));
      return { ...general, futuresType: "U_MARGINED", assets, symbols: [futuresSymbol(epoch.symbol)] };
    },
  }),
];

/** `["BTCUSDT","ETHUSDT"]` as Binance takes several symbols. */
function listOf(text = "[]"): string[] {
  return text
    .replace(/[[\]"\s]/g, "")
    .split(",")
    .filter((name) => name !== "");
}

function spotSymbol(listed: ListedSymbol) {
  const { symbol, base, quote, priceDecimals, quantityDecimals } = listed;
  const precision = Math.max(8, quantityDecimals);
  const quotePrecision = Math.max(8, priceDecimals);
  return {
    ...{ symbol, status: "TRADING", baseAsset: base, baseAssetPrecision: precision, quoteAsset: quote },
    ...{ quotePrecision, quoteAssetPrecision: quotePrecision, baseCommissionPrecision: 8, quoteCommissionPrecision: 8 },
    orderTypes: ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"],
    ...{ icebergAllowed: false, ocoAllowed: true, otoAllowed: true, opoAllowed: false },
    ...{ quoteOrderQtyMarketAllowed: true, allowTrailingStop: false, cancelReplaceAllowed: true, amendAllowed: true },
    ...{ pegInstructionsAllowed: false, isSpotTradingAllowed: true, isMarginTradingAllowed: false },
    filters: filtersOf(listed, "spot"),
    ...{ permissions: [], permissionSets: [["SPOT"]] },
    ...{ defaultSelfTradePreventionMode: "NONE", allowedSelfTradePreventionModes: ["NONE"] },
  };
}

function futuresSymbol(listed: ListedSymbol) {
  const { symbol, base, quote, priceDecimals, quantityDecimals } = listed;
  return {
    ...{
      symbol,
      pair: symbol,
      contractType: "PERPETUAL",
      deliveryDate: 4_133_404_800_000,
      onboardDate: 1_569_398_400_000,
    },
    ...{ status: "TRADING", maintMarginPercent: "2.5000", requiredMarginPercent: "5.0000" },
    ...{ baseAsset: base, quoteAsset: quote, marginAsset: quote },
    ...{ pricePrecision: priceDecimals, quantityPrecision: quantityDecimals, baseAssetPrecision: 8, quotePrecision: 8 },
    ...{ underlyingType: "COIN", underlyingSubType: [], triggerProtect: "0.0500" },
    ...{ liquidationFee: "0.0125", marketTakeBound: "0.05", maxMoveOrderLimit: 10_000 },
    filters: filtersOf(listed, "usdm"),
    orderTypes: ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
    timeInForce: ["GTC", "IOC", "FOK", "GTX", "GTD"],
  };
}

/** From the tape's tick and lot. */
function filtersOf({ tick, lot }: ListedSymbol, market: Market) {
  const size = { minQty: lot, maxQty: mostQuantity, stepSize: lot };
  const common = [
    { filterType: "PRICE_FILTER", minPrice: tick, maxPrice: "1000000000", tickSize: tick },
    { filterType: "LOT_SIZE", ...size },
    { filterType: "MARKET_LOT_SIZE", ...size },
  ];
  if (market === "usdm") {
    return [
      ...common,
      { filterType: "MAX_NUM_ORDERS", limit: mostOrders },
      { filterType: "MAX_NUM_ALGO_ORDERS", limit: mostOrders },
      { filterType: "MIN_NOTIONAL", notional: minNotional },
      { filterType: "PERCENT_PRICE", multiplierUp: "5", multiplierDown: "0.2", multiplierDecimal: "4" },
    ];
  }
  return [
    ...common,
    // Clients written before 2023 read this one, newer ones the other.
    { filterType: "MIN_NOTIONAL", minNotional, applyToMarket: true, avgPriceMins: 5 },
    {
      filterType: "NOTIONAL",
      minNotional,
      applyMinToMarket: true,
      maxNotional: "9000000000",
      applyMaxToMarket: false,
      avgPriceMins: 5,
    },
    { filterType: "MAX_NUM_ORDERS", maxNumOrders: mostOrders },
    { filterType: "MAX_NUM_ALGO_ORDERS", maxNumAlgoOrders: mostOrders },
  ];
}
