import type { BookLevel } from "../../book/order-book.js";

/** e^(-0.5 i) for the levels that count. */
const weights = [0, 1, 2, 3, 4].map((level) => Math.exp(-0.5 * level));

/**
 * Order book imbalance over five levels: sum w_i (b_i - a_i) / sum w_i (b_i + a_i), where b_i and a_i are the sizes of level i
 * on either side and w_i = e^(-0.5 i). -1 (asks alone) to 1 (bids alone), 0 for an empty book. With one level this is the volume
 * imbalance of Cartea, Jaimungal and Penalva (2015), "Algorithmic and High-Frequency Trading".
 */
export function bookImbalance(bids: readonly BookLevel[], asks: readonly BookLevel[]): number {
  let difference = 0;
  let sum = 0;
  for (let level = 0; level < weights.length; level++) {
    const weight = weights[level] ?? 0;
    const bid = bids[level]?.[1] ?? 0;
    const ask = asks[level]?.[1] ?? 0;
    difference += weight * (bid - ask);
    sum += weight * (bid + ask);
  }
  return sum > 0 ? difference / sum : 0;
}

/**
 * The chance that the next move is up as the best sizes tell it, in percent: where the microprice lies between bid and ask,
 * 50 + 100 (microprice - mid) / spread. 50 with an empty side. With the size-weighted microprice (Stoikov 2018, "The
 * micro-price", its first approximation) this is 100 q_bid / (q_bid + q_ask).
 */
export function directionalProbability(microprice: number, mid: number, spread: number): number {
  return spread > 0 ? 50 + (100 * (microprice - mid)) / spread : 50;
}
