import type { TradeSide } from "@tapedeck/protocol";

/**
 * Who took, where the venue does not tell: Lee and Ready (1991), "Inferring trade direction from intraday data". Above the mid a
 * buyer, below it a seller (quote rule); at the mid by the last trade at another price, above it a buyer, below it a seller
 * (tick rule); unknown while there was none. The mid is the one that the trade met: quotes and trades here come in one order,
 * so the five seconds of delay in the paper are not needed.
 */
export class TradeClassifier {
  #last = Number.NaN;
  #lastMove: TradeSide = "unknown";

  /** Tell it every trade in order, those of known side too. */
  classify(side: TradeSide, price: number, mid: number): TradeSide {
    if (price > this.#last) this.#lastMove = "buy";
    else if (price < this.#last) this.#lastMove = "sell";
    this.#last = price;
    if (side !== "unknown") return side;
    if (price > mid) return "buy";
    return price < mid ? "sell" : this.#lastMove;
  }
}
