import type { ReportSummary } from "@tapedeck/protocol";
import { useCallback, useState } from "react";
import type { ClusterAddress } from "../cluster-api";
import { Button } from "../design/controls";
import { clockText, dateText, none, signed } from "../design/format";
import { saveFile } from "../export/save-file";
import { loadOrders, loadReports } from "../trading/load-report";
import { usePolling } from "../use-polling";
import { type Column, DataTable } from "./data-table";
import styles from "./operations.module.css";

/** Sessions whose users have given orders in simulated markets. */
export function ReportTable({ address }: { readonly address: ClusterAddress }) {
  const reports = usePolling(
    useCallback(() => loadReports(address), [address]),
    5000,
  );
  const [problem, setProblem] = useState<string>();
  const keep = async ({ session_id }: ReportSummary) => {
    try {
      saveFile(await loadOrders(address, session_id), `tapedeck-orders-${session_id}.csv`);
      setProblem(undefined);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  const columns: readonly Column<ReportSummary>[] = [
    { name: "Session", cell: ({ session_id }) => session_id },
    { name: "Orders", numeric: true, cell: ({ orders }) => orders },
    { name: "Last fill (UTC)", cell: ({ last_fill }) => (last_fill ? timeText(last_fill.timestamp) : none) },
    { name: "Position", numeric: true, cell: ({ account }) => account?.position ?? none },
    { name: "Realised", numeric: true, cell: ({ account }) => (account ? signed(account.realized_pnl, 2) : none) },
    { name: "Report", cell: (report) => <Button onClick={() => void keep(report)}>Save as CSV</Button> },
  ];
  return (
    <>
      {(problem ?? reports.problem) && <p className={styles.problem}>{problem ?? reports.problem}</p>}
      <DataTable
        label="Reports"
        columns={columns}
        rows={reports.value}
        keyOf={({ session_id }) => session_id}
        none="Nobody has given an order in a simulated market."
      />
    </>
  );
}

function timeText(iso: string): string {
  const ms = Date.parse(iso);
  return `${dateText(ms)} ${clockText(ms, 0)}`;
}
