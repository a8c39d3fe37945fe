import { RecentIds } from "@tapedeck/market";
import type { VenueTrade } from "../venues/venue.js";

/** What the trade's id says about the trades before it. */
type TradeContinuity = "continuous" | "duplicate" | "trades missing";

/**
 * Decides where the recording has a gap: a stretch for which the venue's data is missing. There are two kinds: the book was lost
 * for a while, or trade ids are missing. `FrameAssembler` marks the gap on its next frame.
 */
export class GapDetector {
  /** Why the book is lost, until it is complete again. */
  #outage: { readonly reason: string; readonly silent: boolean } | undefined;
  readonly #tradeIds = new RecentIds<number | string>();
  #lastTradeId: number | undefined;

  /** @param silent the venue sent nothing: it may have been quiet, so that nothing is missing */
  bookLost(reason: string, silent: boolean): void {
    this.#outage = { reason, silent };
  }

  /**
   * The book is complete again.
   *
   * @param unchanged whether the book is as it was before the outage
   * @returns the reason of the gap; `quiet` if the venue was silent and nothing had happened; undefined for the first book
   */
  bookRestored(unchanged: () => boolean): { readonly gap: string } | "quiet" | undefined {
    const outage = this.#outage;
    this.#outage = undefined;
    if (outage === undefined) return undefined;
    return outage.silent && unchanged() ? "quiet" : { gap: outage.reason };
  }

  /** Trades missed between two connections lie in the gap of the lost book, which is marked already. */
  restartTradeIds(): void {
    this.#lastTradeId = undefined;
  }

  checkTrade({ id, consecutive }: Pick<VenueTrade, "id" | "consecutive">): TradeContinuity {
    if (id === undefined) return "continuous";
    if (this.#tradeIds.has(id)) return "duplicate";
    this.#tradeIds.add(id);
    if (!consecutive || typeof id !== "number") return "continuous";
    let expected = (this.#lastTradeId ?? id - 1) + 1;
    while (expected < id && this.#tradeIds.has(expected)) expected++;
    this.#lastTradeId = Math.max(id, this.#lastTradeId ?? id);
    return id > expected ? "trades missing" : "continuous";
  }
}
