import type { Intervention, MarketSegment } from "../market-segment.js";
import { scenarioParameters } from "../scenario/scenario-parameters.js";
import { segmentMs } from "../segments.js";
import { type Incident, type IncidentSetup, randomSide } from "./incident.js";

/** Time from displaying a part of the reserve until it is hit. */
const hitMs = 30;

/** One party's trades with itself: of one size, alternately buying and selling, at one price while the market allows it. */
export function washTrading({ fromMs, severity, random, baseline }: IncidentSetup): Incident {
  const { trades, everyMs, timesSize, spreadOfSizes } = scenarioParameters.wash_trading[severity];
  const size = baseline.tradeLots * random.inRange(timesSize);
  const interventions: Intervention[] = [];
  let ms = fromMs;
  for (let left = random.integerInRange(trades), n = 0; left > 0; left--, n++) {
    const lots = Math.max(1, Math.round(size * (1 + spreadOfSizes * (2 * random.uniform() - 1))));
    const side = n % 2 === 0 ? "buy" : "sell";
    interventions.push({ atMs: ms, act: (market) => market.printTrade(side, market.reference, lots) });
    if (left > 1) ms += random.integerInRange(everyMs);
  }
  return { toMs: ms, interventions };
}

/** How soon the price moves on when the reserve is used up. */
const releaseMs = 2_000;

/**
 * A hidden reserve behind a small visible order that is hit again and again. While it lasts the price stays there: the reserve
 * refills the level, and the pressure against it continues.
 */
export function iceberg({ fromMs, severity, random, baseline, fairAt }: IncidentSetup): Incident {
  const { fills, everyMs, timesSize } = scenarioParameters.iceberg[severity];
  const side = randomSide(random);
  const lots = Math.max(1, Math.round(baseline.tradeLots * random.inRange(timesSize)));
  const times: number[] = [fromMs];
  for (let n = random.integerInRange(fills); n > 1; n--)
    times.push((times.at(-1) ?? fromMs) + random.integerInRange(everyMs));
  const toMs = (times.at(-1) ?? fromMs) + hitMs;
  const interventions = times.map(
    (atMs): Intervention => ({
      atMs,
      act: (market: MarketSegment) => {
        const shown = market.placeOrder(side, market.bestTick(side), lots, segmentMs);
        if (shown === undefined) return;
        const { number } = shown;
        market.at(market.nowMs + hitMs, (later) => later.execute(number));
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
