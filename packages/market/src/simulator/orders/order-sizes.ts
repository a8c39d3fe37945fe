import type { FlowParameters } from "../instrument.js";
import type { RandomStream } from "../random/random-stream.js";

/** Beyond this a single order would be larger than all that a market of this kind holds. */
const mostTimes = 2_000;

export function orderLots(random: RandomStream, flow: FlowParameters): number {
  const block = random.chance(1 / flow.blockEvery) ? flow.blockTimes : 1;
  return bounded(random.logNormal(flow.orderLots * block, flow.orderSigma), flow.orderLots);
}

export function takeLots(random: RandomStream, flow: FlowParameters): number {
  return bounded(random.logNormal(flow.takeLots, flow.takeSigma), flow.takeLots);
}

function bounded(lots: number, median: number): number {
  return Math.max(1, Math.min(median * mostTimes, Math.floor(lots)));
}
