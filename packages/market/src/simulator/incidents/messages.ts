import type { Intervention } from "../market.js";
import { scenarioParameters } from "../scenario-parameters.js";
import { eitherSide, type Incident, type Stage } from "./incident.js";

/** Tiny orders behind the best price, placed and taken back, each making a message of its own. */
export function quoteStuffing({ fromMs, severity, random, usual }: Stage): Incident {
  const { timesUpdates, lastsMs } = scenarioParameters.quote_stuffing[severity];
  const untilMs = fromMs + random.wholeBetween(lastsMs);
  return {
    toMs: untilMs,
    interventions: flurry({
      fromMs,
      untilMs,
      random,
      perSecond: usual.updatesPerSecond * random.between(timesUpdates),
    }),
  };
}

/** More of the same in small: makers renewing quotes, at rates that an honest market knows too. */
export function fastCancels({ fromMs, severity, random, usual }: Stage): Incident {
  const { timesUpdates, lastsMs } = scenarioParameters.fast_cancels[severity];
  const untilMs = fromMs + random.wholeBetween(lastsMs);
  return {
    toMs: untilMs,
    interventions: flurry({
      fromMs,
      untilMs,
      random,
      perSecond: usual.updatesPerSecond * random.between(timesUpdates),
    }),
  };
}

interface Flurry extends Pick<Stage, "fromMs" | "random"> {
  readonly untilMs: number;
  readonly perSecond: number;
}

function flurry({ fromMs, untilMs, perSecond, random }: Flurry): Intervention[] {
  const interventions: Intervention[] = [];
  for (let at = fromMs; at < untilMs; at += random.exponential(1_000 / perSecond)) {
    const side = eitherSide(random);
    const behind = 1 + random.below(8);
    const lots = 1 + random.below(20);
    const lifeMs = 5 + random.below(60);
    interventions.push({
      atMs: Math.floor(at),
      act: (market) => {
        market.stage(side, market.bestTick(side) - market.side(side).direction * behind, lots, lifeMs);
        market.sendMessage();
      },
    });
  }
  return interventions;
}
