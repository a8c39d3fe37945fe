import type { WorkingOrder } from "../orders/working-order.js";
import type { MatchingSettings } from "../settings.js";
import { otherSide } from "../tape-events.js";
import { isBeyond, type TapeBook } from "./tape-book.js";

/** A trade of an order with the book. */
export interface Take {
  readonly price: number;
  readonly amount: number;
}

/**
 * What an order that arrives now would take from the book, best price first; it changes nothing. With `partial` fills, what is there up to its
 * price; with `whole` ones everything at the best price, if it reaches that.
 */
export function takesOf(
  book: TapeBook,
  { side, price, open }: Pick<WorkingOrder, "side" | "price" | "open">,
  fills: MatchingSettings["fills"],
): Take[] {
  const from = otherSide(side);
  if (fills === "whole") {
    const best = book.best(from);
    if (best === undefined || (price !== undefined && isBeyond(from, best, price))) return [];
    return [{ price: best, amount: open }];
  }
  const takes: Take[] = [];
  let left = open;
  for (const [level, available] of book.available(from, price)) {
    const amount = Math.min(left, available);
    takes.push({ price: level, amount });
    left -= amount;
    if (left === 0) break;
  }
  return takes;
}
