import type { Deck as Cluster, NodeView, SessionView } from "@tapedeck/client";
import { useCallback } from "react";
import { none, spanText } from "../design/format";
import styles from "./operations.module.css";
import { usePolled } from "./polled";

/** The markets that sessions in LIVE watch, with what their feeds say. */
export function FeedTable({
  cluster,
  nodes,
}: {
  readonly cluster: Cluster;
  readonly nodes: readonly NodeView[] | undefined;
}) {
  const live = usePolled(
    useCallback(() => cluster.sessions.list({ mode: "LIVE", limit: 1000 }), [cluster]),
    2000,
  );
  const markets = byMarket(live.value?.sessions ?? []);
  const workers = nodes?.filter(({ role }) => role === "feed") ?? [];
  return (
    <div className={styles.scroll}>
      <p className={styles.none}>
        {workers.length === 0
          ? "No feed worker was heard in the last 15 s."
          : `${workers.length} feed ${workers.length === 1 ? "worker" : "workers"}: ${workers.map(({ node }) => node).join(", ")}`}
      </p>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Market</th>
            <th scope="col">Status</th>
            <th scope="col">Reason</th>
            <th scope="col">Tape</th>
            <th scope="col">Sessions</th>
            <th scope="col">Watching</th>
            <th scope="col">Farthest behind</th>
          </tr>
        </thead>
        <tbody>
          {[...markets].map(([market, sessions]) => {
            const feed = sessions.find((session) => session.feed)?.feed;
            return (
              <tr key={market}>
                <th scope="row">{market}</th>
                <td data-feed={feed?.status ?? "up"}>{feed?.status ?? "up"}</td>
                <td>{feed?.reason ?? none}</td>
                <td>{sessions.find(({ tape }) => tape !== null)?.tape ?? none}</td>
                <td className={styles.number}>{sessions.length}</td>
                <td className={styles.number}>{sessions.reduce((sum, { connections }) => sum + connections, 0)}</td>
                <td className={styles.number}>
                  {spanText(Math.max(0, ...sessions.map(({ behind_ms }) => behind_ms ?? 0)))}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {markets.size === 0 && <p className={styles.none}>No session is in LIVE.</p>}
    </div>
  );
}

function byMarket(sessions: readonly SessionView[]): ReadonlyMap<string, SessionView[]> {
  const markets = new Map<string, SessionView[]>();
  for (const session of sessions) {
    const market = `${session.active_source ?? ""} ${session.active_symbol ?? ""}`.trim();
    markets.set(market, [...(markets.get(market) ?? []), session]);
  }
  return markets;
}
