import type { ClusterClient as Cluster, Mode, SessionView } from "@tapedeck/client";
import { tapedeck } from "@tapedeck/client";
import { useCallback, useMemo, useState } from "react";
import type { ClusterAddress } from "../cluster-api";
import { Button, Input, Select, Tabs } from "../design/controls";
import { ThemeButton } from "../design/theme-button";
import { accessToken } from "../session/access-token";
import { apiOrigin } from "../session/session-links";
import { usePolling } from "../use-polling";
import { FeedTable } from "./feed-table";
import { Figures } from "./figures";
import { NodeTable } from "./node-table";
import styles from "./operations.module.css";
import { ReportTable } from "./report-table";
import { SessionTable } from "./sessions-tab";
import { TapeTable } from "./tape-table";

type Tab = "sessions" | "nodes" | "feeds" | "tapes" | "reports";
type State = SessionView["state"];

const tabs: readonly { readonly value: Tab; readonly text: string }[] = [
  { value: "sessions", text: "Sessions" },
  { value: "nodes", text: "Nodes" },
  { value: "feeds", text: "Feeds" },
  { value: "tapes", text: "Tapes" },
  { value: "reports", text: "Reports" },
];

/** The cluster from above: who watches what, and on which nodes. */
// biome-ignore lint/style/noDefaultExport: React loads a page that is split off by its default export
export default function Operations({ onLeave }: { readonly onLeave: () => void }) {
  const address = useMemo(() => ({ api: apiOrigin(), token: accessToken(apiOrigin()) }), []);
  const cluster = useMemo(() => openCluster(address), [address]);
  const [tab, setTab] = useState<Tab>("sessions");
  const metrics = usePolling(
    useCallback(() => cluster.metrics(), [cluster]),
    2000,
  );
  return (
    <div className={styles.page}>
      <header className={styles.header}>
        <Button onClick={onLeave}>← Deck</Button>
        <h1>Operations</h1>
        <output className={styles.problem}>{metrics.problem ?? ""}</output>
        <ThemeButton />
      </header>
      <main className={styles.main}>
        <Figures metrics={metrics.value} />
        <Tabs label="Parts of the cluster" tabs={tabs} value={tab} onChoose={setTab} controls="operations" />
        <div id="operations" role="tabpanel" aria-labelledby={`operations-${tab}`} className={styles.panel}>
          {tab === "sessions" && <Sessions cluster={cluster} />}
          {tab === "nodes" && <NodeTable nodes={metrics.value?.nodes} />}
          {tab === "feeds" && <FeedTable cluster={cluster} nodes={metrics.value?.nodes} />}
          {tab === "tapes" && <TapeTable cluster={cluster} />}
          {tab === "reports" && <ReportTable address={address} />}
        </div>
      </main>
    </div>
  );
}

function openCluster({ api: url, token }: ClusterAddress): Cluster {
  return tapedeck({ url, ...(token !== undefined && { token }) });
}

function Sessions({ cluster }: { readonly cluster: Cluster }) {
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
      <SessionTable sessions={found} cluster={cluster} onDeleted={sessions.again} />
      {sessions.value?.next_cursor && limit < 1000 && (
        <Button variant="outlined" onClick={() => setLimit(Math.min(1000, limit * 2))}>
          Show more
        </Button>
      )}
    </>
  );
}

const modes: readonly Mode[] = ["REPLAY", "LIVE", "SIMULATION"];
const states: readonly State[] = ["PLAYING", "PAUSED", "STOPPED"];
