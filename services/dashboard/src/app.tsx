import { lazy, Suspense, useEffect, useState } from "react";
import styles from "./app.module.css";
import { useDeck } from "./deck-context";
import { IconButton } from "./design/controls";
import { ThemeButton } from "./design/theme-button";
import { ExportMenu } from "./export/export-menu";
import { ModeSwitch } from "./modes/mode-switch";
import { SourcePicker } from "./modes/source-picker";
import { Quote, RegimeBadge } from "./quote";
import { Scene } from "./scene";
import { ScrubberStrip } from "./scrubber/scrubber-strip";
import { openSession } from "./session/open-session";
import { SessionChip } from "./session/session-chip";
import { leaveOtherCluster } from "./session/session-choice";
import { trustCluster, unknownCluster } from "./session/trusted-clusters";
import { Notices, Strips } from "./states/strips";
import { TrustQuestion } from "./states/trust-question";
import { Help } from "./transport/help";
import { listenToKeys } from "./transport/keys";
import { TransportBar } from "./transport/transport-bar";
import { usePath } from "./use-path";

const Operations = lazy(() => import("./operations/operations"));

export function App() {
  const deck = useDeck();
  const [unknown, setUnknown] = useState(unknownCluster);
  if (unknown === undefined) return <Page />;
  return (
    <TrustQuestion
      api={unknown}
      onTrust={() => {
        trustCluster(unknown);
        setUnknown(undefined);
        void openSession(deck);
      }}
      onRefuse={() => {
        leaveOtherCluster();
        setUnknown(undefined);
        void openSession(deck);
      }}
    />
  );
}

function Page() {
  const [path, go] = usePath();
  if (path === "/operations") {
    return (
      <Suspense fallback={null}>
        <Operations onLeave={() => go("/")} />
      </Suspense>
    );
  }
  return <DeckPage onOperations={() => go("/operations")} />;
}

function DeckPage({ onOperations }: { readonly onOperations: () => void }) {
  const deck = useDeck();
  const [help, setHelp] = useState(false);
  useEffect(() => listenToKeys(deck, () => setHelp(true)), [deck]);
  return (
    <div className={styles.page}>
      <header className={styles.header}>
        <h1 className={styles.brand}>
          <img src="/icon.svg" width="22" height="22" alt="" />
          <span className={styles.brandText}>Tapedeck</span>
        </h1>
        <ModeSwitch />
        <div className={styles.source}>
          <SourcePicker />
        </div>
        <Quote />
        <RegimeBadge />
        <div className={styles.chip}>
          <SessionChip />
        </div>
        <div className={styles.tools}>
          <a
            className={styles.link}
            href="/operations"
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey) return;
              event.preventDefault();
              onOperations();
            }}
          >
            Operations
          </a>
          <ExportMenu />
          <ThemeButton />
          <IconButton icon="help" label="Keyboard and help" hotkey="?" onClick={() => setHelp(true)} />
        </div>
      </header>
      <Strips />
      <main className={styles.main}>
        <Scene />
      </main>
      <footer>
        <ScrubberStrip />
        <TransportBar />
      </footer>
      <Notices />
      <Help open={help} onClose={() => setHelp(false)} />
    </div>
  );
}
