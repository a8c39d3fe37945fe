import type { TapeNs } from "@tapedeck/protocol";
import type { BookSideName } from "../../book/order-book.js";
import type { Incident, IncidentFactory } from "../incidents/incident.js";
import { fastCancels, quoteStuffing } from "../incidents/messages.js";
import { largeOrder, layering, liquidityGap, spoofing } from "../incidents/orders.js";
import { flashCrash, momentumIgnition, news } from "../incidents/prices.js";
import { iceberg, washTrading } from "../incidents/trades.js";
import type { Baseline } from "../instrument.js";
import type { PriceSegment } from "../price-path.js";
import { RandomStream } from "../random/random-stream.js";
import { stageFromMs, stageUntilMs, tapeMsOf } from "../segments.js";
import {
  benignIncidents,
  type IncidentKind,
  type IncidentSeverity,
  incidentSeverities,
  type ScenarioEntry,
} from "./scenario.js";

/** Must be raised with every change of the market's bytes. Simulated tapes have the version in their id. */
export const generatorVersion = 2;

const incidents: Readonly<Record<IncidentKind, IncidentFactory>> = {
  spoofing,
  layering,
  quote_stuffing: quoteStuffing,
  momentum_ignition: momentumIgnition,
  wash_trading: washTrading,
  iceberg,
  liquidity_gap: liquidityGap,
  flash_crash: flashCrash,
  news,
  large_order: largeOrder,
  fast_cancels: fastCancels,
};

/** One segment in this many has an incident. */
const segmentsPerIncident = 2;
/** Latest start of an incident, so that the longest one ends before the segment settles. */
const latestStartMs = 20_000;

/** An incident of a segment and its label. */
export interface ScheduledIncident {
  readonly label: IncidentLabel;
  readonly incident: Incident;
}

/** An incident at a chosen time. */
export interface PlannedIncident {
  readonly segment: number;
  /** Milliseconds of its segment, from `stageFromMs` on. */
  readonly fromMs: number;
  readonly kind: IncidentKind;
  readonly severity: IncidentSeverity;
}

interface ScheduleInput {
  readonly seed: string;
  readonly scenario: readonly ScenarioEntry[];
  /** In order of time. Until the segment of the last one nothing else is staged. */
  readonly plan: readonly PlannedIncident[];
  readonly segment: number;
  readonly path: PriceSegment;
  readonly baseline: Baseline;
  price(tick: number): number;
}

/** The incidents of a segment: a function of plan, scenario, seed and segment alone. The first segment never has one. */
export function incidentsIn(scene: ScheduleInput): readonly ScheduledIncident[] {
  const { seed, plan, segment } = scene;
  if (segment > (plan.at(-1)?.segment ?? -1)) {
    const drawn = drawIncident(scene);
    return drawn === undefined ? [] : [drawn];
  }
  return plan.flatMap((incident, number) =>
    incident.segment === segment ? [scheduleIncident(incident, new RandomStream(seed, "plan", number), scene)] : [],
  );
}

/** Draws the incident of a scenario in a segment, by seed and segment alone. */
function drawIncident(scene: ScheduleInput): ScheduledIncident | undefined {
  const { seed, scenario, segment } = scene;
  if (scenario.length === 0 || segment % segmentsPerIncident !== 1) return undefined;
  const random = new RandomStream(seed, "incident", segment);
  const staging = scenario[random.integerBelow(scenario.length)];
  if (staging === undefined) return undefined;
  const { kind } = staging;
  const severity = staging.severity ?? incidentSeverities[random.integerBelow(incidentSeverities.length)] ?? "medium";
  const fromMs = random.integerInRange({ min: stageFromMs, max: latestStartMs });
  return scheduleIncident({ segment, fromMs, kind, severity }, random, scene);
}

function scheduleIncident(
  { segment, fromMs, kind, severity }: PlannedIncident,
  random: RandomStream,
  { path, baseline, price }: ScheduleInput,
): ScheduledIncident {
  const fairTicks = path.at(fromMs);
  const incident = incidents[kind]({
    fromMs,
    severity,
    random,
    baseline,
    fairTicks,
    activity: path.rmsActivity,
    fairAt: (ms) => path.at(ms),
  });
  const toMs = Math.min(incident.toMs, stageUntilMs);
  const best = Math.floor(fairTicks) + (incident.side === "ask" ? 1 : 0);
  const label: IncidentLabel = {
    kind,
    benign: benignIncidents.some((honest) => honest === kind),
    severity,
    fromNs: tapeMsOf(segment, fromMs) * 1e6,
    toNs: tapeMsOf(segment, toMs) * 1e6,
    side: incident.side,
    direction: incident.direction ?? 0,
    price: price(incident.side === undefined ? Math.round(fairTicks) : best),
  };
  return { label, incident };
}

/** Ground truth of a staged incident, which detectors are measured against. Never part of a frame. */
export interface IncidentLabel {
  readonly kind: IncidentKind;
  /** A benign incident should not raise an alert of manipulation. */
  readonly benign: boolean;
  readonly severity: IncidentSeverity;
  /** Tape time of its first and last action. */
  readonly fromNs: TapeNs;
  readonly toNs: TapeNs;
  /** The side of the book that it affects; undefined for both or none. */
  readonly side: BookSideName | undefined;
  /** Direction of the price: +1 up, -1 down, 0 unchanged. */
  readonly direction: 1 | 0 | -1;
  /** Price units: the best price of its side, or the mid, at its beginning. */
  readonly price: number;
}
