import type { TradeSide } from "@tapedeck/protocol";

/**
 * Infers the taker's side if the venue does not send it: Lee and Ready (1991), "Inferring trade direction from intraday data". Above
 * the mid it is a buyer, below it a seller (quote rule); at the mid the direction of the last price change decides (tick rule);
 * unknown before the first change. The mid is the one just before the trade: quotes and trades come in order here, so the paper's
 * delay of five seconds is not needed.
 */
export class TradeClassifier {
  #last = Number.NaN;
  #lastMove: TradeSide = "unknown";

  /** Takes over what another one has seen. */
  setTo(other: TradeClassifier): void {
    this.#last = other.#last;
    this.#lastMove = other.#lastMove;
  }

  /** Must be called for every trade in order, including those of known side. */
  classify(side: TradeSide, price: number, mid: number): TradeSide {
    if (price > this.#last) this.#lastMove = "buy";
    else if (price < this.#last) this.#lastMove = "sell";
    this.#last = price;
    if (side !== "unknown") return side;
    if (price > mid) return "buy";
    return price < mid ? "sell" : this.#lastMove;
  }
}
