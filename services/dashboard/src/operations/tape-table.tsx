import type { Deck as Cluster } from "@tapedeck/client";
import { useCallback } from "react";
import { bytesText, clockText, countText, dateText, lengthText, none } from "../design/format";
import styles from "./operations.module.css";
import { usePolled } from "./polled";

export function TapeTable({ cluster }: { readonly cluster: Cluster }) {
  const tapes = usePolled(
    useCallback(() => cluster.tapes.list(), [cluster]),
    5000,
  );
  return (
    <div className={styles.scroll}>
      {tapes.problem && <p className={styles.problem}>{tapes.problem}</p>}
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Tape</th>
            <th scope="col">Symbol</th>
            <th scope="col">Source</th>
            <th scope="col">From (UTC)</th>
            <th scope="col">Lasts</th>
            <th scope="col">Frames</th>
            <th scope="col">Trades</th>
            <th scope="col">Gaps</th>
            <th scope="col">Events</th>
            <th scope="col">Size</th>
          </tr>
        </thead>
        <tbody>
          {tapes.value?.map((tape) => (
            <tr key={`${tape.id}@${tape.version}`}>
              <th scope="row">
                {tape.id}@{tape.version}
              </th>
              <td>{tape.symbol}</td>
              <td>{tape.source}</td>
              <td>
                {dateText(Date.parse(tape.from))} {clockText(Date.parse(tape.from), 0)}
              </td>
              <td className={styles.number}>{lengthText(tape.duration_ms)}</td>
              <td className={styles.number}>{countText(tape.frames)}</td>
              <td className={styles.number}>{tape.trades === null ? none : countText(tape.trades)}</td>
              <td className={styles.number}>{tape.gaps.length}</td>
              <td className={styles.number}>
                {tape.event_counts === null
                  ? none
                  : countText(Object.values(tape.event_counts).reduce((sum, count) => sum + count, 0))}
              </td>
              <td className={styles.number}>{tape.growing ? "growing" : bytesText(tape.bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {tapes.value?.length === 0 && <p className={styles.none}>There is no tape yet.</p>}
    </div>
  );
}
