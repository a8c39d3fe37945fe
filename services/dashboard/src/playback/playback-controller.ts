import {
  type ClusterClient,
  type Frame,
  type ModeOptions,
  type RangeOptions,
  type SeekPlace,
  type Session,
  type SessionView,
  tapedeck,
} from "@tapedeck/client";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { ClusterAddress } from "../cluster-api";
import { SessionTrading } from "../trading/orders/session-trading";
import { AnimationLoop } from "./animation-loop";
import { DeepBook } from "./deep-book";
import { DeepHistory } from "./deep-history";
import { DerivedList, FrameLog } from "./frame-log";
import { anomaliesOf, decimalsOf, tradesOf } from "./frame-values";
import { Inspection } from "./inspection";
import { initialState, type PageState, type ToastTone } from "./page-state";
import { SessionBinding } from "./session-binding";
import { nextSpeed } from "./speeds";
import { Viewport } from "./viewport";

/** Which session to open, on which cluster. */
export interface SessionChoice extends ClusterAddress {
  /** Created if it does not exist, unless `shared`: another user's session has to exist. */
  readonly sessionId: string | undefined;
  readonly shared: boolean;
}

/**
 * The page's session: its frames, its state and its commands. Frames go straight to the log and wake the animation loop; what
 * changes less often is in `store`. Does not depend on React.
 */
export class PlaybackController {
  readonly store: StoreApi<PageState> = createStore<PageState>(() => initialState);
  readonly log = new FrameLog();
  readonly trades = new DerivedList(this.log, 10_000, tradesOf);
  readonly anomalies = new DerivedList(this.log, 4000, anomaliesOf);
  readonly inspection = new Inspection(this.log);
  readonly viewport = new Viewport(this.log);
  readonly animation = new AnimationLoop();
  readonly deepBook = new DeepBook(this);
  readonly deepHistory = new DeepHistory(this);
  readonly trading = new SessionTrading({
    notify: (tone, text) => this.notify(tone, text),
    invalidate: () => this.animation.invalidate(),
  });
  #address: ClusterAddress = { api: "", token: undefined };
  #session: Session | undefined;
  /** Of the newest command that the cluster has not answered yet. */
  #requestedSpeed: { readonly value: number } | undefined;
  #cluster: ClusterClient | undefined;
  #closing: AbortController | undefined;
  #binding: SessionBinding | undefined;
  #lastToastId = 0;
  /** The most decimals seen in this market. */
  #decimals: { price: number; size: number; market: string; frame: Frame | undefined } = noDecimals("");

  get session(): Session | undefined {
    return this.#session;
  }

  get cluster(): ClusterClient | undefined {
    return this.#cluster;
  }

  get address(): ClusterAddress {
    return this.#address;
  }

  /** While it does not play, pointing at a past moment shows it. */
  get isPlaying(): boolean {
    return this.store.getState().session?.state === "PLAYING";
  }

  /** Decimals of prices: the most seen in this market, so that prices line up and do not change from frame to frame. */
  get decimals(): number {
    return this.#seenDecimals().price;
  }

  get sizeDecimals(): number {
    return this.#seenDecimals().size;
  }

  #seenDecimals(): { readonly price: number; readonly size: number } {
    const frame = this.log.last?.frame;
    const market = this.#binding?.market ?? "";
    if (market !== this.#decimals.market) this.#decimals = noDecimals(market);
    if (frame !== undefined && frame !== this.#decimals.frame) {
      const { price, size } = decimalsOf(frame);
      const seen = this.#decimals;
      this.#decimals = { market, frame, price: Math.max(seen.price, price), size: Math.max(seen.size, size) };
    }
    return this.#decimals;
  }

  /** Opens a session in place of the current one. `opened` is called with its id before anything is shown. */
  async open(choice: SessionChoice, opened: (id: string) => void): Promise<void> {
    this.close();
    const closing = new AbortController();
    this.#closing = closing;
    this.#address = choice;
    const { token } = choice;
    const cluster = tapedeck({ url: choice.api, signal: closing.signal, ...(token !== undefined && { token }) });
    this.#cluster = cluster;
    this.store.setState({ ...initialState, shared: choice.shared });
    try {
      const { sessionId } = choice;
      const session =
        choice.shared && sessionId !== undefined
          ? await cluster.join(sessionId)
          : await cluster.open({ ...(sessionId !== undefined && { sessionId }), maxFps: 60 });
      if (closing.signal.aborted) return;
      opened(session.id);
      this.#session = session;
      this.#binding = new SessionBinding(session, cluster, choice, this);
      if (!choice.shared && isNew(session.view)) void this.play();
    } catch (error) {
      if (closing.signal.aborted) return;
      this.store.setState({ phase: "failed", failure: errorOf(error) });
    }
  }

  close(): void {
    this.#closing?.abort();
    this.#session?.close();
    this.#session = undefined;
    this.#binding?.stop();
    this.#binding = undefined;
    this.trading.close();
    this.log.clear();
    this.inspection.release();
    this.viewport.follow();
    this.animation.invalidate();
  }

  // ---- commands

  play(): Promise<boolean> {
    const state = this.store.getState().session?.state;
    return this.#send((session) => (state === "PAUSED" ? session.resume() : session.start()));
  }
  pause(): Promise<boolean> {
    return this.#send((session) => session.pause());
  }
  toggle(): Promise<boolean> {
    return this.isPlaying ? this.pause() : this.play();
  }
  stop(): Promise<boolean> {
    return this.#send((session) => session.stop());
  }
  step(frames: number): Promise<boolean> {
    return this.#send((session) => session.step({ frames }));
  }
  rewind(ms: number): Promise<boolean> {
    return this.#send((session) => session.rewind({ by: ms }));
  }
  seek(place: SeekPlace): Promise<boolean> {
    return this.#send((session) => session.seek(place));
  }
  async speed(value: number): Promise<boolean> {
    const request = { value };
    this.#requestedSpeed = request;
    const done = await this.#send((session) => session.speed(value));
    if (this.#requestedSpeed === request) this.#requestedSpeed = undefined;
    return done;
  }
  /** Takes the next speed above or below. Two quick steps count as two: the second starts from the speed that the first requested. */
  stepSpeed(direction: 1 | -1): Promise<boolean> {
    const { value } = this.#requestedSpeed ?? { value: this.store.getState().session?.speed ?? 1 };
    return this.speed(nextSpeed(value, direction));
  }
  /** From lossless pace back to the clock. */
  clockPace(): Promise<boolean> {
    return this.#send((session) => session.pace({ pace: "clock" }));
  }
  range(range: RangeOptions): Promise<boolean> {
    return this.#send((session) => session.range(range));
  }
  live(): Promise<boolean> {
    return this.#send((session) => session.live());
  }
  mode(mode: ModeOptions): Promise<boolean> {
    return this.#send((session) => session.mode(mode));
  }
  order(side: "BUY" | "SELL", quantity: number): Promise<boolean> {
    return this.#send((session) => session.order({ side, quantity }));
  }

  /** Resolves with whether the command was carried out. A refusal is shown as a toast. */
  async #send(command: (session: Session) => Promise<SessionView>): Promise<boolean> {
    const session = this.#session;
    if (!session) {
      this.notify("problem", "No session is open.");
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
    const id = ++this.#lastToastId;
    const { toasts } = this.store.getState();
    const others = toasts.filter((toast) => toast.text !== text);
    this.store.setState({ toasts: [...others.slice(-2), { id, tone, text }] });
  };

  dismissToast(id: number): void {
    this.store.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }));
  }
}

const noDecimals = (market: string) => ({ price: 0, size: 0, market, frame: undefined });

/** A busy machine may take seconds from the creation of a session to the first message of its socket. */
const newMs = 15_000;

/** Whether the session was just created and has had no command: then it starts to play by itself. */
function isNew({ tape, state, reason, created_at, last_activity, rev }: SessionView): boolean {
  const age = Date.parse(last_activity) - Date.parse(created_at);
  return tape !== null && state === "STOPPED" && reason === "start" && rev <= 1 && age < newMs;
}

function errorOf(error: unknown): { readonly code: string; readonly message: string } {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
  return { code, message: error instanceof Error ? error.message : String(error) };
}
