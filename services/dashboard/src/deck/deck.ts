import {
  type Frame,
  type ModeChoice,
  type Place,
  type RangeChoice,
  type Session,
  type SessionView,
  type StateChange,
  type TapedeckError,
  tapedeck,
} from "@tapedeck/client";
import { createStore, type StoreApi } from "zustand/vanilla";
import { type DeckState, type NoticeTone, nothingYet } from "./deck-state";
import { Extract } from "./extract";
import { FrameLog } from "./frame-log";
import { anomaliesOf, decimalsOf, tradesOf } from "./frame-values";
import { Inspection } from "./inspection";
import { loadHistory } from "./load-history";
import { marketOf } from "./market-of";
import { Painter } from "./painter";
import { TapeDescription } from "./tape-description";
import { Viewport } from "./viewport";
import { watchPassing } from "./watch-passing";

/** What a deck is opened on. */
export interface DeckChoice {
  /** Where the cluster is. */
  readonly api: string;
  /** Our own session's id, made anew where it is gone; with `shared`, somebody's who has to be there. */
  readonly sessionId: string | undefined;
  readonly shared: boolean;
}

/**
 * The page's deck: one session at a time, what it has shown, and its buttons. Frames go straight to the log and wake the painter;
 * everything slower is in `store`. Knows nothing of React.
 */
export class Deck {
  readonly store: StoreApi<DeckState> = createStore<DeckState>(() => nothingYet);
  readonly log = new FrameLog();
  readonly trades = new Extract(this.log, 10_000, tradesOf);
  readonly anomalies = new Extract(this.log, 4000, anomaliesOf);
  readonly inspection = new Inspection(this.log);
  readonly viewport = new Viewport(this.log);
  readonly painter = new Painter();
  api = "";
  #session: Session | undefined;
  #cluster: ReturnType<typeof tapedeck> | undefined;
  #leaving: AbortController | undefined;
  #description: TapeDescription | undefined;
  #tape = "";
  #epoch = 0;
  #filling: ReturnType<typeof setTimeout> | undefined;
  #endPassing: (() => void) | undefined;
  #noticeIds = 0;
  #decimals = 0;
  #measured: Frame | undefined;

  get session(): Session | undefined {
    return this.#session;
  }

  get cluster(): ReturnType<typeof tapedeck> | undefined {
    return this.#cluster;
  }

  /** The deck does not move by itself: pointing at a past moment shows it. */
  get standing(): boolean {
    return this.store.getState().session?.state !== "PLAYING";
  }

  /** Of the tape's prices, as far as they have been seen: they line up, and do not change from frame to frame. */
  get decimals(): number {
    const last = this.log.last?.frame;
    if (last !== undefined && last !== this.#measured) {
      this.#measured = last;
      this.#decimals = Math.max(this.#decimals, decimalsOf(last));
    }
    return this.#decimals;
  }

  /** Opens a session in place of the one before. `opened` is told its id before anything is shown. */
  async open(choice: DeckChoice, opened: (id: string) => void): Promise<void> {
    this.close();
    const leaving = new AbortController();
    this.#leaving = leaving;
    this.api = choice.api;
    this.#cluster = tapedeck({ url: choice.api, signal: leaving.signal });
    this.#description = new TapeDescription(this.#cluster, (part) => this.store.setState(part));
    this.store.setState({ ...nothingYet, shared: choice.shared });
    try {
      const { sessionId } = choice;
      const session =
        choice.shared && sessionId !== undefined
          ? await this.#cluster.join(sessionId)
          : await this.#cluster.open({ ...(sessionId !== undefined && { sessionId }), maxFps: 60 });
      if (leaving.signal.aborted) return;
      opened(session.id);
      this.#take(session);
    } catch (error) {
      if (leaving.signal.aborted) return;
      const { code, message } = errorOf(error);
      this.store.setState({ phase: "failed", failure: { code, message } });
    }
  }

  close(): void {
    this.#leaving?.abort();
    this.#session?.close();
    this.#session = undefined;
    clearTimeout(this.#filling);
    this.#endPassing?.();
    this.#description?.stop();
    this.#tape = "";
    this.#decimals = 0;
    this.#epoch = 0;
    this.log.clear();
    this.inspection.release();
    this.viewport.follow();
    this.painter.wake();
  }

  // ---- the buttons

  play(): Promise<boolean> {
    const state = this.store.getState().session?.state;
    return this.#do((session) => (state === "PAUSED" ? session.resume() : session.start()));
  }
  pause(): Promise<boolean> {
    return this.#do((session) => session.pause());
  }
  toggle(): Promise<boolean> {
    return this.standing ? this.play() : this.pause();
  }
  stop(): Promise<boolean> {
    return this.#do((session) => session.stop());
  }
  step(frames: number): Promise<boolean> {
    return this.#do((session) => session.step({ frames }));
  }
  rewind(ms: number): Promise<boolean> {
    return this.#do((session) => session.rewind({ by: ms }));
  }
  seek(place: Place): Promise<boolean> {
    return this.#do((session) => session.seek(place));
  }
  speed(value: number): Promise<boolean> {
    return this.#do((session) => session.speed(value));
  }
  range(choice: RangeChoice): Promise<boolean> {
    return this.#do((session) => session.range(choice));
  }
  live(): Promise<boolean> {
    return this.#do((session) => session.live());
  }
  mode(choice: ModeChoice): Promise<boolean> {
    return this.#do((session) => session.mode(choice));
  }
  order(side: "BUY" | "SELL", quantity: number): Promise<boolean> {
    return this.#do((session) => session.order({ side, quantity }));
  }

  /** Carries a command out; a refusal becomes a sentence on the page. Resolves with whether it was done. */
  async #do(command: (session: Session) => Promise<SessionView>): Promise<boolean> {
    const session = this.#session;
    if (!session) {
      this.tell("problem", "There is no session to command.");
      return false;
    }
    this.inspection.release();
    try {
      await command(session);
      return true;
    } catch (error) {
      this.tell("problem", errorOf(error).message);
      return false;
    }
  }

  tell(tone: NoticeTone, text: string): void {
    const id = ++this.#noticeIds;
    const { notices } = this.store.getState();
    const others = notices.filter((notice) => notice.text !== text);
    this.store.setState({ notices: [...others.slice(-2), { id, tone, text }] });
  }

  dismiss(id: number): void {
    this.store.setState(({ notices }) => ({ notices: notices.filter((notice) => notice.id !== id) }));
  }

  // ---- what the session tells

  #take(session: Session): void {
    this.#session = session;
    this.store.setState({ phase: "open", connection: session.connection, node: session.node });
    this.#hearState({ session: session.view, cause: "connected" });
    session.onHistory(({ frames, epoch }) => {
      this.log.clear();
      for (const frame of frames) this.log.append(frame, epoch);
      this.#epoch = epoch;
      this.painter.wake();
    });
    // HOT: for each frame.
    session.onFrame((frame, { epoch }) => {
      const { last } = this.log;
      this.log.append(frame, epoch);
      if (epoch !== this.#epoch) this.#land(epoch, last !== undefined && frame.seq - 1 <= last.frame.seq);
      this.painter.wake();
    });
    session.onState((change) => this.#hearState(change));
    session.onFeed((feed) => this.store.setState({ feed }));
    session.onTrade((fill) => this.store.setState(({ fills }) => ({ fills: [fill, ...fills].slice(0, 200) })));
    session.onLag(({ frames }) =>
      this.tell("info", `This page reads too slowly: ${frames} frames came merged into one.`),
    );
    session.onNotice(({ message }) => this.tell("problem", message));
    session.onConnection(({ connection, why, retryInMs }) => {
      const lost = why === undefined ? undefined : { why, retryAt: Date.now() + (retryInMs ?? 0) };
      this.store.setState({ connection, lost: connection === "open" ? undefined : lost, node: session.node });
    });
    session.onEnd((end) => {
      if (end.reason !== "closed") this.store.setState({ phase: "ended", end });
    });
    this.#endPassing = watchPassing(
      () => this.#cluster?.sessions.get(session.id) ?? Promise.resolve(session.view),
      session,
      (passing) => this.store.setState(({ session: now }) => ({ session: now && { ...now, ...passing } })),
    );
    if (!this.store.getState().shared && isFresh(session.view)) void this.play();
  }

  #hearState({ session, cause }: StateChange): void {
    const before = this.store.getState().session;
    const tape = marketOf(session.tape ?? "");
    if (tape !== this.#tape) {
      this.#tape = tape;
      this.#decimals = 0;
      if (before) this.log.clear();
      this.viewport.follow();
      this.store.setState({ fills: [] });
    }
    this.store.setState({ session, node: this.#session?.node ?? "", feed: session.feed });
    this.viewport.setSpeed(session.speed);
    if (session.state === "PLAYING" && before?.state !== "PLAYING") this.inspection.release();
    this.#description?.show(session);
    if (cause === "failover") this.tell("info", "Another node has taken over.");
    this.painter.wake();
  }

  /** A new epoch has shown its first frame. What led up to it is fetched, unless it is here already. */
  #land(epoch: number, known: boolean): void {
    this.#epoch = epoch;
    clearTimeout(this.#filling);
    if (known) return;
    // Not for each step of a dragged scrubber.
    this.#filling = setTimeout(() => void this.#fill(epoch), 120);
  }

  async #fill(epoch: number): Promise<void> {
    const id = this.#session?.id;
    const signal = this.#leaving?.signal;
    if (id === undefined || signal === undefined) return;
    const frames = await loadHistory(this.api, id, signal).catch(() => []); // the views do without
    if (epoch !== this.#epoch || signal.aborted) return;
    this.log.fill(frames, epoch);
    this.painter.wake();
  }
}

const freshMs = 5000;

/** Whether the session was made just now, and nobody has told it anything: then it plays without being asked. */
function isFresh({ tape, state, reason, created_at, last_activity, rev }: SessionView): boolean {
  const age = Date.parse(last_activity) - Date.parse(created_at);
  return tape !== null && state === "STOPPED" && reason === "start" && rev <= 1 && age < freshMs;
}

function errorOf(error: unknown): Pick<TapedeckError, "code" | "message"> | { code: string; message: string } {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return { code: error.code, message: error.message };
  }
  return { code: "unknown", message: error instanceof Error ? error.message : String(error) };
}
