import type { ClusterClient as Cluster, NodeView, SessionView } from "@tapedeck/client";
import { useCallback } from "react";
import { none, spanText } from "../design/format";
import { usePolling } from "../use-polling";
import { type Column, DataTable } from "./data-table";
import styles from "./operations.module.css";

interface Market {
  /** Source and symbol. */
  readonly name: string;
  readonly sessions: readonly SessionView[];
}

const columns: readonly Column<Market>[] = [
  { name: "Market", cell: ({ name }) => name },
  { name: "Status", cell: statusOf, tone: statusOf },
  { name: "Reason", cell: ({ sessions }) => sessions.find(({ feed }) => feed)?.feed?.reason ?? none },
  { name: "Tape", cell: ({ sessions }) => sessions.find(({ tape }) => tape !== null)?.tape ?? none },
  { name: "Sessions", numeric: true, cell: ({ sessions }) => sessions.length },
  {
    name: "Watching",
    numeric: true,
    cell: ({ sessions }) => sessions.reduce((sum, { connections }) => sum + connections, 0),
  },
  {
    name: "Farthest behind",
    numeric: true,
    cell: ({ sessions }) => spanText(Math.max(0, ...sessions.map(({ behind_ms }) => behind_ms ?? 0))),
  },
];

/** The markets that sessions in LIVE watch, with what their feeds say. */
export function FeedTable({
  cluster,
  nodes,
}: {
  readonly cluster: Cluster;
  readonly nodes: readonly NodeView[] | undefined;
}) {
  const live = usePolling(
    useCallback(() => cluster.sessions.list({ mode: "LIVE", limit: 1000 }), [cluster]),
    2000,
  );
  const workers = nodes?.filter(({ role }) => role === "feed") ?? [];
  return (
    <>
      <p className={styles.none}>
        {workers.length === 0
          ? "No feed worker was heard in the last 15 s."
          : `${workers.length} feed ${workers.length === 1 ? "worker" : "workers"}: ${workers.map(({ node }) => node).join(", ")}`}
      </p>
      <DataTable
        label="Markets"
        columns={columns}
        rows={live.value && byMarket(live.value.sessions)}
        keyOf={({ name }) => name}
        none="No session is in LIVE."
      />
    </>
  );
}

function statusOf({ sessions }: Market): string {
  return sessions.find(({ feed }) => feed)?.feed?.status ?? "up";
}

function byMarket(sessions: readonly SessionView[]): Market[] {
  const markets = new Map<string, SessionView[]>();
  for (const session of sessions) {
    const market = `${session.active_source ?? ""} ${session.active_symbol ?? ""}`.trim();
    markets.set(market, [...(markets.get(market) ?? []), session]);
  }
  return [...markets].map(([name, its]) => ({ name, sessions: its }));
}
