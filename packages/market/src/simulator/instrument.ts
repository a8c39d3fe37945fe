import { exp } from "./random/exact-math.js";

/** An instrument's ordinary days, in ticks, lots, milliseconds and events per second. */
export interface Instrument {
  readonly symbol: string;
  readonly startPrice: number;
  /** Decimals of a price; the tick is 1 in the last. */
  readonly priceDecimals: number;
  /** Decimals of a size; the lot is 1 in the last. */
  readonly sizeDecimals: number;
  /** Standard deviation of the price's move in a second, as a share of the price. */
  readonly volatility: number;
  readonly flow: FlowParameters;
}

/** Calibrated to BTCUSDT perpetual futures on Binance, 2023-04-04 (docs/simulator.md has the comparison). */
export interface FlowParameters {
  /** New orders a second and side at the best price, and their mean life. */
  readonly bestRate: number;
  readonly bestLifeMs: number;
  /** Share of the orders at the best price that trades have left there, on average. */
  readonly bestLeft: number;
  /** New orders a second and side on the levels behind it, spread over `depth` levels, and their mean life. */
  readonly deepRate: number;
  readonly deepLifeMs: number;
  readonly depth: number;
  /** Log-normal sizes of orders, in lots; one in so many is a block, that many times larger. */
  readonly orderLots: number;
  readonly orderSigma: number;
  readonly blockEvery: number;
  readonly blockTimes: number;
  /** Market orders a second and side that follow from no other one, and the mean number that each is followed by. */
  readonly takeRate: number;
  readonly takeSelf: number;
  readonly takeCross: number;
  /** How soon: mean of the exponential kernel. */
  readonly takeMemoryMs: number;
  /** New orders at the best prices that a market order is followed by, on each side. */
  readonly refill: number;
  readonly takeLots: number;
  readonly takeSigma: number;
  /** Mean delay until an order follows the best price, or leaves a price that is no longer good. */
  readonly followMs: number;
  /** Share of new orders that trade when their price is already taken; the others are not placed. */
  readonly aggressive: number;
  /** How far the fair price leaves the spread before the best prices follow, in ticks. */
  readonly stickiness: number;
  /** Time between two messages with the book's changes. */
  readonly messageMs: readonly [least: number, most: number];
}

const flow: FlowParameters = {
  bestRate: 13,
  bestLifeMs: 3_000,
  bestLeft: 0.75,
  deepRate: 7,
  deepLifeMs: 8_000,
  depth: 28,
  orderLots: 26,
  orderSigma: 1.8,
  blockEvery: 40,
  blockTimes: 12,
  takeRate: 1.5,
  takeSelf: 0.6,
  takeCross: 0.1,
  takeMemoryMs: 200,
  refill: 0.5,
  takeLots: 14,
  takeSigma: 2,
  followMs: 150,
  aggressive: 0.3,
  stickiness: 6,
  messageMs: [20, 45],
};

const known: Readonly<Record<string, Omit<Instrument, "symbol" | "flow">>> = {
  BTCUSDT: { startPrice: 28_150, priceDecimals: 1, sizeDecimals: 3, volatility: 0.000_045 },
  ETHUSDT: { startPrice: 1_870, priceDecimals: 2, sizeDecimals: 3, volatility: 0.000_05 },
};

/** An instrument that nobody described. Its ticks are as small against its moves as those of the ones above. */
const other = { startPrice: 100, priceDecimals: 3, sizeDecimals: 1, volatility: 0.000_1 };

export function instrumentOf(symbol: string): Instrument {
  return { symbol, ...(known[symbol.toUpperCase()] ?? other), flow };
}

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
