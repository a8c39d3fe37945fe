import { lazy, Suspense, useEffect, useState } from "react";
import styles from "./app.module.css";
import { IconButton } from "./design/controls";
import { ThemeButton } from "./design/theme-button";
import { ExportMenu } from "./export/export-menu";
import { ModeSwitch } from "./modes/mode-switch";
import { SourcePicker } from "./modes/source-picker";
import { usePlayback } from "./playback-context";
import { Quote, RegimeBadge } from "./quote";
import { ScrubberStrip } from "./scrubber/scrubber-strip";
import { openSession } from "./session/open-session";
import { SessionChip } from "./session/session-chip";
import { leaveOtherCluster } from "./session/session-links";
import { trustCluster, unknownCluster } from "./session/trusted-clusters";
import { Banners, Toasts } from "./states/notifications";
import { TrustDialog } from "./states/trust-dialog";
import { Help } from "./transport/help-dialog";
import { listenToKeys } from "./transport/keyboard-shortcuts";
import { TransportBar } from "./transport/transport-bar";
import { usePath } from "./use-path";
import { ViewLayout } from "./view-layout";

const Operations = lazy(() => import("./operations/operations"));

export function App() {
  const playback = usePlayback();
  const [unknown, setUnknown] = useState(unknownCluster);
  if (unknown === undefined) return <Page />;
  return (
    <TrustDialog
      api={unknown}
      onTrust={() => {
        trustCluster(unknown);
        setUnknown(undefined);
        void openSession(playback);
      }}
      onRefuse={() => {
        leaveOtherCluster();
        setUnknown(undefined);
        void openSession(playback);
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
  const playback = usePlayback();
  const [help, setHelp] = useState(false);
  useEffect(() => listenToKeys(playback, () => setHelp(true)), [playback]);
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
      <Banners />
      <main className={styles.main}>
        <ViewLayout />
      </main>
      <footer>
        <ScrubberStrip />
        <TransportBar />
      </footer>
      <Toasts />
      <Help open={help} onClose={() => setHelp(false)} />
    </div>
  );
}
