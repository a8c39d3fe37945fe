/** Incidents that a detector should find. */
const manipulations = [
  "spoofing",
  "layering",
  "quote_stuffing",
  "momentum_ignition",
  "wash_trading",
  "iceberg",
  "liquidity_gap",
  "flash_crash",
] as const;
type Manipulation = (typeof manipulations)[number];

/** Benign incidents that look similar, and that should not raise an alert of manipulation. */
export const benignIncidents = ["news", "large_order", "fast_cancels"] as const;
type BenignIncident = (typeof benignIncidents)[number];

/** The kind of a staged incident. */
export type IncidentKind = Manipulation | BenignIncident;
export const incidentKinds: readonly IncidentKind[] = [...manipulations, ...benignIncidents];

export const incidentSeverities = ["low", "medium", "high"] as const;
export type IncidentSeverity = (typeof incidentSeverities)[number];

/** A kind of incident in a scenario; without a severity each incident draws its own. */
export interface ScenarioEntry {
  readonly kind: IncidentKind;
  readonly severity: IncidentSeverity | undefined;
}

/** Names for several kinds; `calm` for none. */
const groups: Readonly<Record<string, readonly IncidentKind[]>> = {
  calm: [],
  mixed: incidentKinds,
  honest: benignIncidents,
};

export const scenarioNames: readonly string[] = [...Object.keys(groups), ...incidentKinds];

/** The scenario of a simulated market without a named one. */
export const defaultScenario = "calm";

/**
 * Parses a scenario: names separated by `,` or `+`, each optionally with a severity after `:`, as in `spoofing:high,layering`.
 * Undefined if a name or severity is unknown.
 */
export function parseScenario(text: string): readonly ScenarioEntry[] | undefined {
  const entries = new Map<string, ScenarioEntry>();
  for (const part of text.split(/[,+]/)) {
    const [name = "", severityName, ...rest] = part.trim().toLowerCase().split(":");
    const kinds = groups[name] ?? incidentKinds.filter((kind) => kind === name);
    const severity = incidentSeverities.find((known) => known === severityName);
    const known = scenarioNames.includes(name) && rest.length === 0;
    if (!known || (severityName !== undefined && severity === undefined)) return undefined;
    for (const kind of kinds) entries.set(`${kind}:${severity ?? ""}`, { kind, severity });
  }
  return [...entries.keys()].sort().flatMap((key) => entries.get(key) ?? []);
}

/** The canonical text of a scenario, which `parseScenario` parses into the same list. */
export function scenarioText(entries: readonly ScenarioEntry[]): string {
  for (const [name, kinds] of Object.entries(groups)) {
    const bare = entries.every(({ severity }) => severity === undefined);
    if (bare && entries.length === kinds.length && kinds.every((kind) => entries.some((one) => one.kind === kind))) {
      return name;
    }
  }
  return entries.map(({ kind, severity }) => (severity === undefined ? kind : `${kind}:${severity}`)).join(",");
}
