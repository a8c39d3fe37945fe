import type { ClusterClient as Cluster } from "@tapedeck/client";
import { useCallback } from "react";
import { bytesText, clockText, countText, dateText, lengthText, none } from "../design/format";
import { usePolling } from "../use-polling";
import { type Column, DataTable } from "./data-table";
import styles from "./operations.module.css";

type TapeView = Awaited<ReturnType<Cluster["tapes"]["list"]>>[number];

const columns: readonly Column<TapeView>[] = [
  { name: "Tape", cell: nameOf },
  { name: "Symbol", cell: ({ symbol }) => symbol },
  { name: "Source", cell: ({ source }) => source },
  { name: "From (UTC)", cell: ({ from }) => `${dateText(Date.parse(from))} ${clockText(Date.parse(from), 0)}` },
  { name: "Lasts", numeric: true, cell: ({ duration_ms }) => lengthText(duration_ms) },
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

export function TapeTable({ cluster }: { readonly cluster: Cluster }) {
  const tapes = usePolling(
    useCallback(() => cluster.tapes.list(), [cluster]),
    5000,
  );
  return (
    <>
      {tapes.problem && <p className={styles.problem}>{tapes.problem}</p>}
      <DataTable label="Tapes" columns={columns} rows={tapes.value} keyOf={nameOf} none="There is no tape yet." />
    </>
  );
}

function nameOf({ id, version }: TapeView): string {
  return `${id}@${version}`;
}

function totalText(counts: Readonly<Record<string, number>>): string {
  return countText(Object.values(counts).reduce((sum, count) => sum + count, 0));
}
