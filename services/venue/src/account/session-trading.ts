import { nsOfIso, type SessionAccount, type SessionFill, type SessionOrder } from "@tapedeck/protocol";
import { compared, isZero, negated, product, quotient, sum } from "./decimals.js";
import type { FuturesBalances, OwnList, OwnOrder, OwnTrade, SpotBalances } from "./own.js";

/** Tape time as the bot's wall time: nanoseconds since 1970 to milliseconds. */
export type TimeOf = (ns: bigint) => number;

/** @param quote what its fills cost together, without fees */
export function ownOrder(order: SessionOrder, quote: string, timeOf: TimeOf): OwnOrder {
  return {
    orderId: Number(order.order_id.replace(/\D/g, "")),
    clientOrderId: order.client_order_id ?? `tapedeck-${order.order_id}`,
    side: order.side,
    type: order.type,
    amount: order.amount,
    quoteAmount: order.quote_amount,
    closePosition: order.close_position === true,
    reduceOnly: order.reduce_only === true,
    price: order.price ?? undefined,
    stopPrice: order.stop_price ?? undefined,
    triggered: order.triggered === true,
    timeInForce: order.time_in_force ?? undefined,
    goodTillMs: order.expires_at === undefined ? undefined : timeOf(nsOfIso(order.expires_at) ?? 0n),
    list: order.list && ownList(order.list),
    status: order.status,
    // A refusal's reason has its code in front of the sentence.
    reason: order.reason?.split(":")[0],
    filled: order.filled,
    quote,
    createdMs: timeOf(nsOfIso(order.created_at) ?? 0n),
    updatedMs: timeOf(nsOfIso(order.updated_at) ?? 0n),
  };
}

/** What an order's list is to a bot. */
export function ownList({ list_id, client_list_id, contingency, waits }: NonNullable<SessionOrder["list"]>): OwnList {
  return { listId: Number(list_id), clientListId: client_list_id ?? `tapedeck-${list_id}`, contingency, waits };
}

/** @param listId of the list that its order is in */
export function ownTrade(fill: SessionFill, timeOf: TimeOf, listId?: number): OwnTrade {
  return {
    tradeId: Number(fill.fill_id),
    listId,
    orderId: Number(fill.order_id.replace(/\D/g, "")),
    clientOrderId: fill.client_order_id ?? `tapedeck-${fill.order_id}`,
    side: fill.side,
    price: fill.price,
    amount: fill.amount,
    fee: fill.fee,
    maker: fill.liquidity === "maker",
    realizedPnl: fill.realized_pnl ?? "0",
    timeMs: timeOf(nsOfIso(fill.timestamp) ?? 0n),
  };
}

/** What an order's fills cost together, without fees, by the order's id. */
export function quotesOf(fills: readonly SessionFill[]): Map<string, string> {
  const quotes = new Map<string, string>();
  for (const { order_id, price, amount } of fills)
    quotes.set(order_id, sum(quotes.get(order_id) ?? "0", product(price, amount)));
  return quotes;
}

export function spotBalances(account: Extract<SessionAccount, { kind: "spot" }>): SpotBalances {
  const { base, quote, locked_base: lockedBase, locked_quote: lockedQuote } = account;
  return { kind: "spot", base, quote, lockedBase, lockedQuote };
}

/** Decimals of a margin, which is a value divided by the leverage. */
const marginDecimals = 8;

/**
 * @param open the account's open orders, which bind margin as far as they would make the position larger
 * @param maintenanceRate of the position's value, as text
 */
export function futuresBalances(
  account: Extract<SessionAccount, { kind: "futures" }>,
  open: readonly SessionOrder[],
  maintenanceRate: string,
): FuturesBalances {
  const { wallet, position, leverage, entry_price, unrealized_pnl, liquidation_price, last_price, margin } = account;
  const markPrice = last_price ?? entry_price ?? "0";
  const bound = (side: "buy" | "sell") =>
    sum("0", ...open.filter((order) => order.side === side).map((order) => orderValue(order, markPrice)));
  const held = product(position, markPrice);
  // As the engine reckons: the larger of the two positions that open orders could make of this one.
  const [longest, shortest] = [sum(held, bound("buy")), sum(negated(held), bound("sell"))];
  const exposure = compared(longest, shortest) < 0 ? shortest : longest;
  const value = position.startsWith("-") ? negated(held) : held;
  const beyond = sum(exposure, negated(value));
  return {
    kind: "futures",
    wallet,
    position: isZero(position) ? "0" : position,
    entryPrice: entry_price ?? "0",
    unrealizedPnl: unrealized_pnl ?? "0",
    markPrice,
    leverage,
    liquidationPrice: liquidation_price ?? undefined,
    positionMargin: margin ?? "0",
    orderMargin: compared(beyond, "0") > 0 ? quotient(beyond, `${leverage}`, marginDecimals) : "0",
    maintenanceMargin: product(value, maintenanceRate),
  };
}

function orderValue({ price, stop_price, open }: SessionOrder, markPrice: string): string {
  return product(price ?? stop_price ?? markPrice, open);
}
