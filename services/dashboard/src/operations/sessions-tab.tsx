import type { ClusterClient as Cluster, SessionView } from "@tapedeck/client";
import { useState } from "react";
import { Button, IconButton } from "../design/controls";
import { clockText, dateText, none, spanText, speedText } from "../design/format";
import { sessionLink } from "../session/session-links";
import { type Column, DataTable } from "./data-table";
import styles from "./operations.module.css";

interface SessionTableProps {
  readonly sessions: readonly SessionView[] | undefined;
  readonly cluster: Cluster;
  readonly onDeleted: () => void;
}

const facts: readonly Column<SessionView>[] = [
  { name: "Session", cell: ({ session_id }) => <a href={sessionLink(session_id)}>{session_id}</a> },
  { name: "Mode", cell: ({ mode }) => mode },
  { name: "State", cell: ({ parked, state }) => (parked ? "PARKED" : state), tone: ({ state }) => state },
  { name: "Speed", numeric: true, cell: ({ speed }) => speedText(speed) },
  { name: "Tape", cell: ({ tape }) => tape ?? none },
  { name: "Playhead (UTC)", cell: ({ cursor_ts }) => timeText(cursor_ts) },
  { name: "Watching", numeric: true, cell: ({ connections }) => connections },
  { name: "Made", cell: ({ created_at }) => agoText(created_at), hint: ({ created_at }) => timeText(created_at) },
  { name: "Expires", cell: ({ expires_at }) => agoText(expires_at), hint: ({ expires_at }) => timeText(expires_at) },
];

export function SessionTable({ sessions, cluster, onDeleted }: SessionTableProps) {
  const [asked, setAsked] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const remove = async (id: string) => {
    setAsked(undefined);
    try {
      await cluster.sessions.delete(id);
      setProblem(undefined);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    onDeleted();
  };
  const columns: readonly Column<SessionView>[] = [
    ...facts,
    {
      name: "Delete",
      cell: ({ session_id: id }) =>
        asked === id ? (
          <>
            <Button variant="danger" onClick={() => void remove(id)}>
              Delete
            </Button>
            <Button onClick={() => setAsked(undefined)}>Keep</Button>
          </>
        ) : (
          <IconButton icon="trash" size={14} label={`Delete ${id}`} onClick={() => setAsked(id)} />
        ),
    },
  ];
  return (
    <>
      {problem && <p className={styles.problem}>{problem}</p>}
      <DataTable
        label="Sessions"
        columns={columns}
        rows={sessions}
        keyOf={({ session_id }) => session_id}
        none="No such session."
      />
    </>
  );
}

function timeText(time: string | null): string {
  if (time === null) return none;
  const ms = Date.parse(time);
  return `${dateText(ms)} ${clockText(ms, 0)}`;
}

/** `12 min ago`, or `in 59 min`. */
function agoText(time: string | null): string {
  if (time === null) return none;
  const ms = Date.now() - Date.parse(time);
  return ms < 0 ? `in ${spanText(ms)}` : `${spanText(ms)} ago`;
}
