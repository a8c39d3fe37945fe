import type { Frame, RefusalCode, ServerMessage, SessionView, StateCause, TradeEvent } from "@tapedeck/protocol";
import type { TapedeckError } from "../errors.js";
import type { History } from "../frames/frame-sequencer.js";
import { Listeners } from "./listeners.js";

/** `connecting` until the first message; `reconnecting` after a loss; `closed` for good. */
export type ConnectionState = "connecting" | "open" | "reconnecting" | "closed";

export interface StateChange {
  readonly session: SessionView;
  /** Why it changed; `connected`: as it was found at connecting. */
  readonly cause: StateCause | "connected";
}

export interface ConnectionChange {
  readonly connection: ConnectionState;
  /** While reconnecting: what was wrong, and in how many milliseconds the next attempt begins. */
  readonly why?: string;
  readonly retryInMs?: number;
}

export interface SessionEnd {
  /**
   * `deleted` by someone; `expired` for want of viewers and commands, or lost by the cluster; `refused`: this client may not
   * watch it, `error` says why; `closed` by its own program.
   */
  readonly reason: "deleted" | "expired" | "refused" | "closed";
  readonly error?: TapedeckError;
}

/** A word from the cluster that answers no command, such as that a part of the tape is damaged. */
export interface Notice {
  readonly code: RefusalCode;
  readonly message: string;
}

export type Feed = Omit<Extract<ServerMessage, { type: "feed" }>, "type">;
export type Lag = Omit<Extract<ServerMessage, { type: "lag" }>, "type">;

/** All that a session tells its listeners. */
export class SessionEvents {
  readonly frame = new Listeners<[frame: Frame, of: { readonly epoch: number }]>();
  readonly history = new Listeners<[history: History]>();
  readonly state = new Listeners<[change: StateChange]>();
  readonly feed = new Listeners<[feed: Feed]>();
  readonly trade = new Listeners<[fill: TradeEvent]>();
  readonly lag = new Listeners<[lag: Lag]>();
  readonly notice = new Listeners<[notice: Notice]>();
  readonly connection = new Listeners<[change: ConnectionChange]>();
  readonly end = new Listeners<[end: SessionEnd]>();

  clear(): void {
    for (const listeners of Object.values(this)) if (listeners instanceof Listeners) listeners.clear();
  }
}
