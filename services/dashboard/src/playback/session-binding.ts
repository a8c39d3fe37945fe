import type { ClusterClient, Session, SessionView, StateChange } from "@tapedeck/client";
import type { StoreApi } from "zustand/vanilla";
import { type ClusterAddress, loadHistory } from "../cluster-api";
import type { SessionTrading } from "../trading/orders/session-trading";
import type { AnimationLoop } from "./animation-loop";
import { type FrameLog, follows } from "./frame-log";
import type { Inspection } from "./inspection";
import type { PageState, ToastTone } from "./page-state";
import { marketOf, TapeLoader } from "./tape-loader";
import type { Viewport } from "./viewport";

/** What a session is shown on. */
interface SessionDisplay {
  readonly store: StoreApi<PageState>;
  readonly log: FrameLog;
  readonly inspection: Inspection;
  readonly viewport: Viewport;
  readonly animation: AnimationLoop;
  readonly trading: SessionTrading;
  notify(tone: ToastTone, text: string): void;
}

/** Long enough that a dragged scrubber does not load history at each step. */
const loadHistoryAfterMs = 120;
const maxFills = 200;

/** Connects one session's events to the page, from its creation until `stop`. */
export class SessionBinding {
  /** The market of the session's tape; empty without one. */
  market = "";
  #session: Session;
  #display: SessionDisplay;
  #address: ClusterAddress;
  #tapeLoader: TapeLoader;
  #epoch = 0;
  #historyTimer: ReturnType<typeof setTimeout> | undefined;
  #stopped = new AbortController();
  #undo: (() => void)[];

  constructor(session: Session, cluster: ClusterClient, address: ClusterAddress, display: SessionDisplay) {
    this.#session = session;
    this.#display = display;
    this.#address = address;
    const { store, log, animation } = display;
    this.#tapeLoader = new TapeLoader(cluster, (loaded) => store.setState(loaded));
    display.trading.open(session, address);
    store.setState({ phase: "open", connection: session.connection, node: session.node });
    this.#onState({ session: session.view, cause: "connected" });
    this.#undo = [
      session.onHistory(({ frames, epoch }) => {
        log.clear();
        for (const frame of frames) log.append(frame, epoch);
        if (epoch !== this.#epoch) display.trading.onSeek();
        this.#epoch = epoch;
        animation.invalidate();
      }),
      // HOT: for each frame.
      session.onFrame((frame, { epoch }) => {
        log.append(frame, epoch);
        if (epoch !== this.#epoch) this.#onNewEpoch(epoch);
        animation.invalidate();
      }),
      session.onState((change) => this.#onState(change)),
      session.onFeed((feed) => store.setState({ feed })),
      session.onTrade((fill) => store.setState(({ fills }) => ({ fills: [fill, ...fills].slice(0, maxFills) }))),
      session.onLag(({ frames }) =>
        display.notify("info", `This page is too slow for the stream: ${frames} frames were merged.`),
      ),
      session.onNotice(({ message }) => display.notify("problem", message)),
      session.onConnection(({ connection, why, retryInMs }) => {
        const reconnect = why === undefined ? undefined : { why, retryAt: Date.now() + (retryInMs ?? 0) };
        store.setState({
          connection,
          reconnect: connection === "open" ? undefined : reconnect,
          node: session.node,
        });
      }),
      session.onEnd((end) => {
        if (end.reason !== "closed") store.setState({ phase: "ended", end });
      }),
      pollSession(
        () => cluster.sessions.get(session.id),
        session,
        (polled) =>
          store.setState(({ session: now }) => ({
            session: now && { ...now, ...polled },
            receivedAt: performance.now(),
          })),
      ),
    ];
  }

  stop(): void {
    for (const undo of this.#undo) undo();
    clearTimeout(this.#historyTimer);
    this.#tapeLoader.stop();
    this.#stopped.abort();
  }

  #onState({ session, cause }: StateChange): void {
    const { store, log, viewport, inspection, animation, trading, notify } = this.#display;
    const before = store.getState().session;
    const market = marketOf(session.tape ?? "");
    if (market !== this.market) {
      this.market = market;
      if (before) log.clear();
      viewport.follow();
      store.setState({ fills: [] });
      if (before) trading.onOtherTape();
    }
    store.setState({ session, receivedAt: performance.now(), node: this.#session.node, feed: session.feed });
    viewport.setSpeed(session.speed);
    if (session.state === "PLAYING" && before?.state !== "PLAYING") inspection.release();
    this.#tapeLoader.show(session);
    trading.onState();
    if (cause === "failover") notify("info", "Another node took over playback.");
    animation.invalidate();
  }

  /** The first frame of a new epoch arrived. The frames before it are loaded unless the log has them. */
  #onNewEpoch(epoch: number): void {
    const { log, trading } = this.#display;
    this.#epoch = epoch;
    trading.onSeek();
    clearTimeout(this.#historyTimer);
    const { last } = log;
    if (last && follows(log.at(log.length - 2), last)) return;
    this.#historyTimer = setTimeout(() => void this.#loadHistory(epoch), loadHistoryAfterMs);
  }

  async #loadHistory(epoch: number): Promise<void> {
    const { signal } = this.#stopped;
    const frames = await loadHistory(this.#address, this.#session.id, signal).catch(() => []); // the views work without
    if (epoch !== this.#epoch || signal.aborted) return;
    this.#display.log.fill(frames, epoch);
    this.#display.animation.invalidate();
  }
}

const pollMs = 5000;

/** What changes without a command, so that the session sends no `state` message for it. */
type PolledFields = Pick<SessionView, "connections" | "expires_at" | "behind_ms">;

/** Polls while the page is visible. Returns a function that stops it. */
function pollSession(
  getView: () => Promise<SessionView>,
  session: Session,
  onView: (polled: PolledFields) => void,
): () => void {
  const timer = setInterval(async () => {
    if (document.hidden || session.connection !== "open") return;
    // The cluster may be unavailable for a moment; the next poll tries again.
    const view = await getView().catch(() => undefined);
    if (view) onView({ connections: view.connections, expires_at: view.expires_at, behind_ms: view.behind_ms });
  }, pollMs);
  return () => clearInterval(timer);
}
