import type { BookSideName } from "../../order-book.js";
import type { Intervention, Market } from "../market.js";
import type { RestingOrder } from "../resting-orders.js";
import { scenarioParameters } from "../scenario-parameters.js";
import { eitherSide, type Incident, type Stage } from "./incident.js";

/** How often the one behind a staged order looks whether it is about to trade, and takes it back then. */
const watchMs = 10;

/** Orders far larger than others at the best price, gone before anyone can trade with them. */
export function spoofing({ fromMs, severity, random, usual }: Stage): Incident {
  const { timesBestSize, cycles, holdMs, pauseMs } = scenarioParameters.spoofing[severity];
  const side = eitherSide(random);
  const interventions: Intervention[] = [];
  let ms = fromMs;
  for (let cycle = random.wholeBetween(cycles); cycle > 0; cycle--) {
    const lots = Math.round(usual.bestLots * random.between(timesBestSize));
    const untilMs = ms + random.wholeBetween(holdMs);
    interventions.push(held(ms, untilMs, (market) => [market.stage(side, market.bestTick(side), lots, untilMs - ms)]));
    ms = untilMs + (cycle > 1 ? random.wholeBetween(pauseMs) : 0);
  }
  return { toMs: ms, side, interventions };
}

/** Large orders on neighbouring levels of one side, placed and taken back within moments of one another. */
export function layering({ fromMs, severity, random, usual }: Stage): Incident {
  const { levels, timesBestSize, cycles, holdMs, pauseMs } = scenarioParameters.layering[severity];
  const side = eitherSide(random);
  const interventions: Intervention[] = [];
  let ms = fromMs;
  for (let cycle = random.wholeBetween(cycles); cycle > 0; cycle--) {
    const untilMs = ms + random.wholeBetween(holdMs);
    const sizes = Array.from({ length: levels }, () => Math.round(usual.bestLots * random.between(timesBestSize)));
    interventions.push(
      held(ms, untilMs, (market) => {
        const direction = market.side(side).direction;
        return sizes.map((lots, level) =>
          market.stage(side, market.bestTick(side) - direction * level, lots, untilMs - market.nowMs),
        );
      }),
    );
    ms = untilMs + (cycle > 1 ? random.wholeBetween(pauseMs) : 0);
  }
  return { toMs: ms, side, interventions };
}

/** One real order, near the best price, that stays until it is filled or the price has left it. */
export function largeOrder({ fromMs, severity, random, usual }: Stage): Incident {
  const { timesBestSize, staysMs } = scenarioParameters.large_order[severity];
  const side = eitherSide(random);
  const behind = random.below(2);
  const lots = Math.round(usual.bestLots * random.between(timesBestSize));
  const lifeMs = random.wholeBetween(staysMs);
  const place: Intervention = {
    atMs: fromMs,
    act: (market) => {
      const { direction } = market.side(side);
      market.stage(side, market.bestTick(side) - direction * behind, lots, lifeMs);
    },
  };
  return { toMs: fromMs + lifeMs, side, interventions: [place] };
}

/** Levels that empty at about the same time, and stay empty. */
export function liquidityGap({ fromMs, severity, random }: Stage): Incident {
  const { levels, lastsMs } = scenarioParameters.liquidity_gap[severity];
  const side = eitherSide(random);
  const count = random.wholeBetween(levels);
  const first = random.below(10 - count) + 1;
  const untilMs = fromMs + random.wholeBetween(lastsMs);
  const places = Array.from({ length: count }, (_, n) => first + n);
  const leave: Intervention = {
    atMs: fromMs,
    act: (market) => {
      const ticks = placesOf(market, side, places);
      market.shun(side, ticks, true);
      market.at(untilMs, () => market.shun(side, ticks, false));
      for (const tick of ticks) {
        for (const order of market.side(side).ordersAt(tick)) {
          market.at(market.nowMs + 1 + random.below(300), () => market.cancel(order));
        }
      }
    },
  };
  return { toMs: untilMs, side, interventions: [leave] };
}

function placesOf(market: Market, side: BookSideName, places: readonly number[]): number[] {
  const { direction } = market.side(side);
  return places.map((place) => market.bestTick(side) - direction * place);
}

/** Places orders, watches them, and takes those back that others are about to trade with. */
function held(
  fromMs: number,
  untilMs: number,
  place: (market: Market) => readonly (RestingOrder | undefined)[],
): Intervention {
  return {
    atMs: fromMs,
    act: (market) => {
      const orders = place(market).filter((order) => order !== undefined);
      const watch = () => {
        for (const order of orders) {
          const { direction } = market.side(order.side);
          const stale = direction * (order.tick - market.bestTick(order.side)) > 0;
          if (stale || market.nowMs >= untilMs) market.cancel(order);
        }
        if (market.nowMs < untilMs) market.at(Math.min(untilMs, market.nowMs + watchMs), watch);
      };
      watch();
    },
  };
}
