import type { ClusterClient, Mode, SessionView } from "@tapedeck/client";
import { useCallback, useState } from "react";
import { Button, IconButton, Input, Select } from "../design/controls";
import { dateTimeText, none, spanText, speedText } from "../design/format";
import { sessionLink } from "../session/session-navigation";
import { usePolling } from "../use-polling";
import { type Column, DataTable } from "./data-table";
import styles from "./operations.module.css";

type State = SessionView["state"];

const modes: readonly Mode[] = ["REPLAY", "LIVE", "SIMULATION"];
const states: readonly State[] = ["PLAYING", "PAUSED", "STOPPED"];
const maxSessions = 1000;

export function SessionsTab({ cluster }: { readonly cluster: ClusterClient }) {
  const [text, setText] = useState("");
  const [mode, setMode] = useState<Mode | undefined>();
  const [state, setState] = useState<State | undefined>();
  const [limit, setLimit] = useState(100);
  const sessions = usePolling(
    useCallback(
      () => cluster.sessions.list({ limit, ...(mode && { mode }), ...(state && { state }) }),
      [cluster, limit, mode, state],
    ),
    2000,
  );
  const wanted = text.trim().toLowerCase();
  const found = sessions.value?.sessions.filter((session) =>
    `${session.session_id} ${session.tape} ${session.active_symbol} ${session.user_id}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      <div className={styles.filter}>
        <Input
          type="search"
          aria-label="Search sessions"
          placeholder="Search id, tape or symbol"
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
        <Select
          aria-label="Mode"
          value={mode ?? ""}
          onChange={({ target }) => setMode(modes.find((one) => one === target.value))}
        >
          <option value="">All modes</option>
          {modes.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Select>
        <Select
          aria-label="State"
          value={state ?? ""}
          onChange={({ target }) => setState(states.find((one) => one === target.value))}
        >
          <option value="">All states</option>
          {states.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Select>
        <output className={styles.count}>
          {found && sessions.value ? `${found.length} of ${sessions.value.total_sessions}` : ""}
        </output>
        {sessions.problem && <span className={styles.problem}>{sessions.problem}</span>}
      </div>
      <SessionTable sessions={found} cluster={cluster} onDeleted={sessions.refresh} />
      {sessions.value?.next_cursor && limit < maxSessions && (
        <Button variant="outlined" onClick={() => setLimit(Math.min(maxSessions, limit * 2))}>
          Show more
        </Button>
      )}
    </>
  );
}

const columns: readonly Column<SessionView>[] = [
  { name: "Session", cell: ({ session_id }) => <a href={sessionLink(session_id)}>{session_id}</a> },
  { name: "Mode", cell: ({ mode }) => mode },
  { name: "State", cell: ({ parked, state }) => (parked ? "PARKED" : state), tone: ({ state }) => state },
  { name: "Speed", numeric: true, cell: ({ speed }) => speedText(speed) },
  { name: "Tape", cell: ({ tape }) => tape ?? none },
  { name: "Playhead (UTC)", cell: ({ cursor_ts }) => timeText(cursor_ts) },
  { name: "Viewers", numeric: true, cell: ({ connections }) => connections },
  { name: "Created", cell: ({ created_at }) => agoText(created_at), hint: ({ created_at }) => timeText(created_at) },
  { name: "Expires", cell: ({ expires_at }) => agoText(expires_at), hint: ({ expires_at }) => timeText(expires_at) },
];

interface SessionTableProps {
  readonly sessions: readonly SessionView[] | undefined;
  readonly cluster: ClusterClient;
  readonly onDeleted: () => void;
}

function SessionTable({ sessions, cluster, onDeleted }: SessionTableProps) {
  const [confirming, setConfirming] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const remove = async (id: string) => {
    setConfirming(undefined);
    try {
      await cluster.sessions.delete(id);
      setProblem(undefined);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    onDeleted();
  };
  const deleteColumn: Column<SessionView> = {
    name: "Delete",
    cell: ({ session_id: id }) =>
      confirming === id ? (
        <>
          <Button variant="danger" onClick={() => void remove(id)}>
            Delete
          </Button>
          <Button onClick={() => setConfirming(undefined)}>Cancel</Button>
        </>
      ) : (
        <IconButton icon="trash" size={14} label={`Delete ${id}`} onClick={() => setConfirming(id)} />
      ),
  };
  return (
    <>
      {problem && <p className={styles.problem}>{problem}</p>}
      <DataTable
        label="Sessions"
        columns={[...columns, deleteColumn]}
        rows={sessions}
        keyOf={({ session_id }) => session_id}
        empty="No matching sessions."
      />
    </>
  );
}

function timeText(time: string | null): string {
  return time === null ? none : dateTimeText(Date.parse(time));
}

/** `12 min ago`, or `in 59 min`. */
function agoText(time: string | null): string {
  if (time === null) return none;
  const ms = Date.now() - Date.parse(time);
  return ms < 0 ? `in ${spanText(ms)}` : `${spanText(ms)} ago`;
}
