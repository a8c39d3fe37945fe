import type { ClusterClient, NodeView, SessionView, TapeView } from "@tapedeck/client";
import type { ReportSummary } from "@tapedeck/protocol";
import { useCallback, useState } from "react";
import { type ClusterAddress, loadReports } from "../cluster-api";
import { Button } from "../design/controls";
import { bytesText, countText, dateTimeText, lengthText, none, signed, spanText } from "../design/format";
import { saveOrders } from "../export/save-file";
import { usePolling } from "../use-polling";
import { type Column, DataTable } from "./data-table";
import styles from "./operations.module.css";

const nodeFields = ["node", "role", "version", "pid", "url", "seen_ms", "up_s"];

const nodeColumns: readonly Column<NodeView>[] = [
  { name: "Node", cell: ({ node }) => node },
  { name: "Role", cell: ({ role }) => role },
  { name: "Version", cell: ({ version }) => textOf(version) },
  { name: "Process", numeric: true, cell: ({ pid }) => (typeof pid === "number" ? pid : none) },
  { name: "Uptime", numeric: true, cell: ({ up_s }) => (typeof up_s === "number" ? lengthText(up_s * 1000) : none) },
  { name: "Load", cell: (node) => <Load node={node} /> },
];

export function NodesTab({ nodes }: { readonly nodes: readonly NodeView[] | undefined }) {
  const sorted = nodes?.toSorted((a, b) => a.role.localeCompare(b.role) || a.node.localeCompare(b.node));
  return (
    <DataTable
      label="Nodes"
      columns={nodeColumns}
      rows={sorted}
      keyOf={({ node }) => node}
      empty="No node has sent a heartbeat recently."
    />
  );
}

/** The remaining fields of a heartbeat. Each role sends its own, so they are listed as they are. */
function Load({ node }: { readonly node: NodeView }) {
  return (
    <dl className={styles.load}>
      {Object.entries(node)
        .filter(([name]) => !nodeFields.includes(name))
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name.replaceAll("_", " ")}</dt>
            <dd>{textOf(value)}</dd>
          </div>
        ))}
    </dl>
  );
}

function textOf(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? countText(value) : value.toFixed(2);
  return value === undefined ? none : String(value);
}

interface Market {
  /** Source and symbol. */
  readonly name: string;
  readonly sessions: readonly SessionView[];
}

const marketColumns: readonly Column<Market>[] = [
  { name: "Market", cell: ({ name }) => name },
  { name: "Status", cell: statusOf, tone: statusOf },
  { name: "Reason", cell: ({ sessions }) => sessions.find(({ feed }) => feed)?.feed?.reason ?? none },
  { name: "Tape", cell: ({ sessions }) => sessions.find(({ tape }) => tape !== null)?.tape ?? none },
  { name: "Sessions", numeric: true, cell: ({ sessions }) => sessions.length },
  {
    name: "Viewers",
    numeric: true,
    cell: ({ sessions }) => sessions.reduce((sum, { connections }) => sum + connections, 0),
  },
  {
    name: "Max. behind",
    numeric: true,
    cell: ({ sessions }) => spanText(Math.max(0, ...sessions.map(({ behind_ms }) => behind_ms ?? 0))),
  },
];

interface FeedsTabProps {
  readonly cluster: ClusterClient;
  readonly nodes: readonly NodeView[] | undefined;
}

/** The markets of the sessions in LIVE, with the status of their feeds. */
export function FeedsTab({ cluster, nodes }: FeedsTabProps) {
  const live = usePolling(
    useCallback(() => cluster.sessions.list({ mode: "LIVE", limit: 1000 }), [cluster]),
    2000,
  );
  const workers = nodes?.filter(({ role }) => role === "feed") ?? [];
  return (
    <>
      <p className={styles.none}>
        {workers.length === 0
          ? "No feed worker has sent a heartbeat recently."
          : `${workers.length} feed ${workers.length === 1 ? "worker" : "workers"}: ${workers.map(({ node }) => node).join(", ")}`}
      </p>
      <DataTable
        label="Markets"
        columns={marketColumns}
        rows={live.value && byMarket(live.value.sessions)}
        keyOf={({ name }) => name}
        empty="No sessions in LIVE."
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
  return [...markets].map(([name, grouped]) => ({ name, sessions: grouped }));
}

const tapeColumns: readonly Column<TapeView>[] = [
  { name: "Tape", cell: tapeName },
  { name: "Symbol", cell: ({ symbol }) => symbol },
  { name: "Source", cell: ({ source }) => source },
  { name: "From (UTC)", cell: ({ from }) => dateTimeText(Date.parse(from)) },
  { name: "Duration", numeric: true, cell: ({ duration_ms }) => lengthText(duration_ms) },
  { name: "Frames", numeric: true, cell: ({ frames }) => countText(frames) },
  { name: "Trades", numeric: true, cell: ({ trades }) => (trades === null ? none : countText(trades)) },
  { name: "Gaps", numeric: true, cell: ({ gaps }) => gaps.length },
  {
    name: "Events",
    numeric: true,
    cell: ({ event_counts }) => (event_counts === null ? none : totalText(event_counts)),
  },
  { name: "Size", numeric: true, cell: ({ growing, bytes }) => (growing ? "growing" : bytesText(bytes)) },
];

export function TapesTab({ cluster }: { readonly cluster: ClusterClient }) {
  const tapes = usePolling(
    useCallback(() => cluster.tapes.list(), [cluster]),
    5000,
  );
  return (
    <>
      {tapes.problem && <p className={styles.problem}>{tapes.problem}</p>}
      <DataTable label="Tapes" columns={tapeColumns} rows={tapes.value} keyOf={tapeName} empty="No tapes yet." />
    </>
  );
}

function tapeName({ id, version }: TapeView): string {
  return `${id}@${version}`;
}

function totalText(counts: Readonly<Record<string, number>>): string {
  return countText(Object.values(counts).reduce((sum, count) => sum + count, 0));
}

/** Sessions with orders in simulated markets. */
export function ReportsTab({ address }: { readonly address: ClusterAddress }) {
  const reports = usePolling(
    useCallback(() => loadReports(address), [address]),
    5000,
  );
  const [problem, setProblem] = useState<string>();
  const save = async ({ session_id }: ReportSummary) => {
    try {
      await saveOrders(address, session_id);
      setProblem(undefined);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  const columns: readonly Column<ReportSummary>[] = [
    { name: "Session", cell: ({ session_id }) => session_id },
    { name: "Orders", numeric: true, cell: ({ orders }) => orders },
    {
      name: "Last fill (UTC)",
      cell: ({ last_fill }) => (last_fill ? dateTimeText(Date.parse(last_fill.timestamp)) : none),
    },
    { name: "Position", numeric: true, cell: ({ account }) => account?.position ?? none },
    { name: "Realised", numeric: true, cell: ({ account }) => (account ? signed(account.realized_pnl, 2) : none) },
    { name: "Report", cell: (report) => <Button onClick={() => void save(report)}>Save as CSV</Button> },
  ];
  return (
    <>
      {(problem ?? reports.problem) && <p className={styles.problem}>{problem ?? reports.problem}</p>}
      <DataTable
        label="Reports"
        columns={columns}
        rows={reports.value}
        keyOf={({ session_id }) => session_id}
        empty="No orders in simulated markets yet."
      />
    </>
  );
}
