import { compared, isZero, product, quotient, sum, trimmed, withDecimals } from "../account/decimals.js";
import { type FuturesBalances, type OwnOrder, type OwnTrade, type Symbols, shownStatus } from "../account/own.js";
import { typeName } from "../orders/order-request.js";

const text = (decimal: string | undefined) => trimmed(decimal ?? "0");
const money = (decimal: string) => withDecimals(decimal, 8);
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
    reduceOnly: false,
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
    reduceOnly: false,
    createTime: order.createdMs,
    updateTime: order.updatedMs,
    triggerTime: 0,
    goodTillDate: order.goodTillMs ?? 0,
  };
}

function totals(account: FuturesBalances) {
  const margin = sum(account.wallet, account.unrealizedPnl);
  const initial = sum(account.positionMargin, account.orderMargin);
  const available = sum(margin, `-${initial}`);
  return { margin, initial, available: compared(available, "0") < 0 ? "0" : available };
}

function assetView({ quoteAsset }: Symbols, account: FuturesBalances, updatedMs: number) {
  const { margin, initial, available } = totals(account);
  return {
    asset: quoteAsset,
    walletBalance: money(account.wallet),
    unrealizedProfit: money(account.unrealizedPnl),
    marginBalance: money(margin),
    maintMargin: money(account.maintenanceMargin),
    initialMargin: money(initial),
    positionInitialMargin: money(account.positionMargin),
    openOrderInitialMargin: money(account.orderMargin),
    crossWalletBalance: money(account.wallet),
    crossUnPnl: money(account.unrealizedPnl),
    availableBalance: money(available),
    maxWithdrawAmount: money(available),
    marginAvailable: true,
    updateTime: updatedMs,
  };
}

function positionInAccount({ symbol }: Symbols, account: FuturesBalances, updatedMs: number) {
  return {
    symbol,
    initialMargin: money(sum(account.positionMargin, account.orderMargin)),
    maintMargin: money(account.maintenanceMargin),
    unrealizedProfit: money(account.unrealizedPnl),
    positionInitialMargin: money(account.positionMargin),
    openOrderInitialMargin: money(account.orderMargin),
    leverage: `${account.leverage}`,
    isolated: false,
    entryPrice: text(account.entryPrice),
    breakEvenPrice: text(account.entryPrice),
    maxNotional: "1000000000",
    positionSide: "BOTH",
    positionAmt: text(account.position),
    notional: text(notional(account)),
    isolatedWallet: "0",
    isolatedMargin: "0",
    bidNotional: "0",
    askNotional: "0",
    updateTime: updatedMs,
  };
}

/** `/fapi/v2/account` has the positions of all symbols, `/fapi/v3/account` only those that are open. */
export function accountView(symbols: Symbols, account: FuturesBalances, updatedMs: number, version: 2 | 3) {
  const { margin, initial, available } = totals(account);
  const hasPosition = !isZero(account.position);
  return {
    feeTier: 0,
    feeBurn: false,
    canTrade: true,
    canDeposit: false,
    canWithdraw: false,
    updateTime: 0,
    multiAssetsMargin: false,
    tradeGroupId: -1,
    totalInitialMargin: money(initial),
    totalMaintMargin: money(account.maintenanceMargin),
    totalWalletBalance: money(account.wallet),
    totalUnrealizedProfit: money(account.unrealizedPnl),
    totalMarginBalance: money(margin),
    totalPositionInitialMargin: money(account.positionMargin),
    totalOpenOrderInitialMargin: money(account.orderMargin),
    totalCrossWalletBalance: money(account.wallet),
    totalCrossUnPnl: money(account.unrealizedPnl),
    availableBalance: money(available),
    maxWithdrawAmount: money(available),
    assets: [assetView(symbols, account, updatedMs)],
    positions: version === 2 || hasPosition ? [positionInAccount(symbols, account, updatedMs)] : [],
  };
}

export function balanceView({ quoteAsset }: Symbols, account: FuturesBalances, updatedMs: number) {
  const { available } = totals(account);
  return {
    accountAlias: "Tapedeck",
    asset: quoteAsset,
    balance: money(account.wallet),
    crossWalletBalance: money(account.wallet),
    crossUnPnl: money(account.unrealizedPnl),
    availableBalance: money(available),
    maxWithdrawAmount: money(available),
    marginAvailable: true,
    updateTime: updatedMs,
  };
}

/** `/fapi/v2/positionRisk` names every symbol, `/fapi/v3/positionRisk` only open positions. */
export function positionRiskView(
  { symbol, quoteAsset }: Symbols,
  account: FuturesBalances,
  updatedMs: number,
  version: 2 | 3,
) {
  const common = {
    symbol,
    positionAmt: text(account.position),
    entryPrice: text(account.entryPrice),
    breakEvenPrice: text(account.entryPrice),
    markPrice: text(account.markPrice),
    unRealizedProfit: money(account.unrealizedPnl),
    liquidationPrice: text(account.liquidationPrice),
    isolatedMargin: "0.00000000",
    notional: text(notional(account)),
    positionSide: "BOTH",
    isolatedWallet: "0",
    updateTime: updatedMs,
  };
  if (version === 2) {
    const leverage = `${account.leverage}`;
    return {
      ...common,
      ...{ leverage, maxNotionalValue: "1000000000", marginType: "cross", isAutoAddMargin: "false", isolated: false },
      adlQuantile: 0,
    };
  }
  return {
    ...common,
    marginAsset: quoteAsset,
    initialMargin: money(sum(account.positionMargin, account.orderMargin)),
    maintMargin: money(account.maintenanceMargin),
    positionInitialMargin: money(account.positionMargin),
    openOrderInitialMargin: money(account.orderMargin),
    adl: 0,
    bidNotional: "0",
    askNotional: "0",
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
    readonly trade?: { readonly own: OwnTrade } | undefined;
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
      l: text(trade?.own.amount),
      z: text(order.filled),
      L: text(trade?.own.price),
      n: text(trade?.own.fee),
      N: quoteAsset,
      T: trade?.own.timeMs ?? order.updatedMs,
      t: trade?.own.tradeId ?? 0,
      b: "0",
      a: "0",
      m: trade?.own.maker ?? false,
      R: false,
      wt: "CONTRACT_PRICE",
      ot: type,
      ps: "BOTH",
      cp: order.closePosition,
      rp: text(trade?.own.realizedPnl),
      pP: false,
      si: 0,
      ss: 0,
      V: "NONE",
      pm: "NONE",
      gtd: order.goodTillMs ?? 0,
    },
  };
}

export function accountUpdate(
  { symbol, quoteAsset }: Symbols,
  account: FuturesBalances,
  reason: "ORDER" | "FUNDING_FEE" | "ADJUSTMENT",
  eventMs: number,
) {
  return {
    e: "ACCOUNT_UPDATE",
    E: eventMs,
    T: eventMs,
    a: {
      m: reason,
      B: [{ a: quoteAsset, wb: money(account.wallet), cw: money(account.wallet), bc: "0" }],
      P: [
        {
          s: symbol,
          pa: text(account.position),
          ep: text(account.entryPrice),
          bep: text(account.entryPrice),
          cr: "0",
          up: money(account.unrealizedPnl),
          mt: "cross",
          iw: "0",
          ps: "BOTH",
        },
      ],
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
      R: false,
      tt: 0,
      gtd: order.goodTillMs ?? 0,
      rm: "",
    },
  };
}

function notional({ position, markPrice, entryPrice }: FuturesBalances): string {
  return product(position, isZero(markPrice) ? entryPrice : markPrice);
}
