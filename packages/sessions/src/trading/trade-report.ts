import { isoOfMs, type ReportedOrder, type TradeReport } from "@tapedeck/protocol";
import { parseSimulatedName } from "@tapedeck/tape";
import { roundAmount } from "./account.js";
import type { StoredOrder } from "./orders.js";

/**
 * The orders of a session as its report lists them, with totals. What trading actions took is theirs, and in the answers about these. Pure.
 */
export function summarizeOrders(all: readonly StoredOrder[]): Pick<TradeReport, "orders" | "totals"> {
  const orders = all.filter(({ sent }) => sent === undefined);
  let pnl = 0;
  const listed = orders.map((order) => {
    pnl = roundAmount(pnl + (order.fill?.pnl ?? 0));
    return listedOrder(order, pnl);
  });
  const exits = orders.flatMap(({ fill }) => (fill?.type === "EXIT" ? [fill.pnl] : []));
  const [buys, sells] = [orders.filter(({ side }) => side === "BUY"), orders.filter(({ side }) => side === "SELL")];
  return {
    orders: listed,
    totals: {
      orders: orders.length,
      fills: orders.filter(({ filled }) => filled > 0).length,
      buys: buys.length,
      sells: sells.length,
      bought: sumOf(buys, ({ filled }) => filled),
      sold: sumOf(sells, ({ filled }) => filled),
      unfilled: sumOf(orders, ({ quantity, filled }) => quantity - filled),
      exits: exits.length,
      winning_exits: exits.filter((won) => won > 0).length,
      losing_exits: exits.filter((won) => won < 0).length,
      realized_pnl: pnl,
      best_exit: exits.length === 0 ? null : Math.max(...exits),
      worst_exit: exits.length === 0 ? null : Math.min(...exits),
    },
  };
}

function listedOrder({ id, seq, side, quantity, filled, tape, placed, fill }: StoredOrder, pnl: number): ReportedOrder {
  const market = tape === undefined ? undefined : parseSimulatedName(tape);
  return {
    id,
    placed_at: placed === undefined ? null : isoOfMs(placed),
    symbol: market?.symbol ?? null,
    seed: market?.seed ?? null,
    scenario: market?.scenario ?? null,
    seq,
    side,
    quantity,
    filled,
    fill: fill ?? null,
    pnl_so_far: pnl,
  };
}

function sumOf(orders: readonly StoredOrder[], of: (order: StoredOrder) => number): number {
  return roundAmount(orders.reduce((sum, order) => sum + of(order), 0));
}
