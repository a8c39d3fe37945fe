import type { Dashboard } from "@tapedeck/client";
import { countText, lengthText, none } from "../design/format";
import styles from "./operations.module.css";

export function Figures({ metrics }: { readonly metrics: Dashboard | undefined }) {
  const sessions = metrics?.sessions;
  const whole = (value: number | undefined) => (value === undefined ? none : countText(value));
  return (
    <dl className={styles.figures}>
      <Figure name="Sessions" value={whole(sessions?.total_sessions)}>
        {sessions &&
          `${sessions.active_sessions} play, ${sessions.paused_sessions} paused, ${sessions.stopped_sessions} stopped`}
      </Figure>
      <Figure name="Sockets" value={whole(metrics?.active_websocket_connections)}>
        {sessions && modesText(sessions.mode_distribution)}
      </Figure>
      <Figure name="Frames a second" value={whole(metrics && Math.round(metrics.snapshots_per_second))}>
        {metrics && `${countText(metrics.total_websocket_messages_sent)} messages sent`}
      </Figure>
      <Figure name="Lateness p99" value={metrics ? `${metrics.p99_latency_ms.toFixed(1)} ms` : none}>
        {metrics && `p95 ${metrics.p95_latency_ms.toFixed(1)} ms`}
      </Figure>
      <Figure name="Made" value={whole(sessions?.created_total)}>
        {sessions && `${countText(sessions.expired_total)} expired, ${countText(sessions.deleted_total)} deleted`}
      </Figure>
      <Figure name="A session lives" value={lifeText(sessions?.average_session_duration_seconds)}>
        on average
      </Figure>
      <Figure name="Errors" value={whole(metrics?.total_errors)}>
        {metrics &&
          Object.entries(metrics.error_breakdown)
            .map(([role, count]) => `${role} ${count}`)
            .join(", ")}
      </Figure>
    </dl>
  );
}

function lifeText(seconds: number | undefined): string {
  return seconds ? lengthText(seconds * 1000) : none;
}

function modesText({ REPLAY, LIVE, SIMULATION }: Dashboard["sessions"]["mode_distribution"]): string {
  return `${REPLAY} replay, ${LIVE} live, ${SIMULATION} simulation`;
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly children?: React.ReactNode;
}

function Figure({ name, value, children }: FigureProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong>
        <span>{children}</span>
      </dd>
    </div>
  );
}
