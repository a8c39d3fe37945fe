import type { Instrument } from "./instrument.js";
import { exp } from "./random/exact-math.js";

/** What is usual in a market when nothing is staged: the scale of what is. */
export interface Baseline {
  /** At the best price of a side. */
  readonly bestLots: number;
  readonly tradeLots: number;
  /** Units that market orders of both sides take. */
  readonly tradedPerSecond: number;
  readonly updatesPerSecond: number;
  /** Mean absolute move of the mid in a second. */
  readonly moveTicks: number;
}

export function baselineOf({ flow, volatility, startPrice, priceDecimals, sizeDecimals }: Instrument): Baseline {
  const blocks = 1 + (flow.blockTimes - 1) / flow.blockEvery;
  const orderLots = flow.orderLots * exp((flow.orderSigma * flow.orderSigma) / 2) * blocks;
  const [least, most] = flow.messageMs;
  const tradeLots = flow.takeLots * exp((flow.takeSigma * flow.takeSigma) / 2);
  const takesPerSecond = (2 * flow.takeRate) / (1 - flow.takeSelf - flow.takeCross);
  return {
    bestLots: (orderLots * flow.bestRate * flow.bestLifeMs) / 1_000,
    tradeLots,
    tradedPerSecond: (takesPerSecond * tradeLots) / Number(`1e${sizeDecimals}`),
    updatesPerSecond: 2_000 / (least + most),
    moveTicks: 0.8 * volatility * startPrice * Number(`1e${priceDecimals}`),
  };
}
