import { quotient, trimmed } from "../account/decimals.js";
import { type OwnOrder, type OwnTrade, type Symbols, shownStatus } from "../account/own.js";
import { typeName } from "../orders/order-request.js";

/** Prices and quantities, as futures write them; 0 where there is none. */
export const text = (decimal: string | undefined) => trimmed(decimal ?? "0");
const side = (order: Pick<OwnOrder, "side">) => (order.side === "buy" ? "BUY" : "SELL");
const timeInForce = (order: OwnOrder) => (order.goodTillMs === undefined ? (order.timeInForce ?? "GTC") : "GTD");
/** Of all fills. */
const averagePrice = (order: OwnOrder) => text(quotient(order.quote, order.filled, 8));

export function orderView({ symbol }: Symbols, order: OwnOrder) {
  const type = typeName("usdm", order.type, order.timeInForce);
  return {
    orderId: order.orderId,
    symbol,
    status: shownStatus(order),
    clientOrderId: order.clientOrderId,
    price: text(order.price),
    avgPrice: averagePrice(order),
    origQty: text(order.amount),
    executedQty: text(order.filled),
    cumQty: text(order.filled),
    cumQuote: text(order.quote),
    timeInForce: timeInForce(order),
    type,
    reduceOnly: order.reduceOnly,
    closePosition: order.closePosition,
    side: side(order),
    positionSide: "BOTH",
    stopPrice: text(order.stopPrice),
    workingType: "CONTRACT_PRICE",
    priceProtect: false,
    origType: type,
    priceMatch: "NONE",
    selfTradePreventionMode: "NONE",
    goodTillDate: order.goodTillMs ?? 0,
    time: order.createdMs,
    updateTime: order.updatedMs,
  };
}

export function tradeView({ symbol, quoteAsset }: Symbols, trade: OwnTrade, quoteQty: string) {
  return {
    symbol,
    id: trade.tradeId,
    orderId: trade.orderId,
    side: side(trade),
    price: text(trade.price),
    qty: text(trade.amount),
    realizedPnl: text(trade.realizedPnl),
    quoteQty: text(quoteQty),
    commission: text(trade.fee),
    commissionAsset: quoteAsset,
    time: trade.timeMs,
    positionSide: "BOTH",
    buyer: trade.side === "buy",
    maker: trade.maker,
  };
}

/** A stop order as the algo endpoints have it. */
export function algoOrderView({ symbol }: Symbols, order: OwnOrder) {
  return {
    algoId: order.orderId,
    clientAlgoId: order.clientOrderId,
    algoType: "CONDITIONAL",
    orderType: typeName("usdm", order.type, order.timeInForce),
    symbol,
    side: side(order),
    positionSide: "BOTH",
    timeInForce: timeInForce(order),
    quantity: text(order.amount),
    algoStatus: shownStatus(order),
    triggerPrice: text(order.stopPrice),
    price: text(order.price),
    icebergQuantity: null,
    selfTradePreventionMode: "NONE",
    workingType: "CONTRACT_PRICE",
    priceMatch: "NONE",
    closePosition: order.closePosition,
    priceProtect: false,
    reduceOnly: order.reduceOnly,
    createTime: order.createdMs,
    updateTime: order.updatedMs,
    triggerTime: 0,
    goodTillDate: order.goodTillMs ?? 0,
  };
}

export type Execution = "NEW" | "CANCELED" | "TRADE" | "EXPIRED" | "AMENDMENT";

export function orderTradeUpdate(
  { symbol, quoteAsset }: Symbols,
  {
    order,
    execution,
    trade,
    eventMs,
  }: {
    readonly order: OwnOrder;
    readonly execution: Execution;
    /** Of an execution that is a trade. */
    readonly trade: OwnTrade | undefined;
    readonly eventMs: number;
  },
) {
  const type = typeName("usdm", order.type, order.timeInForce);
  return {
    e: "ORDER_TRADE_UPDATE",
    T: order.updatedMs,
    E: eventMs,
    o: {
      s: symbol,
      c: order.clientOrderId,
      S: side(order),
      o: type,
      f: timeInForce(order),
      q: text(order.amount),
      p: text(order.price),
      ap: averagePrice(order),
      sp: text(order.stopPrice),
      x: execution,
      X: shownStatus(order),
      i: order.orderId,
      l: text(trade?.amount),
      z: text(order.filled),
      L: text(trade?.price),
      n: text(trade?.fee),
      N: quoteAsset,
      T: trade?.timeMs ?? order.updatedMs,
      t: trade?.tradeId ?? 0,
      b: "0",
      a: "0",
      m: trade?.maker ?? false,
      R: order.reduceOnly,
      wt: "CONTRACT_PRICE",
      ot: type,
      ps: "BOTH",
      cp: order.closePosition,
      rp: text(trade?.realizedPnl),
      pP: false,
      si: 0,
      ss: 0,
      V: "NONE",
      pm: "NONE",
      gtd: order.goodTillMs ?? 0,
    },
  };
}

/** What the user stream says of a stop order until it becomes an ordinary one. */
export function algoUpdate(symbols: Symbols, order: OwnOrder, status: string, eventMs: number) {
  const view = algoOrderView(symbols, order);
  return {
    e: "ALGO_UPDATE",
    T: order.updatedMs,
    E: eventMs,
    o: {
      caid: view.clientAlgoId,
      aid: view.algoId,
      at: view.algoType,
      o: view.orderType,
      s: view.symbol,
      S: view.side,
      ps: view.positionSide,
      f: view.timeInForce,
      q: view.quantity,
      X: status,
      ai: status === "TRIGGERED" ? `${view.algoId}` : "",
      ap: "0",
      aq: "0",
      act: "0",
      tp: view.triggerPrice,
      p: view.price,
      V: "NONE",
      wt: view.workingType,
      pm: "NONE",
      cp: order.closePosition,
      pP: false,
      R: order.reduceOnly,
      tt: 0,
      gtd: order.goodTillMs ?? 0,
      rm: "",
    },
  };
}
