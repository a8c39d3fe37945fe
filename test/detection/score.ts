import type { IncidentKind, IncidentLabel, IncidentSeverity } from "@tapedeck/market";
import type { DetectionRun, TapeAlert } from "./play-scenario.js";

/** The alert that should detect each kind of incident. */
const wanted: Partial<Record<IncidentKind, string>> = {
  spoofing: "SPOOFING",
  layering: "LAYERING",
  quote_stuffing: "QUOTE_STUFFING",
  momentum_ignition: "MOMENTUM_IGNITION",
  wash_trading: "WASH_TRADING",
  iceberg: "ICEBERG_ORDER",
  liquidity_gap: "LIQUIDITY_GAP",
  flash_crash: "REGIME_CRISIS",
};

/** Other effects that an incident really has: their alerts during it count neither as right nor as wrong. */
const alsoTrue: Partial<Record<IncidentKind, readonly string[]>> = {
  flash_crash: ["LIQUIDITY_GAP", "MOMENTUM_IGNITION"],
  momentum_ignition: ["REGIME_CRISIS", "LIQUIDITY_GAP"],
  // The part of the wall at the best price is also a cancelled order.
  layering: ["SPOOFING"],
  news: ["REGIME_CRISIS"],
  // The price moves away from it and leaves empty levels behind.
  large_order: ["LIQUIDITY_GAP"],
};

/** An alert this long after an incident's end still belongs to it. */
const graceNs = 10e9;
/** False alerts of a type within this time count once. */
const mergeWithinNs = 15e9;

export interface Score {
  staged: number;
  found: number;
  falseAlerts: number;
  delaysS: number[];
  bySeverity: Record<IncidentSeverity, { staged: number; found: number }>;
  misses: { readonly seed: number; readonly label: IncidentLabel }[];
  /** Descriptions of the false alerts. */
  wrong: string[];
}

export function scoreOf(runs: readonly (DetectionRun & { readonly seed: number })[]): Map<string, Score> {
  const scores = new Map(Object.values(wanted).map((type) => [type, emptyScore()]));
  for (const run of runs) {
    for (const label of run.labels) noteLabel(run.seed, label, run.alerts, scores);
    for (const [type, score] of scores) noteFalse(run, type, score);
  }
  return scores;
}

function during({ fromNs, toNs }: IncidentLabel, ns: number): boolean {
  return ns >= fromNs && ns <= toNs + graceNs;
}

function noteLabel(seed: number, label: IncidentLabel, alerts: readonly TapeAlert[], scores: Map<string, Score>): void {
  const score = scores.get(wanted[label.kind] ?? "");
  if (score === undefined) return;
  const alert = alerts.find(({ ns, type }) => type === wanted[label.kind] && during(label, ns));
  const severity = score.bySeverity[label.severity];
  score.staged++;
  severity.staged++;
  if (alert === undefined) {
    score.misses.push({ seed, label });
    return;
  }
  score.found++;
  severity.found++;
  score.delaysS.push((alert.ns - label.fromNs) / 1e9);
}

function noteFalse(
  { seed, labels, alerts }: DetectionRun & { readonly seed: number },
  type: string,
  score: Score,
): void {
  let lastNs = Number.NEGATIVE_INFINITY;
  for (const alert of alerts) {
    if (alert.type !== type) continue;
    const follows = alert.ns - lastNs < mergeWithinNs;
    const explained = labels.some(
      (label) =>
        during(label, alert.ns) && (wanted[label.kind] === type || (alsoTrue[label.kind]?.includes(type) ?? false)),
    );
    if (explained) continue;
    lastNs = alert.ns;
    if (follows) continue;
    score.falseAlerts++;
    const near = labels.find((label) => during(label, alert.ns));
    score.wrong.push(
      `seed ${seed} at ${(alert.ns / 1e9).toFixed(1)} s, ${alert.severity}, during ${near === undefined ? "nothing" : `${near.kind} ${near.severity}`}`,
    );
  }
}

function emptyScore(): Score {
  const none = () => ({ staged: 0, found: 0 });
  const bySeverity = { low: none(), medium: none(), high: none() };
  return { staged: 0, found: 0, falseAlerts: 0, delaysS: [], bySeverity, misses: [], wrong: [] };
}
