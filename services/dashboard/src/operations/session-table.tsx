import type { Deck as Cluster, SessionView } from "@tapedeck/client";
import { useState } from "react";
import { Button, IconButton } from "../design/controls";
import { clockText, dateText, none, spanText, speedText } from "../design/format";
import { sharedLink } from "../session/session-choice";
import styles from "./operations.module.css";

interface SessionTableProps {
  readonly sessions: readonly SessionView[] | undefined;
  readonly cluster: Cluster;
  readonly onDeleted: () => void;
}

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
  return (
    <>
      {problem && <p className={styles.problem}>{problem}</p>}
      <div className={styles.scroll}>
        <table className={styles.table} data-testid="sessions">
          <thead>
            <tr>
              <th scope="col">Session</th>
              <th scope="col">Mode</th>
              <th scope="col">State</th>
              <th scope="col">Speed</th>
              <th scope="col">Tape</th>
              <th scope="col">Playhead (UTC)</th>
              <th scope="col">Watching</th>
              <th scope="col">Made</th>
              <th scope="col">Expires</th>
              <th scope="col">
                <span className="unseen">Delete</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {sessions?.map((session) => (
              <tr key={session.session_id}>
                <th scope="row">
                  <a href={sharedLink(session.session_id)}>{session.session_id}</a>
                </th>
                <td>{session.mode}</td>
                <td data-state={session.state}>{session.parked ? "PARKED" : session.state}</td>
                <td className={styles.number}>{speedText(session.speed)}</td>
                <td>{session.tape ?? none}</td>
                <td>{timeText(session.cursor_ts)}</td>
                <td className={styles.number}>{session.connections}</td>
                <td title={timeText(session.created_at)}>{agoText(session.created_at)}</td>
                <td title={timeText(session.expires_at)}>{agoText(session.expires_at)}</td>
                <td className={styles.act}>
                  {asked === session.session_id ? (
                    <>
                      <Button look="danger" onClick={() => void remove(session.session_id)}>
                        Delete
                      </Button>
                      <Button onClick={() => setAsked(undefined)}>Keep</Button>
                    </>
                  ) : (
                    <IconButton
                      icon="trash"
                      size={14}
                      label={`Delete ${session.session_id}`}
                      onClick={() => setAsked(session.session_id)}
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {sessions?.length === 0 && <p className={styles.none}>No such session.</p>}
      </div>
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
