import type { Market } from "../http/target.js";
import type { LevelChanges, LevelText } from "./venue-book.js";

const spotDecimals = 8;

/**
 * How each market writes a price or a quantity: spot with at least eight decimals, futures with those of tick and lot. Clients rely on it: the
 * book of python-binance removes a level at `0.00000000`, and at no other zero.
 */
export const written: Readonly<Record<Market, (decimal: string) => string>> = {
  spot: (decimal) => {
    const point = decimal.indexOf(".");
    if (point < 0) return `${decimal}.${"0".repeat(spotDecimals)}`;
    return decimal + "0".repeat(Math.max(0, spotDecimals - (decimal.length - point - 1)));
  },
  usdm: (decimal) => decimal,
};

/** Levels as a market writes them. */
export function writtenLevels(market: Market, { bids, asks }: LevelChanges): LevelChanges {
  if (market === "usdm") return { bids, asks };
  const text = written[market];
  const side = (levels: readonly LevelText[]) =>
    levels.map(([price, quantity]): LevelText => [text(price), text(quantity)]);
  return { bids: side(bids), asks: side(asks) };
}
