import { lazy, Suspense, useEffect, useState } from "react";
import styles from "./app.module.css";
import { Badge, IconButton, ThemeButton } from "./design/controls";
import { none, priceText, signed } from "./design/format";
import { ExportMenu } from "./export/export-menu";
import { ModeSwitch } from "./modes/mode-switch";
import { SourcePicker } from "./modes/source-picker";
import { numberOf } from "./playback/frame-values";
import { useFrameSample, usePlayback } from "./playback-context";
import { ScrubberStrip } from "./scrubber/scrubber-strip";
import { leaveOtherCluster, trustCluster, untrustedCluster } from "./session/cluster-settings";
import { openSession } from "./session/session-navigation";
import { SessionButton } from "./session/session-panel";
import { Banners, Toasts } from "./states/notifications";
import { TrustDialog } from "./states/trust-dialog";
import { Help } from "./transport/help-dialog";
import { listenToKeys } from "./transport/keyboard-shortcuts";
import { TransportBar } from "./transport/transport-bar";
import { ViewLayout } from "./view-layout";

const Operations = lazy(() => import("./operations/operations"));

export function App() {
  const playback = usePlayback();
  const [untrusted, setUntrusted] = useState(untrustedCluster);
  if (untrusted === undefined) return <Page />;
  return (
    <TrustDialog
      api={untrusted}
      onTrust={() => {
        trustCluster(untrusted);
        setUntrusted(undefined);
        void openSession(playback);
      }}
      onRefuse={() => {
        leaveOtherCluster();
        setUntrusted(undefined);
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
          <SessionButton />
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
          <IconButton icon="help" label="Keyboard shortcuts and help" hotkey="?" onClick={() => setHelp(true)} />
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

/** Mid price, divergence of the microprice, and spread. */
function Quote() {
  const playback = usePlayback();
  const frame = useFrameSample(({ shown }) => shown?.frame);
  if (!frame) return <div className={styles.quote} />;
  const { decimals } = playback;
  const divergence = signed(numberOf(frame, "divergence") ?? 0, Math.min(8, decimals + 2));
  return (
    <div className={styles.quote}>
      <strong data-testid="mid">{priceText(frame.mid_price, decimals + 1)}</strong>
      <span
        data-direction={divergence.startsWith("−") ? -1 : divergence.startsWith("+") ? 1 : 0}
        title="Microprice minus mid price"
      >
        {divergence}
      </span>
      <span className={styles.quoteMore}>
        spread {frame.spread === null ? none : priceText(frame.spread, decimals)}
      </span>
    </div>
  );
}

function RegimeBadge() {
  const regime = useFrameSample(({ shown }) => shown?.frame.regime);
  const label = useFrameSample(({ shown }) => shown?.frame.regime_label);
  if (label === undefined) return null;
  return (
    <span className={styles.regime} data-regime={regime} title="Market regime">
      <Badge>
        <i aria-hidden="true" />
        {label}
      </Badge>
    </span>
  );
}

/** The page's path, and a function that changes it without reloading. The query stays. */
function usePath(): readonly [path: string, go: (path: string) => void] {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const onPopState = () => setPath(location.pathname);
    addEventListener("popstate", onPopState);
    return () => removeEventListener("popstate", onPopState);
  }, []);
  const go = (to: string) => {
    history.pushState(null, "", `${to}${location.search}`);
    setPath(to);
  };
  return [path, go];
}
