import type { Intervention } from "../market-segment.js";
import { scenarioParameters } from "../scenario/scenario-parameters.js";
import { type Incident, type IncidentSetup, randomSide } from "./incident.js";

/** Tiny orders behind the best price, placed and cancelled, each with a message of its own. */
export function quoteStuffing({ fromMs, severity, random, baseline }: IncidentSetup): Incident {
  const { timesUpdates, lastsMs } = scenarioParameters.quote_stuffing[severity];
  const untilMs = fromMs + random.integerInRange(lastsMs);
  return {
    toMs: untilMs,
    interventions: flurry({
      fromMs,
      untilMs,
      random,
      perSecond: baseline.updatesPerSecond * random.inRange(timesUpdates),
    }),
  };
}

/** The benign version: market makers renewing quotes at ordinary rates. */
export function fastCancels({ fromMs, severity, random, baseline }: IncidentSetup): Incident {
  const { timesUpdates, lastsMs } = scenarioParameters.fast_cancels[severity];
  const untilMs = fromMs + random.integerInRange(lastsMs);
  return {
    toMs: untilMs,
    interventions: flurry({
      fromMs,
      untilMs,
      random,
      perSecond: baseline.updatesPerSecond * random.inRange(timesUpdates),
    }),
  };
}

interface Flurry extends Pick<IncidentSetup, "fromMs" | "random"> {
  readonly untilMs: number;
  readonly perSecond: number;
}

function flurry({ fromMs, untilMs, perSecond, random }: Flurry): Intervention[] {
  const interventions: Intervention[] = [];
  for (let at = fromMs; at < untilMs; at += random.exponential(1_000 / perSecond)) {
    const side = randomSide(random);
    const behind = 1 + random.integerBelow(8);
    const lots = 1 + random.integerBelow(20);
    const lifeMs = 5 + random.integerBelow(60);
    interventions.push({
      atMs: Math.floor(at),
      act: (market) => {
        market.placeOrder(side, market.bestTick(side) - market.side(side).direction * behind, lots, lifeMs);
        market.sendMessage();
      },
    });
  }
  return interventions;
}
