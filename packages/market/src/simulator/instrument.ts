import { exp } from "./random/exact-math.js";

/** An instrument on ordinary days, in ticks, lots, milliseconds and events per second. */
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
  /** New orders per second and side at the best price, and their mean life. */
  readonly bestRate: number;
  readonly bestLifeMs: number;
  /** Average share of the orders at the best price that trades have not removed. */
  readonly bestLeft: number;
  /** New orders per second and side behind the best price, over `depth` levels, and their mean life. */
  readonly deepRate: number;
  readonly deepLifeMs: number;
  readonly depth: number;
  /** Log-normal order sizes in lots; one in `blockEvery` is `blockTimes` larger. */
  readonly orderLots: number;
  readonly orderSigma: number;
  readonly blockEvery: number;
  readonly blockTimes: number;
  /** Spontaneous market orders per second and side, and the mean number that each one triggers on its own and the other side. */
  readonly takeRate: number;
  readonly takeSelf: number;
  readonly takeCross: number;
  /** Mean of the exponential kernel: how soon they follow. */
  readonly takeMemoryMs: number;
  /** New orders at the best price of each side that a market order triggers. */
  readonly refill: number;
  readonly takeLots: number;
  readonly takeSigma: number;
  /** Mean delay until an order follows the best price or leaves an outdated one. */
  readonly followMs: number;
  /** Share of new orders that trade if their price crosses the other side; the others wait next to it. */
  readonly aggressive: number;
  /** How far the fair price moves beyond the spread before the best prices follow, in ticks. */
  readonly stickiness: number;
  /** Time between two book messages. */
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

/** Any other instrument. Its tick is as small relative to its moves as those above. */
const other = { startPrice: 100, priceDecimals: 3, sizeDecimals: 1, volatility: 0.000_1 };

export function instrumentOf(symbol: string): Instrument {
  return { symbol, ...(known[symbol.toUpperCase()] ?? other), flow };
}

/** A market's averages without incidents, which scale the incidents. */
export interface Baseline {
  /** Mean size at the best price of a side. */
  readonly bestLots: number;
  readonly tradeLots: number;
  /** Units traded by market orders of both sides. */
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
