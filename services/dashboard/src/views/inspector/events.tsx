import type { Frame, TrackLine } from "@tapedeck/protocol";
import { useEffect, useState } from "react";
import { loadEvents } from "../../cluster-api";
import { classes } from "../../design/controls";
import { clockText } from "../../design/format";
import { useFrameSample, usePageState, usePlayback } from "../../playback-context";
import styles from "./inspector.module.css";

/** A whole book has thousands of lines. */
const mostLines = 500;

/** What the source said that the frame shows for the first time, line by line, and what became of it. */
export function Events({ frame: { seq, skipped = 0 } }: { readonly frame: Frame }) {
  const { address } = usePlayback();
  const tape = usePageState(({ session }) => session?.tape);
  const sessionId = usePageState(({ session }) => session?.session_id);
  const playing = usePageState(({ session }) => session?.state === "PLAYING");
  const inspecting = useFrameSample((sample) => sample.inspecting);
  const [lines, setLines] = useState<readonly TrackLine[]>();
  const [problem, setProblem] = useState<string>();
  const wanted = !playing || inspecting;
  useEffect(() => {
    setLines(undefined);
    setProblem(undefined);
    if (!tape || !sessionId || !wanted) return;
    const left = new AbortController();
    loadEvents(address, { tape, sessionId }, { fromSeq: seq - skipped, toSeq: seq + 1 }, left.signal).then(
      setLines,
      (error: unknown) => {
        if (!left.signal.aborted) setProblem(error instanceof Error ? error.message : String(error));
      },
    );
    return () => left.abort();
  }, [address, tape, sessionId, wanted, seq, skipped]);
  if (!wanted) return <p className={styles.none}>Pause, or click on a moment, to see its events.</p>;
  if (problem !== undefined) return <p className={styles.none}>{problem}</p>;
  if (lines === undefined) return <p className={styles.none}>Loading …</p>;
  if (lines.length === 0) return <p className={styles.none}>No event is shown first by this frame.</p>;
  return (
    <>
      <table className={classes(styles.levels, styles.events)} aria-label="Events">
        <thead>
          <tr>
            <th scope="col">Event</th>
            <th scope="col">Time</th>
            <th scope="col">Side</th>
            <th scope="col">Price</th>
            <th scope="col">Size</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {lines.slice(0, mostLines).map((line, nth) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place in the list
            <tr key={nth}>
              <td>{line.n}</td>
              {/* Without hours and date: the frame's are above. */}
              <td title={line.timestamp}>{clockText(Date.parse(line.timestamp)).slice(3)}</td>
              <td data-side={line.side === "bid" || line.side === "buy" ? "buy" : "sell"}>{nameOf(line)}</td>
              <td>{line.price}</td>
              <td>{line.amount}</td>
              <td>{line.state}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {lines.length > mostLines && <p className={styles.none}>{lines.length - mostLines} more lines are not listed.</p>}
    </>
  );
}

function nameOf(line: TrackLine): string {
  if (line.kind === "trade") return `trade, ${line.side}`;
  return line.is_snapshot ? `${line.side}, whole book` : line.side;
}
