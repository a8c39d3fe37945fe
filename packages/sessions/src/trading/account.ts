import type { Account, MarkedAccount, TradeEvent } from "@tapedeck/protocol";
import type { ForkedTape } from "@tapedeck/tape";

export const emptyAccount: Account = { position: 0, average_price: null, realized_pnl: 0 };

/**
 * Applies a fill to an account, at average cost: a fill that opens or increases a position moves its average price, one that
 * closes part of it realises the difference to that price. One that reverses the position closes it and opens the opposite one
 * with the rest. Pure.
 */
export function applyFill(
  { position, average_price, realized_pnl }: Account,
  { order, fill }: Pick<ForkedTape, "order" | "fill">,
): { readonly account: Account; readonly event: TradeEvent } {
  const { price, size, timestamp, mid } = fill;
  const signed = order.side === "BUY" ? size : -size;
  const entry = average_price ?? price;
  const after = roundAmount(position + signed);
  const closed = position * signed < 0 ? Math.min(Math.abs(position), size) : 0;
  const pnl = roundAmount(closed * (price - entry) * Math.sign(position));
  const reversed = position * after < 0;
  const mean = closed === 0 ? (entry * Math.abs(position) + price * size) / (Math.abs(position) + size) : entry;
  const account = {
    position: after,
    average_price: after === 0 ? null : roundAmount(reversed ? price : mean),
    realized_pnl: roundAmount(realized_pnl + pnl),
  };
  return {
    account,
    event: {
      id: order.id,
      timestamp,
      side: order.side,
      price,
      size,
      type: closed > 0 ? "EXIT" : "ENTRY",
      pnl,
      account: markToMarket(account, mid),
    },
  };
}

/** Values an account at a mid price; undefined if that is not known. An account without position needs none. Pure. */
export function markToMarket(account: Account, mid: number | undefined): MarkedAccount {
  const { position, average_price, realized_pnl } = account;
  if (average_price === null) return { ...account, unrealized_pnl: 0, total_pnl: realized_pnl };
  if (mid === undefined) return { ...account, unrealized_pnl: null, total_pnl: null };
  const unrealized_pnl = roundAmount(position * (mid - average_price));
  return { ...account, unrealized_pnl, total_pnl: roundAmount(realized_pnl + unrealized_pnl) };
}

/** Removes floating-point noise: 8 decimals, and no negative zero. */
export function roundAmount(value: number): number {
  return Number(value.toFixed(8)) + 0;
}
