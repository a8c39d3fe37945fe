import {
  type Frame,
  type ModeOptions,
  type RangeOptions,
  type SeekPlace,
  type Session,
  type SessionView,
  type TapedeckError,
  tapedeck,
} from "@tapedeck/client";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { ClusterAddress } from "../cluster-api";
import { AnimationLoop } from "./animation-loop";
import { DerivedList } from "./extract";
import { FrameLog } from "./frame-log";
import { anomaliesOf, decimalsOf, tradesOf } from "./frame-values";
import { Inspection } from "./inspection";
import { initialState, type PlaybackState, type ToastTone } from "./playback-state";
import { SessionBinding } from "./session-binding";
import { Viewport } from "./viewport";

/** What a deck is opened on; with a token where the cluster wants to know who asks. */
export interface SessionChoice extends ClusterAddress {
  /** Our own session's id, made anew where it is gone; with `shared`, somebody's who has to be there. */
  readonly sessionId: string | undefined;
  readonly shared: boolean;
}

/**
 * The page's deck: one session at a time, what it has shown, and its buttons. Frames go straight to the log and wake the painter;
 * everything slower is in `store`. Knows nothing of React.
 */
export class PlaybackController {
  readonly store: StoreApi<PlaybackState> = createStore<PlaybackState>(() => initialState);
  readonly log = new FrameLog();
  readonly trades = new DerivedList(this.log, 10_000, tradesOf);
  readonly anomalies = new DerivedList(this.log, 4000, anomaliesOf);
  readonly inspection = new Inspection(this.log);
  readonly viewport = new Viewport(this.log);
  readonly animation = new AnimationLoop();
  #address: ClusterAddress = { api: "", token: undefined };
  #session: Session | undefined;
  #cluster: ReturnType<typeof tapedeck> | undefined;
  #leaving: AbortController | undefined;
  #watching: SessionBinding | undefined;
  #noticeIds = 0;
  /** As far as they have been seen, and of which market. */
  #decimals: { price: number; size: number; market: string; frame: Frame | undefined } = unseen("");

  get session(): Session | undefined {
    return this.#session;
  }

  get cluster(): ReturnType<typeof tapedeck> | undefined {
    return this.#cluster;
  }

  get address(): ClusterAddress {
    return this.#address;
  }

  /** The deck does not move by itself: pointing at a past moment shows it. */
  get standing(): boolean {
    return this.store.getState().session?.state !== "PLAYING";
  }

  /** Of the market's prices, as far as they have been seen: they line up, and do not change from frame to frame. */
  get decimals(): number {
    return this.#seenDecimals().price;
  }

  /** Of its sizes. */
  get sizeDecimals(): number {
    return this.#seenDecimals().size;
  }

  #seenDecimals(): { readonly price: number; readonly size: number } {
    const frame = this.log.last?.frame;
    const market = this.#watching?.market ?? "";
    if (market !== this.#decimals.market) this.#decimals = unseen(market);
    if (frame !== undefined && frame !== this.#decimals.frame) {
      const { price, size } = decimalsOf(frame);
      const seen = this.#decimals;
      this.#decimals = { market, frame, price: Math.max(seen.price, price), size: Math.max(seen.size, size) };
    }
    return this.#decimals;
  }

  /** Opens a session in place of the one before. `opened` is told its id before anything is shown. */
  async open(choice: SessionChoice, opened: (id: string) => void): Promise<void> {
    this.close();
    const leaving = new AbortController();
    this.#leaving = leaving;
    this.#address = choice;
    const { token } = choice;
    const cluster = tapedeck({ url: choice.api, signal: leaving.signal, ...(token !== undefined && { token }) });
    this.#cluster = cluster;
    this.store.setState({ ...initialState, shared: choice.shared });
    try {
      const { sessionId } = choice;
      const session =
        choice.shared && sessionId !== undefined
          ? await cluster.join(sessionId)
          : await cluster.open({ ...(sessionId !== undefined && { sessionId }), maxFps: 60 });
      if (leaving.signal.aborted) return;
      opened(session.id);
      this.#session = session;
      this.#watching = new SessionBinding(session, cluster, choice, this);
      if (!choice.shared && isFresh(session.view)) void this.play();
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
    this.#watching?.stop();
    this.#watching = undefined;
    this.log.clear();
    this.inspection.release();
    this.viewport.follow();
    this.animation.invalidate();
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
  seek(place: SeekPlace): Promise<boolean> {
    return this.#do((session) => session.seek(place));
  }
  speed(value: number): Promise<boolean> {
    return this.#do((session) => session.speed(value));
  }
  range(choice: RangeOptions): Promise<boolean> {
    return this.#do((session) => session.range(choice));
  }
  live(): Promise<boolean> {
    return this.#do((session) => session.live());
  }
  mode(choice: ModeOptions): Promise<boolean> {
    return this.#do((session) => session.mode(choice));
  }
  order(side: "BUY" | "SELL", quantity: number): Promise<boolean> {
    return this.#do((session) => session.order({ side, quantity }));
  }

  /** Carries a command out; a refusal becomes a sentence on the page. Resolves with whether it was done. */
  async #do(command: (session: Session) => Promise<SessionView>): Promise<boolean> {
    const session = this.#session;
    if (!session) {
      this.notify("problem", "There is no session to command.");
      return false;
    }
    this.inspection.release();
    try {
      await command(session);
      return true;
    } catch (error) {
      this.notify("problem", errorOf(error).message);
      return false;
    }
  }

  readonly notify = (tone: ToastTone, text: string): void => {
    const id = ++this.#noticeIds;
    const { toasts } = this.store.getState();
    const others = toasts.filter((notice) => notice.text !== text);
    this.store.setState({ toasts: [...others.slice(-2), { id, tone, text }] });
  };

  dismissToast(id: number): void {
    this.store.setState(({ toasts }) => ({ toasts: toasts.filter((notice) => notice.id !== id) }));
  }
}

const unseen = (market: string) => ({ price: 0, size: 0, market, frame: undefined });

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
