import type { Severity } from "@tapedeck/client";
import { useMemo } from "react";
import { useStore } from "zustand";
import { Button, Select } from "../../design/controls";
import { clockText, countText } from "../../design/format";
import { type LoggedAnomaly, nameOf } from "../../playback/frame-values";
import { useFrameSample, usePlayback } from "../../playback-context";
import styles from "./anomalies.module.css";
import { type AnomalyFilter, anomalyFilter, noFilter, passes } from "./anomaly-filter";

const maxRows = 120;
const severities: readonly Severity[] = ["low", "medium", "high", "critical"];

/** The anomalies up to the shown frame, newest first. A click seeks to one. */
export function Anomalies() {
  const playback = usePlayback();
  const version = useFrameSample((sample) => sample.version);
  const upTo = useFrameSample(({ inspecting, shown }) => (inspecting ? shown?.frame.seq : undefined));
  const filter = useStore(anomalyFilter);
  const types = useStore(playback.store, ({ tape }) => tape?.event_counts);
  const { rows, seen, hidden } = useMemo(
    () => pick(playback.anomalies.items, filter, upTo, version),
    [playback, filter, upTo, version],
  );
  const known = [...new Set([...Object.keys(types ?? {}), ...seen, ...(filter.type ? [filter.type] : [])])].sort();
  return (
    <div className={styles.feed}>
      <div className={styles.filter}>
        <Select
          small
          aria-label="Minimum severity"
          value={filter.minSeverity}
          onChange={({ target }) => {
            const minSeverity = severities.find((severity) => severity === target.value);
            if (minSeverity) anomalyFilter.setState({ minSeverity });
          }}
        >
          <option value="low">All severities</option>
          <option value="medium">Medium and above</option>
          <option value="high">High and above</option>
          <option value="critical">Critical</option>
        </Select>
        <Select
          small
          aria-label="Anomaly type"
          value={filter.type}
          onChange={({ target }) => anomalyFilter.setState({ type: target.value })}
        >
          <option value="">All types</option>
          {known.map((type) => (
            <option key={type} value={type}>
              {nameOf(type)}
            </option>
          ))}
        </Select>
      </div>
      {hidden > 0 && (
        <p className={styles.hidden} title="The filter also applies to the scrubber and the charts">
          {countText(hidden)} hidden by the filter
          <Button onClick={() => anomalyFilter.setState(noFilter)}>Show all</Button>
        </p>
      )}
      {rows.length === 0 ? (
        <p className={styles.none}>
          {hidden > 0 ? "No anomalies pass the filter" : "No anomalies"} in this part of the tape.
        </p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content has to be reachable by keyboard
        <ol className={styles.list} aria-label="Anomalies, newest first" tabIndex={0}>
          {rows.map((row) => (
            <li key={`${row.seq} ${row.type} ${row.ms} ${row.message}`}>
              <button
                type="button"
                className={styles.row}
                title="Seek to this anomaly"
                onClick={() => void playback.seek(row.place)}
              >
                <span className={styles.severity} style={{ color: `var(--${row.severity})` }}>
                  {row.severity}
                </span>
                <span className={styles.what}>
                  <strong>{nameOf(row.type)}</strong>
                  <span>{row.message}</span>
                </span>
                <time className={styles.time}>{clockText(row.ms, 1)}</time>
              </button>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function pick(items: readonly LoggedAnomaly[], filter: AnomalyFilter, upTo: number | undefined, _version: number) {
  const rows: LoggedAnomaly[] = [];
  const seen = new Set<string>();
  let hidden = 0;
  for (let index = items.length - 1; index >= 0; index--) {
    const item = items[index];
    if (!item || (upTo !== undefined && item.seq > upTo)) continue;
    seen.add(item.type);
    if (!passes(filter, item)) hidden++;
    else if (rows.length < maxRows) rows.push(item);
  }
  return { rows, seen, hidden };
}
