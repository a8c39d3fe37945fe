import type {
  Frame,
  RefusalCode,
  ServerMessage,
  SessionFill,
  SessionOrder,
  SessionView,
  StateCause,
  TradeEvent,
} from "@tapedeck/protocol";
import type { TapedeckError } from "../errors.js";
import type { History } from "../frames/frame-sequencer.js";

/** `connecting` until the first message; `reconnecting` after a loss; `closed` for good. */
export type ConnectionState = "connecting" | "open" | "reconnecting" | "closed";

export interface StateChange {
  readonly session: SessionView;
  /** Why it changed; `connected`: the state when a connection opened. */
  readonly cause: StateCause | "connected";
}

export interface ConnectionChange {
  readonly connection: ConnectionState;
  /** While reconnecting: why the connection was lost, and how many milliseconds until the next attempt. */
  readonly why?: string;
  readonly retryInMs?: number;
}

export interface SessionEnd {
  /**
   * `deleted`: through the API; `expired`: unused for its TTL, or lost by the cluster; `refused`: see `error`; `closed`: by this
   * program.
   */
  readonly reason: "deleted" | "expired" | "refused" | "closed";
  readonly error?: TapedeckError;
}

/** A message from the cluster that answers no command, for example that a part of the tape is damaged. */
export interface Notice {
  readonly code: RefusalCode;
  readonly message: string;
}

export type Feed = Omit<Extract<ServerMessage, { type: "feed" }>, "type">;
export type Lag = Omit<Extract<ServerMessage, { type: "lag" }>, "type">;

/** Called with each frame. In lossless pace a frame counts as handled when what this returns has settled. */
export type FrameListener = (frame: Frame, of: { readonly epoch: number }) => unknown;

/** The listeners of one event, called in the order in which they were added. */
export class Listeners<T extends unknown[]> {
  readonly #all = new Set<(...event: T) => unknown>();

  /** @returns a function that removes the listener */
  add(listener: (...event: T) => unknown): () => void {
    // The wrapper allows the same function to be added twice and removed once.
    const entry = (...event: T) => listener(...event);
    this.#all.add(entry);
    return () => {
      this.#all.delete(entry);
    };
  }

  /**
   * When a listener throws, the others are still called, and the error is reported as uncaught.
   *
   * @returns the promises that listeners returned; most return none
   */
  emit(...event: T): readonly PromiseLike<unknown>[] {
    let work: PromiseLike<unknown>[] | undefined;
    for (const listener of this.#all) {
      try {
        const result = listener(...event);
        if (!isPromise(result)) continue;
        work ??= [];
        work.push(result);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    return work ?? nothing;
  }

  clear(): void {
    this.#all.clear();
  }
}

const nothing: readonly PromiseLike<unknown>[] = [];

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

export class SessionEvents {
  readonly frame = new Listeners<[frame: Frame, of: { readonly epoch: number }]>();
  readonly history = new Listeners<[history: History]>();
  readonly state = new Listeners<[change: StateChange]>();
  readonly feed = new Listeners<[feed: Feed]>();
  readonly trade = new Listeners<[fill: TradeEvent]>();
  readonly order = new Listeners<[order: SessionOrder]>();
  readonly fill = new Listeners<[fill: SessionFill]>();
  readonly lag = new Listeners<[lag: Lag]>();
  readonly notice = new Listeners<[notice: Notice]>();
  readonly connection = new Listeners<[change: ConnectionChange]>();
  readonly end = new Listeners<[end: SessionEnd]>();

  clear(): void {
    for (const listeners of Object.values(this)) if (listeners instanceof Listeners) listeners.clear();
  }
}
