import type { Intervention, Market } from "../market.js";
import { scenarioParameters } from "../scenario-parameters.js";
import { segmentMs } from "../segments.js";
import type { Incident, Stage } from "./incident.js";

/** The price is pushed by one who buys or sells without pause, and falls back when that ends. */
export function momentumIgnition({ fromMs, severity, random, usual, lively }: Stage): Incident {
  const { timesMove, pushMs, timesTrades, reverts, revertMs } = scenarioParameters.momentum_ignition[severity];
  const direction = random.chance(0.5) ? 1 : -1;
  const move = direction * usual.moveTicks * lively * random.between(timesMove);
  const pushedMs = fromMs + random.wholeBetween(pushMs);
  const revertedMs = pushedMs + random.wholeBetween(revertMs);
  const stays = move * (1 - random.between(reverts));
  const times = random.between(timesTrades);
  const side = direction === 1 ? "takeBuy" : "takeSell";
  return {
    toMs: revertedMs,
    direction,
    interventions: boosted(side, times, fromMs, pushedMs),
    shiftAt: along([
      [fromMs, 0],
      [pushedMs, move],
      [revertedMs, stays],
      [segmentMs, 0],
    ]),
  };
}

/** A fall through a book that few dare to refill, and the way back. */
export function flashCrash({ fromMs, severity, random, fairTicks }: Stage): Incident {
  const { fall, fallMs, recovers, recoverMs, depth } = scenarioParameters.flash_crash[severity];
  const move = -fairTicks * random.between(fall);
  const fallenMs = fromMs + random.wholeBetween(fallMs);
  const recoveredMs = fallenMs + random.wholeBetween(recoverMs);
  const stays = move * (1 - random.between(recovers));
  return {
    toMs: recoveredMs,
    direction: -1,
    interventions: [
      ...boosted("orders", depth, fromMs, fallenMs),
      ...boosted("takeSell", 6, fromMs, fallenMs),
      ...boosted("takeBuy", 3, fallenMs, recoveredMs),
    ],
    shiftAt: along([
      [fromMs, 0],
      [fallenMs, move],
      [recoveredMs, stays],
      [segmentMs, 0],
    ]),
  };
}

/**
 * A jump that stays. The price path knows its border prices beforehand, so over the whole segment the price drifts the other
 * way by as much: less in a second than it moves by itself.
 */
export function news({ fromMs, severity, random, usual, lively }: Stage): Incident {
  const { timesMove, jumpMs, timesTrades, fadesMs } = scenarioParameters.news[severity];
  const direction = random.chance(0.5) ? 1 : -1;
  const move = direction * usual.moveTicks * lively * random.between(timesMove);
  const jumpedMs = fromMs + random.wholeBetween(jumpMs);
  const fadedMs = jumpedMs + random.wholeBetween(fadesMs);
  const times = random.between(timesTrades);
  const drift = (ms: number) => (-move * ms) / segmentMs;
  const jump = along([
    [fromMs, 0],
    [jumpedMs, move],
    [segmentMs, move],
  ]);
  const halfwayMs = Math.floor((jumpedMs + fadedMs) / 2);
  const livened = (times_: number, from: number, to: number) => [
    ...boosted("takeBuy", times_, from, to),
    ...boosted("takeSell", times_, from, to),
    ...boosted("orders", 1 + (times_ - 1) / 2, from, to),
  ];
  return {
    toMs: fadedMs,
    direction,
    interventions: [...livened(times, fromMs, halfwayMs), ...livened(Math.sqrt(times), halfwayMs, fadedMs)],
    shiftAt: (ms) => jump(ms) + drift(ms),
  };
}

function boosted(what: "takeBuy" | "takeSell" | "orders", times: number, fromMs: number, toMs: number): Intervention[] {
  const scale = (by: number) => (market: Market) => {
    market.boost[what] *= by;
  };
  return [
    { atMs: fromMs, act: scale(times) },
    { atMs: toMs, act: scale(1 / times) },
  ];
}

/** Straight lines between points in ascending time; the first value before them. */
function along(points: readonly (readonly [ms: number, value: number])[]): (ms: number) => number {
  return (ms) => {
    let [beforeMs, before] = points[0] ?? [0, 0];
    if (ms <= beforeMs) return before;
    for (const [atMs, value] of points) {
      if (ms <= atMs && atMs > beforeMs) return before + ((value - before) * (ms - beforeMs)) / (atMs - beforeMs);
      [beforeMs, before] = [atMs, value];
    }
    return before;
  };
}
