import type { Intervention, Market } from "../market.js";
import type { RestingOrder } from "../resting-orders.js";
import { scenarioParameters } from "../scenario-parameters.js";
import { segmentMs } from "../segments.js";
import { eitherSide, type Incident, type Stage } from "./incident.js";

/** From showing a part of a reserve until it is hit. */
const hitMs = 30;

/** One party's trades with itself: all of a size, now buying and now selling, at one price while the market lets it. */
export function washTrading({ fromMs, severity, random, usual }: Stage): Incident {
  const { trades, everyMs, timesSize, spreadOfSizes } = scenarioParameters.wash_trading[severity];
  const size = usual.tradeLots * random.between(timesSize);
  const interventions: Intervention[] = [];
  let ms = fromMs;
  for (let left = random.wholeBetween(trades), n = 0; left > 0; left--, n++) {
    const lots = Math.max(1, Math.round(size * (1 + spreadOfSizes * (2 * random.uniform() - 1))));
    const side = n % 2 === 0 ? "buy" : "sell";
    interventions.push({ atMs: ms, act: (market) => market.trade(side, market.reference, lots) });
    if (left > 1) ms += random.wholeBetween(everyMs);
  }
  return { toMs: ms, interventions };
}

/** How soon the price goes where it wanted to go, when what held it is used up. */
const releaseMs = 2_000;

/**
 * A hidden reserve behind a small visible order, hit again and again by those who press against it. While it lasts the price
 * rests on it: neither through it, for it is refilled, nor away from it, for they go on.
 */
export function iceberg({ fromMs, severity, random, usual, fairAt }: Stage): Incident {
  const { fills, everyMs, timesSize } = scenarioParameters.iceberg[severity];
  const side = eitherSide(random);
  const lots = Math.max(1, Math.round(usual.tradeLots * random.between(timesSize)));
  const times: number[] = [fromMs];
  for (let n = random.wholeBetween(fills); n > 1; n--)
    times.push((times.at(-1) ?? fromMs) + random.wholeBetween(everyMs));
  const toMs = (times.at(-1) ?? fromMs) + hitMs;
  const hit = (market: Market, shown: RestingOrder) => {
    if (shown.lots === 0) return;
    market.trade(side === "bid" ? "sell" : "buy", shown.tick, shown.lots);
    market.cancel(shown);
  };
  const interventions = times.map(
    (atMs): Intervention => ({
      atMs,
      act: (market: Market) => {
        const shown = market.stage(side, market.bestTick(side), lots, segmentMs);
        if (shown !== undefined) market.at(market.nowMs + hitMs, () => hit(market, shown));
      },
    }),
  );
  const heldTicks = fairAt(fromMs);
  const shiftAt = (ms: number) => {
    if (ms < fromMs || ms > toMs + releaseMs) return 0;
    if (ms <= toMs) return heldTicks - fairAt(ms);
    return ((heldTicks - fairAt(toMs)) * (toMs + releaseMs - ms)) / releaseMs;
  };
  return { toMs, side, interventions, shiftAt };
}
