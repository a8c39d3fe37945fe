import type { TapeNs } from "@tapedeck/protocol";
import type { BookSideName } from "../../book/order-book.js";
import type { Incident, IncidentFactory as StageIncident } from "../incidents/incident.js";
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

/** Raised by every change of what is staged or of the market. Simulated tapes name the version they are made with. */
export const generatorVersion = 2;

const incidents: Readonly<Record<IncidentKind, StageIncident>> = {
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

/** One segment in so many has an incident; the ones between are as the market is by itself. */
const segmentsPerIncident = 2;
/** An incident begins in this part of its segment; the longest then ends before the segment settles. */
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
  /** In order. Up to the segment of the last of them nothing else is staged. */
  readonly plan: readonly PlannedIncident[];
  readonly segment: number;
  readonly path: PriceSegment;
  readonly baseline: Baseline;
  price(tick: number): number;
}

/** What is staged in a segment: a function of plan, scenario, seed and segment alone. The first segment is always quiet. */
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

/** The incident that a scenario has in a segment, all of it drawn by seed and segment. */
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

/** What was staged, when and where: the truth that a detector is measured against. Never part of a frame. */
export interface IncidentLabel {
  readonly kind: IncidentKind;
  /** An honest burst: no detector of manipulation should speak up. */
  readonly benign: boolean;
  readonly severity: IncidentSeverity;
  /** Tape time of its first and its last act. */
  readonly fromNs: TapeNs;
  readonly toNs: TapeNs;
  /** The side of the book it works on; undefined where it works on both, or on none. */
  readonly side: BookSideName | undefined;
  /** Where the price goes: +1 up, -1 down, 0 nowhere. */
  readonly direction: 1 | 0 | -1;
  /** Price units: the best price of its side, or the mid, as it begins. */
  readonly price: number;
}
