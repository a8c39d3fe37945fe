import { exp } from "./exact-math.js";
import type { Instrument } from "./instrument.js";

/** What is usual in a market when nothing is staged: the scale of what is. */
export interface Usual {
  /** At the best price of a side. */
  readonly bestLots: number;
  readonly tradeLots: number;
  readonly updatesPerSecond: number;
  /** Mean absolute move of the mid in a second. */
  readonly moveTicks: number;
}

export function usualOf({ flow, volatility, startPrice, priceDecimals }: Instrument): Usual {
  const blocks = 1 + (flow.blockTimes - 1) / flow.blockEvery;
  const orderLots = flow.orderLots * exp((flow.orderSigma * flow.orderSigma) / 2) * blocks;
  const [least, most] = flow.messageMs;
  return {
    bestLots: (orderLots * flow.bestRate * flow.bestLifeMs) / 1_000,
    tradeLots: flow.takeLots * exp((flow.takeSigma * flow.takeSigma) / 2),
    updatesPerSecond: 2_000 / (least + most),
    moveTicks: 0.8 * volatility * startPrice * Number(`1e${priceDecimals}`),
  };
}
