import type { Severity } from "@tapedeck/client";
import { createStore } from "zustand/vanilla";
import { type LoggedAnomaly, rankOf } from "../../deck/frame-values";
import { remembered } from "../../design/remembered";

export interface AnomalyFilter {
  readonly least: Severity;
  /** A type, or empty for all. */
  readonly type: string;
}

const kept = remembered<AnomalyFilter>("tapedeck_anomalies", { least: "medium", type: "" });

/** Which anomalies the feed lists, the charts mark, and the event keys jump to. */
export const anomalyFilter = createStore<AnomalyFilter>(() => kept.get());
anomalyFilter.subscribe((filter) => kept.set(filter));

export function passes({ least, type }: AnomalyFilter, anomaly: Pick<LoggedAnomaly, "type" | "severity">): boolean {
  return rankOf(anomaly.severity) >= rankOf(least) && (type === "" || anomaly.type === type);
}
