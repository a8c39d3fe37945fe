import type { Severity } from "@tapedeck/client";
import { createStore } from "zustand/vanilla";
import { persisted } from "../../design/persisted";
import { rankOf } from "../../playback/frame-values";

export interface AnomalyFilter {
  readonly minSeverity: Severity;
  /** A type, or empty for all. */
  readonly type: string;
}

const defaultFilter: AnomalyFilter = { minSeverity: "medium", type: "" };
const kept = persisted<AnomalyFilter>("tapedeck_anomalies", defaultFilter);

/** Selects which anomalies the feed lists, charts and scrubber mark, and the event keys jump to. */
export const anomalyFilter = createStore<AnomalyFilter>(() => ({ ...defaultFilter, ...kept.get() }));
anomalyFilter.subscribe((filter) => kept.set(filter));

export const noFilter: AnomalyFilter = { minSeverity: "low", type: "" };

export function passes(
  { minSeverity, type }: AnomalyFilter,
  anomaly: { readonly type: string; readonly severity: string },
): boolean {
  return rankOf(anomaly.severity) >= rankOf(minSeverity) && (type === "" || anomaly.type === type);
}
