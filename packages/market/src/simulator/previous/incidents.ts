import type { BookSideName } from "../../order-book.js";
import type { Incident, Stage, Staging } from "../incidents/incident.js";
import { eitherSide } from "../incidents/incident.js";
import { momentumIgnition, news } from "../incidents/prices.js";
import type { Intervention, Market } from "../market.js";
import type { RestingOrder } from "../resting-orders.js";
import type { IncidentKind } from "../scenario.js";
import { scenarioParameters } from "../scenario-parameters.js";
import { previousParameters } from "./scenario-parameters.js";

/** What generator 1 staged otherwise than today's does: kept for a release, so that sessions on its tapes play on. */
export const previousIncidents = {
  spoofing,
  layering,
  iceberg,
  liquidity_gap: liquidityGap,
  // Moves were multiples of what is usual on an ordinary day, however lively the minute.
  momentum_ignition: (stage) => momentumIgnition({ ...stage, lively: 1 }),
  news: (stage) => news({ ...stage, lively: 1 }),
} satisfies Partial<Record<IncidentKind, Staging>>;

const watchMs = 10;

function spoofing({ fromMs, severity, random, usual }: Stage): Incident {
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

function layering({ fromMs, severity, random, usual }: Stage): Incident {
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

function liquidityGap({ fromMs, severity, random }: Stage): Incident {
  const { levels, lastsMs } = previousParameters.liquidity_gap[severity];
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

function iceberg({ fromMs, severity, random, usual }: Stage): Incident {
  const { fills, everyMs, timesSize } = scenarioParameters.iceberg[severity];
  const side = eitherSide(random);
  const lots = Math.max(1, Math.round(usual.tradeLots * random.between(timesSize)));
  const times: number[] = [fromMs];
  for (let n = random.wholeBetween(fills); n > 1; n--)
    times.push((times.at(-1) ?? fromMs) + random.wholeBetween(everyMs));
  const toMs = times.at(-1) ?? fromMs;
  let tick: number | undefined;
  const interventions = times.map(
    (atMs): Intervention => ({
      atMs,
      act: (market: Market) => {
        tick ??= market.bestTick(side);
        refillAndHit(market, tick);
      },
    }),
  );
  const refillAndHit = (market: Market, at: number) => {
    const shown = market.stage(side, at, lots, Math.max(1, toMs - market.nowMs));
    if (shown !== undefined && market.bestTick(side) === at) market.at(market.nowMs + 30, () => hit(market, shown));
  };
  const hit = (market: Market, shown: RestingOrder) => {
    if (shown.lots === 0) return;
    market.trade(side === "bid" ? "sell" : "buy", shown.tick, shown.lots);
    market.cancel(shown);
  };
  return { toMs: toMs + 30, side, interventions };
}
