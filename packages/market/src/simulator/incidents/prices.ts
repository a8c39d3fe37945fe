import type { Intervention, MarketSegment } from "../market-segment.js";
import { scenarioParameters } from "../scenario/scenario-parameters.js";
import { segmentMs } from "../segments.js";
import type { Incident, IncidentSetup } from "./incident.js";

/** One participant pushes the price by buying or selling without pause; it reverts when that ends. */
export function momentumIgnition({ fromMs, severity, random, baseline, activity }: IncidentSetup): Incident {
  const { timesMove, pushMs, timesTrades, reverts, revertMs } = scenarioParameters.momentum_ignition[severity];
  const direction = random.chance(0.5) ? 1 : -1;
  const move = direction * baseline.moveTicks * activity * random.inRange(timesMove);
  const pushedMs = fromMs + random.integerInRange(pushMs);
  const revertedMs = pushedMs + random.integerInRange(revertMs);
  const stays = move * (1 - random.inRange(reverts));
  const times = random.inRange(timesTrades);
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

/** A fall through a book that is hardly refilled, and the recovery. */
export function flashCrash({ fromMs, severity, random, fairTicks }: IncidentSetup): Incident {
  const { fall, fallMs, recovers, recoverMs, depth } = scenarioParameters.flash_crash[severity];
  const move = -fairTicks * random.inRange(fall);
  const fallenMs = fromMs + random.integerInRange(fallMs);
  const recoveredMs = fallenMs + random.integerInRange(recoverMs);
  const stays = move * (1 - random.inRange(recovers));
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
 * A jump that stays. The prices at the segment's borders are fixed, so over the whole segment the price drifts back by as much: less in
 * a second than its ordinary movement.
 */
export function news({ fromMs, severity, random, baseline, activity }: IncidentSetup): Incident {
  const { timesMove, jumpMs, timesTrades, fadesMs } = scenarioParameters.news[severity];
  const direction = random.chance(0.5) ? 1 : -1;
  const move = direction * baseline.moveTicks * activity * random.inRange(timesMove);
  const jumpedMs = fromMs + random.integerInRange(jumpMs);
  const fadedMs = jumpedMs + random.integerInRange(fadesMs);
  const times = random.inRange(timesTrades);
  const drift = (ms: number) => (-move * ms) / segmentMs;
  const jump = along([
    [fromMs, 0],
    [jumpedMs, move],
    [segmentMs, move],
  ]);
  const halfwayMs = Math.floor((jumpedMs + fadedMs) / 2);
  const activated = (times_: number, from: number, to: number) => [
    ...boosted("takeBuy", times_, from, to),
    ...boosted("takeSell", times_, from, to),
    ...boosted("orders", 1 + (times_ - 1) / 2, from, to),
  ];
  return {
    toMs: fadedMs,
    direction,
    interventions: [...activated(times, fromMs, halfwayMs), ...activated(Math.sqrt(times), halfwayMs, fadedMs)],
    shiftAt: (ms) => jump(ms) + drift(ms),
  };
}

function boosted(what: "takeBuy" | "takeSell" | "orders", times: number, fromMs: number, toMs: number): Intervention[] {
  const scale = (by: number) => (market: MarketSegment) => {
    market.flowMultipliers[what] *= by;
  };
  return [
    { atMs: fromMs, act: scale(times) },
    { atMs: toMs, act: scale(1 / times) },
  ];
}

/** Linear interpolation between points in ascending time; the first value before them. */
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
