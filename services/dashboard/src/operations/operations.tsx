import { type Dashboard, tapedeck } from "@tapedeck/client";
import { type ReactNode, useCallback, useMemo, useState } from "react";
import { Button, Tabs, ThemeButton } from "../design/controls";
import { countText, lengthText, none } from "../design/format";
import { accessToken, apiOrigin } from "../session/cluster-settings";
import { usePolling } from "../use-polling";
import { FeedsTab, NodesTab, ReportsTab, TapesTab } from "./cluster-tabs";
import styles from "./operations.module.css";
import { SessionsTab } from "./sessions-tab";

type Tab = "sessions" | "nodes" | "feeds" | "tapes" | "reports";

const tabs: readonly { readonly value: Tab; readonly text: string }[] = [
  { value: "sessions", text: "Sessions" },
  { value: "nodes", text: "Nodes" },
  { value: "feeds", text: "Feeds" },
  { value: "tapes", text: "Tapes" },
  { value: "reports", text: "Reports" },
];

/** The page for operators: sessions, nodes, feeds, tapes and reports of the cluster. */
// biome-ignore lint/style/noDefaultExport: React.lazy loads a component by its default export
export default function Operations({ onLeave }: { readonly onLeave: () => void }) {
  const address = useMemo(() => ({ api: apiOrigin(), token: accessToken(apiOrigin()) }), []);
  const cluster = useMemo(() => {
    const { api: url, token } = address;
    return tapedeck({ url, ...(token !== undefined && { token }) });
  }, [address]);
  const [tab, setTab] = useState<Tab>("sessions");
  const metrics = usePolling(
    useCallback(() => cluster.metrics(), [cluster]),
    2000,
  );
  return (
    <div className={styles.page}>
      <header className={styles.header}>
        <Button onClick={onLeave}>← Deck</Button>
        <h1>Operations</h1>
        <output className={styles.problem}>{metrics.problem ?? ""}</output>
        <ThemeButton />
      </header>
      <main className={styles.main}>
        <Figures metrics={metrics.value} />
        <Tabs label="Cluster" tabs={tabs} value={tab} onChoose={setTab} controls="operations" />
        <div id="operations" role="tabpanel" aria-labelledby={`operations-${tab}`} className={styles.panel}>
          {tab === "sessions" && <SessionsTab cluster={cluster} />}
          {tab === "nodes" && <NodesTab nodes={metrics.value?.nodes} />}
          {tab === "feeds" && <FeedsTab cluster={cluster} nodes={metrics.value?.nodes} />}
          {tab === "tapes" && <TapesTab cluster={cluster} />}
          {tab === "reports" && <ReportsTab address={address} />}
        </div>
      </main>
    </div>
  );
}

function Figures({ metrics }: { readonly metrics: Dashboard | undefined }) {
  const sessions = metrics?.sessions;
  const count = (value: number | undefined) => (value === undefined ? none : countText(value));
  const lifetime = sessions?.average_session_duration_seconds;
  return (
    <dl className={styles.figures}>
      <Figure name="Sessions" value={count(sessions?.total_sessions)}>
        {sessions &&
          `${sessions.active_sessions} playing, ${sessions.paused_sessions} paused, ${sessions.stopped_sessions} stopped`}
      </Figure>
      <Figure name="Sockets" value={count(metrics?.active_websocket_connections)}>
        {sessions && modesText(sessions.mode_distribution)}
      </Figure>
      <Figure name="Frames per second" value={count(metrics && Math.round(metrics.snapshots_per_second))}>
        {metrics && `${countText(metrics.total_websocket_messages_sent)} messages sent`}
      </Figure>
      <Figure name="Lateness p99" value={metrics ? `${metrics.p99_latency_ms.toFixed(1)} ms` : none}>
        {metrics && `p95 ${metrics.p95_latency_ms.toFixed(1)} ms`}
      </Figure>
      <Figure name="Sessions created" value={count(sessions?.created_total)}>
        {sessions && `${countText(sessions.expired_total)} expired, ${countText(sessions.deleted_total)} deleted`}
      </Figure>
      <Figure name="Session lifetime" value={lifetime ? lengthText(lifetime * 1000) : none}>
        average
      </Figure>
      <Figure name="Errors" value={count(metrics?.total_errors)}>
        {metrics &&
          Object.entries(metrics.error_breakdown)
            .map(([role, errors]) => `${role} ${errors}`)
            .join(", ")}
      </Figure>
    </dl>
  );
}

function modesText({ REPLAY, LIVE, SIMULATION }: Dashboard["sessions"]["mode_distribution"]): string {
  return `${REPLAY} replay, ${LIVE} live, ${SIMULATION} simulation`;
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly children?: ReactNode;
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
