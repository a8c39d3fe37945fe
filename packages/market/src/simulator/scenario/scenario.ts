/** What can be staged on purpose, and is what a detector should find. */
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

/** Honest bursts that look a little like it, and that a detector of manipulation should leave alone. */
export const benignIncidents = ["news", "large_order", "fast_cancels"] as const;
type BenignIncident = (typeof benignIncidents)[number];

/** Something staged at one time in one place. */
export type IncidentKind = Manipulation | BenignIncident;
export const incidentKinds: readonly IncidentKind[] = [...manipulations, ...benignIncidents];

export const incidentSeverities = ["low", "medium", "high"] as const;
export type IncidentSeverity = (typeof incidentSeverities)[number];

/** One kind of incident to stage; without a severity each incident draws its own. */
export interface ScenarioEntry {
  readonly kind: IncidentKind;
  readonly severity: IncidentSeverity | undefined;
}

/** Names that stand for several kinds; `calm` for none. */
const groups: Readonly<Record<string, readonly IncidentKind[]>> = {
  calm: [],
  mixed: incidentKinds,
  honest: benignIncidents,
};

export const scenarioNames: readonly string[] = [...Object.keys(groups), ...incidentKinds];

/** The scenario of a simulated market that names none. */
export const defaultScenario = "calm";

/**
 * Reads a scenario: names separated by `,` or `+`, each with a severity of its own where one follows after `:`, as in
 * `spoofing:high,layering`. Undefined where a name or severity is not known.
 */
export function parseScenario(text: string): readonly ScenarioEntry[] | undefined {
  const stagings = new Map<string, ScenarioEntry>();
  for (const part of text.split(/[,+]/)) {
    const [name = "", severityName, ...rest] = part.trim().toLowerCase().split(":");
    const kinds = groups[name] ?? incidentKinds.filter((kind) => kind === name);
    const severity = incidentSeverities.find((known) => known === severityName);
    const known = scenarioNames.includes(name) && rest.length === 0;
    if (!known || (severityName !== undefined && severity === undefined)) return undefined;
    for (const kind of kinds) stagings.set(`${kind}:${severity ?? ""}`, { kind, severity });
  }
  return [...stagings.keys()].sort().flatMap((key) => stagings.get(key) ?? []);
}

/** The one text of all those that mean the same: what `parseScenario` reads into the same list. */
export function scenarioText(stagings: readonly ScenarioEntry[]): string {
  for (const [name, kinds] of Object.entries(groups)) {
    const bare = stagings.every(({ severity }) => severity === undefined);
    if (bare && stagings.length === kinds.length && kinds.every((kind) => stagings.some((one) => one.kind === kind))) {
      return name;
    }
  }
  return stagings.map(({ kind, severity }) => (severity === undefined ? kind : `${kind}:${severity}`)).join(",");
}
