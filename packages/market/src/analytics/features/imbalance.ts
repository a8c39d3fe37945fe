import type { BookLevel } from "../../book/order-book.js";

/** Levels with a flow imbalance each. */
const flowLevels = 5;
/** Decay time of the flow in seconds. */
const tau = 1;

interface Book {
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

/**
 * Order flow imbalance. Per level m, from one frame to the next,
 *   e = [P_b >= P_b'] q_b - [P_b <= P_b'] q_b' - [P_a <= P_a'] q_a + [P_a >= P_a'] q_a'
 * (primes: the frame before), the size added to the bid minus the size added to the ask: Cont, Kukanov and Stoikov (2014), "The
 * price impact of order book events", eq. 4; per level as in Xu, Gould and Howison (2019), "Multi-level order-flow imbalance
 * in a limit order book". Scaled to -1..1 by the total turnover: sum e / sum (|bid's part| + |ask's part|), both
 * decaying by e^(-age / 1 s). 0 without flow. A missing level counts as size 0, infinitely far out.
 */
export class OrderFlowImbalance {
  /** -1 to 1, of levels 1 to 5. The first is the imbalance of the best prices. */
  readonly levels: number[] = new Array<number>(flowLevels).fill(0);
  readonly #flow = new Float64Array(flowLevels);
  readonly #turnover = new Float64Array(flowLevels);

  setTo(other: OrderFlowImbalance): void {
    this.#flow.set(other.#flow);
    this.#turnover.set(other.#turnover);
    for (let level = 0; level < flowLevels; level++) this.levels[level] = other.levels[level] ?? 0;
  }

  update(seconds: number, before: Book, now: Book): void {
    const kept = Math.exp(-seconds / tau);
    for (let level = 0; level < flowLevels; level++) {
      const bid = flow(before.bids[level], now.bids[level], 1);
      const ask = flow(before.asks[level], now.asks[level], -1);
      const sum = decayed(this.#flow, level, kept, bid - ask);
      const turnover = decayed(this.#turnover, level, kept, Math.abs(bid) + Math.abs(ask));
      this.levels[level] = turnover > 0 ? sum / turnover : 0;
    }
  }

  /** Resets the flow, after a gap. */
  clear(): void {
    this.#flow.fill(0);
    this.#turnover.fill(0);
    this.levels.fill(0);
  }
}

/** Size added (> 0) or removed (< 0) at a level; `inward`: +1 if a higher price is better. */
function flow(before: BookLevel | undefined, now: BookLevel | undefined, inward: 1 | -1): number {
  const worst = -inward * Number.POSITIVE_INFINITY;
  const priceBefore = before?.[0] ?? worst;
  const price = now?.[0] ?? worst;
  const sizeBefore = before?.[1] ?? 0;
  const size = now?.[1] ?? 0;
  if (price === priceBefore) return size - sizeBefore;
  return inward * (price - priceBefore) > 0 ? size : -sizeBefore;
}

/** Decays a sum and adds to it; non-finite results are dropped, since they would corrupt the sum permanently. */
function decayed(sums: Float64Array, level: number, kept: number, amount: number): number {
  const before = sums[level] ?? 0;
  const sum = before * kept + amount;
  if (!Number.isFinite(sum)) return before;
  sums[level] = sum;
  return sum;
}

/** e^(-0.5 i) for each level i. */
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
 * The probability, in percent, that the next move is up, from the position of the microprice between bid and ask:
 * 50 + 100 (microprice - mid) / spread. 50 with an empty side. With the size-weighted microprice (Stoikov 2018, "The
 * micro-price", its first approximation) this is 100 q_bid / (q_bid + q_ask).
 */
export function directionalProbability(microprice: number, mid: number, spread: number): number {
  return spread > 0 ? 50 + (100 * (microprice - mid)) / spread : 50;
}
