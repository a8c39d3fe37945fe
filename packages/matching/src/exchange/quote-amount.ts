import type { OrderSide } from "../orders/order-types.js";
import type { Instrument, MatchingSettings } from "../settings.js";
import { otherSide } from "../tape-events.js";
import type { TapeBook } from "./tape-book.js";

interface QuoteOrder {
  readonly side: OrderSide;
  /** What is spent, or received, without fees: in units of price times units of amount. */
  readonly quoteAmount: bigint;
}

/**
 * The amount of a market order of which its owner says what it shall cost: whole lots, level after level, for no more than that. What the book does not
 * offer is reckoned at its worst price, or at the last trade's where it offers nothing, so that an order which the book cannot fill has an open rest.
 *
 * @returns units; 0 if it is less than a lot, or if no price is known
 */
export function amountFor(
  { side, quoteAmount }: QuoteOrder,
  book: TapeBook,
  {
    lot,
    fills,
    lastPrice,
  }: Pick<Instrument, "lot"> & Pick<MatchingSettings, "fills"> & { readonly lastPrice: number | undefined },
): number {
  let left = quoteAmount;
  let amount = 0;
  let price = lastPrice;
  const lotsAt = (at: number) => Number(left / BigInt(at) / BigInt(lot)) * lot;
  for (const [level, available] of book.available(otherSide(side), undefined)) {
    price = level;
    const affordable = lotsAt(level);
    // With whole fills everything trades at the best price.
    if (fills === "whole" || affordable <= available) return amount + affordable;
    amount += available;
    left -= BigInt(available) * BigInt(level);
  }
  return price === undefined ? 0 : amount + lotsAt(price);
}
