import { isConditional } from "@tapedeck/matching";
import { sum, withDecimals } from "../account/decimals.js";
import { isOpen, type OwnOrder, type OwnTrade, type SpotBalances, type Symbols, shownStatus } from "../account/own.js";
import { typeName } from "../orders/order-request.js";

/** Binance writes spot's prices and amounts with so many decimals. */
const text = (decimal: string | undefined) => withDecimals(decimal ?? "0", 8);

const side = (order: Pick<OwnOrder, "side">) => (order.side === "buy" ? "BUY" : "SELL");
/** Post-only orders have a type of their own, and stay until canceled. */
const timeInForce = (order: OwnOrder) =>
  order.timeInForce === undefined || order.timeInForce === "GTX" ? "GTC" : order.timeInForce;

const listId = ({ list }: Pick<OwnOrder, "list">) => list?.listId ?? -1;
/** Of one that is open and waits for the first order of its list, Binance's own. */
const status = (order: OwnOrder) => (isOpen(order) && order.list?.waits === true ? "PENDING_NEW" : shownStatus(order));
/** Out of the book: for a stop price, or for another order. */
const waits = (order: OwnOrder) => (isConditional(order) && !order.triggered) || order.list?.waits === true;
const workingTime = (order: OwnOrder) => (waits(order) ? -1 : order.createdMs);

/** The form of an answer to a new order. */
export type ResponseType = "ACK" | "RESULT" | "FULL";

function ack({ symbol }: Symbols, order: OwnOrder) {
  return {
    symbol,
    orderId: order.orderId,
    orderListId: listId(order),
    clientOrderId: order.clientOrderId,
    transactTime: order.updatedMs,
  };
}

function result(order: OwnOrder) {
  return {
    price: text(order.price),
    origQty: text(order.amount),
    executedQty: text(order.filled),
    origQuoteOrderQty: text(order.quoteAmount),
    cummulativeQuoteQty: text(order.quote),
    status: status(order),
    timeInForce: timeInForce(order),
    type: typeName("spot", order.type, order.timeInForce),
    side: side(order),
    ...(order.stopPrice !== undefined && { stopPrice: text(order.stopPrice) }),
    selfTradePreventionMode: "NONE",
    ...(order.status === "EXPIRED" && { expiryReason: expiryReason(order) }),
  };
}

/** The answer to a new order. */
export function newOrderAnswer(
  symbols: Symbols,
  order: OwnOrder,
  trades: readonly OwnTrade[],
  responseType: ResponseType,
) {
  if (responseType === "ACK") return ack(symbols, order);
  const body = { ...ack(symbols, order), ...result(order), workingTime: workingTime(order) };
  if (responseType === "RESULT") return body;
  const fills = trades.map((trade) => ({
    price: text(trade.price),
    qty: text(trade.amount),
    commission: text(trade.fee),
    commissionAsset: symbols.quoteAsset,
    tradeId: trade.tradeId,
  }));
  return { ...body, fills };
}

/** The answer to a cancel. @param cancelId names the cancel; the order's own id is `origClientOrderId` */
export function cancelAnswer(symbols: Symbols, order: OwnOrder, cancelId: string) {
  return {
    ...ack(symbols, order),
    origClientOrderId: order.clientOrderId,
    clientOrderId: cancelId,
    ...result(order),
    // The market stands still: the cancel is on its way.
    ...(isOpen(order) && { status: "PENDING_CANCEL" }),
  };
}

/** The answer to a change of an order's quantity. The change has no id of its own: it is numbered by its time. */
export function amendAnswer({ symbol }: Symbols, order: OwnOrder) {
  return {
    transactTime: order.updatedMs,
    executionId: order.updatedMs,
    amendedOrder: {
      symbol,
      orderId: order.orderId,
      orderListId: listId(order),
      origClientOrderId: order.clientOrderId,
      clientOrderId: order.clientOrderId,
      price: text(order.price),
      qty: text(order.amount),
      executedQty: text(order.filled),
      preventedQty: text(undefined),
      quoteOrderQty: text(undefined),
      cumulativeQuoteQty: text(order.quote),
      status: shownStatus(order),
      timeInForce: timeInForce(order),
      type: typeName("spot", order.type, order.timeInForce),
      side: side(order),
      workingTime: order.createdMs,
      selfTradePreventionMode: "NONE",
    },
  };
}

export function orderView({ symbol }: Symbols, order: OwnOrder) {
  return {
    symbol,
    orderId: order.orderId,
    orderListId: listId(order),
    clientOrderId: order.clientOrderId,
    ...result(order),
    stopPrice: text(order.stopPrice),
    icebergQty: text(undefined),
    time: order.createdMs,
    updateTime: order.updatedMs,
    isWorking: isOpen(order) && !waits(order),
    workingTime: workingTime(order),
  };
}

export function tradeView({ symbol, quoteAsset }: Symbols, trade: OwnTrade, quoteQty: string) {
  return {
    symbol,
    id: trade.tradeId,
    orderId: trade.orderId,
    orderListId: trade.listId ?? -1,
    price: text(trade.price),
    qty: text(trade.amount),
    quoteQty: text(quoteQty),
    commission: text(trade.fee),
    commissionAsset: quoteAsset,
    time: trade.timeMs,
    isBuyer: trade.side === "buy",
    isMaker: trade.maker,
    isBestMatch: true,
  };
}

function balances({ baseAsset, quoteAsset }: Symbols, account: SpotBalances) {
  return [
    { asset: baseAsset, total: account.base, locked: account.lockedBase },
    { asset: quoteAsset, total: account.quote, locked: account.lockedQuote },
  ].map(({ asset, total, locked }) => ({ asset, free: text(sum(total, `-${locked}`)), locked: text(locked) }));
}

/** @param fees rates as text, such as 0.001 */
export function accountView(
  symbols: Symbols,
  account: SpotBalances,
  fees: { readonly maker: string; readonly taker: string },
  updatedMs: number,
) {
  const points = (rate: string) => Math.round(Number(rate) * 10_000);
  return {
    makerCommission: points(fees.maker),
    takerCommission: points(fees.taker),
    buyerCommission: 0,
    sellerCommission: 0,
    commissionRates: { maker: text(fees.maker), taker: text(fees.taker), buyer: text("0"), seller: text("0") },
    canTrade: true,
    canWithdraw: false,
    canDeposit: false,
    brokered: false,
    requireSelfTradePrevention: false,
    preventSor: false,
    updateTime: updatedMs,
    accountType: "SPOT",
    balances: balances(symbols, account),
    permissions: ["SPOT"],
    uid: 1,
  };
}

export function accountPosition(symbols: Symbols, account: SpotBalances, eventMs: number) {
  return {
    e: "outboundAccountPosition",
    E: eventMs,
    u: eventMs,
    B: balances(symbols, account).map(({ asset, free, locked }) => ({ a: asset, f: free, l: locked })),
  };
}

/** What the user stream says of an order. */
export type Execution = "NEW" | "CANCELED" | "REPLACED" | "TRADE" | "EXPIRED";

export function executionReport(
  { symbol, quoteAsset }: Symbols,
  {
    order,
    execution,
    trade,
    number,
    eventMs,
  }: {
    readonly order: OwnOrder;
    readonly execution: Execution;
    readonly trade?: { readonly own: OwnTrade; readonly quote: string } | undefined;
    /** Of this report; no two of an account have the same. */
    readonly number: number;
    readonly eventMs: number;
  },
) {
  return {
    e: "executionReport",
    E: eventMs,
    s: symbol,
    c: order.clientOrderId,
    S: side(order),
    o: typeName("spot", order.type, order.timeInForce),
    f: timeInForce(order),
    q: text(order.amount),
    p: text(order.price),
    P: text(order.stopPrice),
    F: text(undefined),
    g: listId(order),
    C: "",
    x: execution,
    X: status(order),
    r: "NONE",
    i: order.orderId,
    l: text(trade?.own.amount),
    z: text(order.filled),
    L: text(trade?.own.price),
    n: trade === undefined ? "0" : text(trade.own.fee),
    N: trade === undefined ? null : quoteAsset,
    T: trade?.own.timeMs ?? order.updatedMs,
    t: trade?.own.tradeId ?? -1,
    I: number,
    w: isOpen(order) && order.list?.waits !== true,
    m: trade?.own.maker ?? false,
    M: false,
    O: order.createdMs,
    Z: text(order.quote),
    Y: text(trade?.quote),
    Q: text(order.quoteAmount),
    W: workingTime(order),
    V: "NONE",
    ...(execution === "EXPIRED" && { eR: expiryReason(order) }),
  };
}

function expiryReason({ reason, timeInForce: force }: OwnOrder): string {
  if (reason === "other-order") return "OCO_TRIGGER";
  if (reason === "first-order") return "OTO_PHASE_ONE_EXPIRED";
  if (reason === "insufficient-funds" || reason === "would-trigger" || reason === "would-take") return "REJECTED";
  if (reason === "not-filled-at-once")
    return force === "FOK" ? "UNFILLED_FOK_ORDER_EXPIRED" : "UNFILLED_IOC_QUANTITY_EXPIRED";
  return "INSUFFICIENT_LIQUIDITY";
}
