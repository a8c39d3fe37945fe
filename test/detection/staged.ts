import {
  FrameBuilder,
  type IncidentLabel,
  MarketAnalytics,
  type ProfileName,
  SimulatedMarket,
  simulatedStartNs,
} from "@tapedeck/market";
import { anomaly, type Severity } from "@tapedeck/protocol";
import { z } from "zod";

/** An alert on a tape. */
export interface Heard {
  readonly ns: number;
  readonly type: string;
  readonly severity: Severity;
  readonly side: string | undefined;
  readonly text: string;
}

export interface Staged {
  readonly labels: readonly IncidentLabel[];
  readonly heard: readonly Heard[];
  readonly minutes: number;
}

const heardAnomaly = anomaly.extend({ side: z.string().optional() });

/** Alerts in the text between the brackets of a frame's `anomalies`. */
export function readAlerts(ns: number, anomalies: string): Heard[] {
  if (anomalies === "") return [];
  const texts = z.array(heardAnomaly).parse(JSON.parse(`[${anomalies}]`));
  return texts.map(({ type, severity, side, ...rest }) => ({ ns, type, severity, side, text: JSON.stringify(rest) }));
}

/** Plays a scenario of a seed to the detectors, as frames of 100 ms, and notes what they say. */
export function play(seed: number, scenario: string, minutes: number, profile: ProfileName = "relative"): Staged {
  const market = new SimulatedMarket({ symbol: "BTCUSDT", seed, scenario });
  const heard: Heard[] = [];
  const builder = new FrameBuilder({
    symbol: "BTCUSDT",
    originNs: simulatedStartNs,
    decimals: 3,
    intervalNs: 100e6,
    analytics: new MarketAnalytics({ profile }),
    emit: ({ ns, anomalies }) => heard.push(...readAlerts(ns, anomalies)),
  });
  builder.apply(market.opening(0));
  for (let segment = 0; segment < minutes; segment++) {
    for (const event of market.events(segment)) builder.apply(event);
  }
  builder.end();
  return { labels: market.labels(0, minutes * 60e9), heard, minutes };
}
