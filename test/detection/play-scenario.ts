import {
  type FrameAnalytics,
  FrameBuilder,
  type FrameFindings,
  type FrameMoment,
  framesPerSegment,
  type IncidentLabel,
  MarketAnalytics,
  type ProfileName,
  SimulatedMarket,
  simulatedStartNs,
} from "@tapedeck/market";
import { anomaly, type Severity } from "@tapedeck/protocol";
import { z } from "zod";

/** An alert on a tape. */
export interface TapeAlert {
  readonly ns: number;
  readonly type: string;
  readonly severity: Severity;
  readonly side: string | undefined;
  readonly text: string;
}

export interface DetectionRun {
  readonly labels: readonly IncidentLabel[];
  readonly alerts: readonly TapeAlert[];
  readonly minutes: number;
}

const anomalyWithSide = anomaly.extend({ side: z.string().optional() });

/** Alerts in the text between the brackets of a frame's `anomalies`. */
export function readAlerts(ns: number, anomalies: string): TapeAlert[] {
  if (anomalies === "") return [];
  const texts = z.array(anomalyWithSide).parse(JSON.parse(`[${anomalies}]`));
  return texts.map(({ type, severity, side, ...rest }) => ({ ns, type, severity, side, text: JSON.stringify(rest) }));
}

/** Runs the detectors on a scenario of a seed, and collects the same alerts as on its simulated tape. */
export function play(seed: number, scenario: string, minutes: number, profile: ProfileName = "relative"): DetectionRun {
  const market = new SimulatedMarket({ symbol: "BTCUSDT", seed, scenario });
  const alerts: TapeAlert[] = [];
  const analytics = new TapeAnalytics(() => new MarketAnalytics({ profile }));
  const emit = ({ ns, anomalies }: { ns: number; anomalies: string }) => alerts.push(...readAlerts(ns, anomalies));
  run(market, 0, minutes, analytics, emit);
  return { labels: market.labels(0, minutes * 60e9), alerts, minutes };
}

/** The frames of some minutes of a scenario, starting with a segment. */
export function momentsOf(seed: number, scenario: string, segment: number, minutes: number): FrameMoment[] {
  const moments: FrameMoment[] = [];
  const keep: FrameAnalytics = {
    analyse: (moment) => {
      moments.push(moment);
      return { head: "", anomalies: "", events: [] };
    },
  };
  run(new SimulatedMarket({ symbol: "BTCUSDT", seed, scenario }), segment, minutes, keep, () => undefined);
  return moments;
}

function run(
  market: SimulatedMarket,
  segment: number,
  minutes: number,
  analytics: FrameAnalytics,
  emit: (frame: { ns: number; anomalies: string }) => void,
): void {
  const { symbol } = market.instrument;
  const builder = new FrameBuilder({
    ...{ symbol, originNs: simulatedStartNs, decimals: 3, intervalNs: 100e6, analytics, emit },
  });
  builder.apply(market.opening(segment));
  for (let number = segment; number < segment + minutes; number++) {
    for (const event of market.events(number)) builder.apply(event);
  }
  builder.end();
}

/** As on a simulated tape, the analytics of each segment start one segment earlier. Frames must be consecutive. */
class TapeAnalytics implements FrameAnalytics {
  readonly #begin: () => FrameAnalytics;
  #now: FrameAnalytics;
  #next: FrameAnalytics;
  #frames = 0;

  constructor(begin: () => FrameAnalytics) {
    this.#begin = begin;
    this.#now = begin();
    this.#next = begin();
  }

  analyse(moment: FrameMoment): FrameFindings {
    if (this.#frames > 0 && this.#frames % framesPerSegment === 0) {
      this.#now = this.#next;
      this.#next = this.#begin();
    }
    this.#frames++;
    this.#next.analyse(moment);
    return this.#now.analyse(moment);
  }
}
