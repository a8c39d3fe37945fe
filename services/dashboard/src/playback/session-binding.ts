import type { ClusterClient as Cluster, Session, StateChange } from "@tapedeck/client";
import type { StoreApi } from "zustand/vanilla";
import type { ClusterAddress } from "../cluster-api";
import type { AnimationLoop } from "./animation-loop";
import { type FrameLog, follows } from "./frame-log";
import type { Inspection } from "./inspection";
import { loadHistory } from "./load-history";
import { marketOf } from "./market-of";
import type { PlaybackState, ToastTone } from "./playback-state";
import { TapeLoader } from "./tape-loader";
import type { Viewport } from "./viewport";
import { pollSession } from "./watch-passing";

/** What a session is shown on. */
export interface SessionDisplay {
  readonly store: StoreApi<PlaybackState>;
  readonly log: FrameLog;
  readonly inspection: Inspection;
  readonly viewport: Viewport;
  readonly animation: AnimationLoop;
  notify(tone: ToastTone, text: string): void;
}

/** Not for each step of a dragged scrubber. */
const fillAfterMs = 120;

/** Puts what one session tells on the screen, from the moment it is made until `stop`. */
export class SessionBinding {
  /** The market of the session's tape; empty without one. */
  market = "";
  #session: Session;
  #screen: SessionDisplay;
  #address: ClusterAddress;
  #description: TapeLoader;
  #epoch = 0;
  #filling: ReturnType<typeof setTimeout> | undefined;
  #stopped = new AbortController();
  #undo: (() => void)[];

  constructor(session: Session, cluster: Cluster, address: ClusterAddress, screen: SessionDisplay) {
    this.#session = session;
    this.#screen = screen;
    this.#address = address;
    const { store, log, animation } = screen;
    this.#description = new TapeLoader(cluster, (part) => store.setState(part));
    store.setState({ phase: "open", connection: session.connection, node: session.node });
    this.#hearState({ session: session.view, cause: "connected" });
    this.#undo = [
      session.onHistory(({ frames, epoch }) => {
        log.clear();
        for (const frame of frames) log.append(frame, epoch);
        this.#epoch = epoch;
        animation.invalidate();
      }),
      // HOT: for each frame.
      session.onFrame((frame, { epoch }) => {
        log.append(frame, epoch);
        if (epoch !== this.#epoch) this.#land(epoch);
        animation.invalidate();
      }),
      session.onState((change) => this.#hearState(change)),
      session.onFeed((feed) => store.setState({ feed })),
      session.onTrade((fill) => store.setState(({ fills }) => ({ fills: [fill, ...fills].slice(0, 200) }))),
      session.onLag(({ frames }) =>
        screen.notify("info", `This page reads too slowly: ${frames} frames came merged into one.`),
      ),
      session.onNotice(({ message }) => screen.notify("problem", message)),
      session.onConnection(({ connection, why, retryInMs }) => {
        const lost = why === undefined ? undefined : { why, retryAt: Date.now() + (retryInMs ?? 0) };
        store.setState({ connection, reconnect: connection === "open" ? undefined : lost, node: session.node });
      }),
      session.onEnd((end) => {
        if (end.reason !== "closed") store.setState({ phase: "ended", end });
      }),
      pollSession(
        () => cluster.sessions.get(session.id),
        session,
        (passing) =>
          store.setState(({ session: now }) => ({
            session: now && { ...now, ...passing },
            receivedAt: performance.now(),
          })),
      ),
    ];
  }

  stop(): void {
    for (const undo of this.#undo) undo();
    clearTimeout(this.#filling);
    this.#description.stop();
    this.#stopped.abort();
  }

  #hearState({ session, cause }: StateChange): void {
    const { store, log, viewport, inspection, animation, notify } = this.#screen;
    const before = store.getState().session;
    const market = marketOf(session.tape ?? "");
    if (market !== this.market) {
      this.market = market;
      if (before) log.clear();
      viewport.follow();
      store.setState({ fills: [] });
    }
    store.setState({ session, receivedAt: performance.now(), node: this.#session.node, feed: session.feed });
    viewport.setSpeed(session.speed);
    if (session.state === "PLAYING" && before?.state !== "PLAYING") inspection.release();
    this.#description.show(session);
    if (cause === "failover") notify("info", "Another node has taken over.");
    animation.invalidate();
  }

  /** A new epoch has shown its first frame. What led up to it is fetched, unless it is here already. */
  #land(epoch: number): void {
    const { log } = this.#screen;
    this.#epoch = epoch;
    clearTimeout(this.#filling);
    const { last } = log;
    if (last && follows(log.at(log.length - 2), last)) return;
    this.#filling = setTimeout(() => void this.#fill(epoch), fillAfterMs);
  }

  async #fill(epoch: number): Promise<void> {
    const { signal } = this.#stopped;
    const frames = await loadHistory(this.#address, this.#session.id, signal).catch(() => []); // the views do without
    if (epoch !== this.#epoch || signal.aborted) return;
    this.#screen.log.fill(frames, epoch);
    this.#screen.animation.invalidate();
  }
}
