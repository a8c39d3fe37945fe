import { fieldsOf, isFields, quoted, type Report } from "./rule-reading.js";

/** Fields that pages read of an anomaly of a type, and what they have to be. */
const fieldsByType: Record<string, Record<string, (value: unknown) => boolean>> = {
  LIQUIDITY_GAP: { gap_count: isNumber, affected_levels: isLevels, total_gap_volume: isNumber },
  SPOOFING: { side: isSide, volume_ratio: isNumber, price_level: isNumber },
  LAYERING: { side: isSide },
  ICEBERG_ORDER: { side: isSide },
  MOMENTUM_IGNITION: { direction: (value) => value === "UP" || value === "DOWN" },
};

/** Checks what the schema of an anomaly leaves open; the schema itself has been checked. */
export function checkAnomalies(anomalies: unknown, say: Report): void {
  for (const anomaly of Array.isArray(anomalies) ? anomalies.map(fieldsOf) : []) {
    for (const [name, holds] of Object.entries(fieldsByType[String(anomaly.type)] ?? {})) {
      if (!holds(anomaly[name])) say(`${String(anomaly.type)}: ${name} is ${quoted(anomaly[name])}`);
    }
    if (anomaly.details !== undefined && !isFlat(anomaly.details)) say(`${String(anomaly.type)}: details are not flat`);
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

function isSide(value: unknown): boolean {
  return value === "BID" || value === "ASK";
}

function isLevels(value: unknown): boolean {
  return Array.isArray(value) && value.every((level) => Number.isInteger(level) && level >= 1);
}

function isFlat(value: unknown): boolean {
  return isFields(value) && Object.values(value).every((item) => typeof item === "string" || typeof item === "number");
}
