import type { BookLevel } from "../order-book.js";
import { FadingSum } from "./own-scale.js";

/** Levels whose flow is told apart. */
export const flowLevels = 5;
/** Seconds after which an event's flow counts 1/e. */
const tau = 1;

/**
 * Order flow imbalance. Per level m, from one frame to the next,
 *   e = [P_b >= P_b'] q_b - [P_b <= P_b'] q_b' - [P_a <= P_a'] q_a + [P_a >= P_a'] q_a'
 * (primes: the frame before), which is what came to the bid less what came to the ask: Cont, Kukanov and Stoikov (2014), "The
 * price impact of order book events", eq. 4; per level as in Xu, Gould and Howison (2019), "Multi-level order-flow imbalance
 * in a limit order book". Scaled to -1..1 by what came and went altogether: sum e / sum (|bid's part| + |ask's part|), both
 * fading by e^(-age / 1 s). 0 without flow. A level that is not there counts as size 0, infinitely far out.
 */
export class OrderFlowImbalance {
  /** -1 to 1, of levels 1 to 5. The first is the imbalance of the best prices. */
  readonly levels: number[] = new Array<number>(flowLevels).fill(0);
  readonly #flow = fading();
  readonly #turnover = fading();

  note(
    seconds: number,
    before: { readonly bids: readonly BookLevel[]; readonly asks: readonly BookLevel[] },
    now: { readonly bids: readonly BookLevel[]; readonly asks: readonly BookLevel[] },
  ): void {
    for (let level = 0; level < flowLevels; level++) {
      const bid = flow(before.bids[level], now.bids[level], 1);
      const ask = flow(before.asks[level], now.asks[level], -1);
      const sum = this.#flow[level];
      const turnover = this.#turnover[level];
      if (sum === undefined || turnover === undefined) continue;
      sum.note(seconds, bid - ask);
      turnover.note(seconds, Math.abs(bid) + Math.abs(ask));
      this.levels[level] = turnover.value > 0 ? sum.value / turnover.value : 0;
    }
  }

  /** What came before says nothing of what comes next. */
  clear(): void {
    for (const sum of [...this.#flow, ...this.#turnover]) sum.clear();
    this.levels.fill(0);
  }
}

/** What came (> 0) or went (< 0) at a level; `inward`: +1 where a higher price is a better one. */
function flow(before: BookLevel | undefined, now: BookLevel | undefined, inward: 1 | -1): number {
  const worst = -inward * Number.POSITIVE_INFINITY;
  const [priceBefore, sizeBefore] = before ?? [worst, 0];
  const [price, size] = now ?? [worst, 0];
  if (price === priceBefore) return size - sizeBefore;
  return inward * (price - priceBefore) > 0 ? size : -sizeBefore;
}

function fading(): FadingSum[] {
  return Array.from({ length: flowLevels }, () => new FadingSum(tau));
}
