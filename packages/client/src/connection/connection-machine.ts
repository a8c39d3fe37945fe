import type { Millis } from "./link-rules.js";

/**
 * - `asking`: for a token.
 * - `dialing`: a socket is on its way; it counts once the session's first message has come.
 * - `open`: the session's messages come.
 * - `waiting`: for the next attempt.
 * - `ended`: for good.
 */
export type MachinePhase = "asking" | "dialing" | "open" | "waiting" | "ended";

/** The connection of one session, as a value. `stepLink` says what an event makes of it. */
export interface ConnectionMachine {
  readonly phase: MachinePhase;
  /** The address in use, or to be tried next. */
  readonly address: number;
  /** Attempts in a row that came to nothing, or to a connection that did not last. */
  readonly failures: number;
  /** Tokens in a row that were refused. */
  readonly refusedTokens: number;
  /** Whether it has ever been open: only then it tries for ever. */
  readonly wasOpen: boolean;
  /** When it opened. */
  readonly openedAt: Millis;
  /** When the last ping was sent; undefined before the first. */
  readonly pingedAt: Millis | undefined;
}

export type MachineEvent =
  | { readonly type: "token" }
  | { readonly type: "noToken"; readonly why: string }
  /** The session's first message on this connection. */
  | { readonly type: "welcome" }
  /** The timer that was asked for. `heardAt` is when the last message came. */
  | { readonly type: "woke"; readonly heardAt: Millis }
  | { readonly type: "lost"; readonly code: number; readonly reason: string }
  | { readonly type: "close" };

export type ConnectionEnd =
  | { readonly reason: "deleted" | "expired" | "closed" }
  | { readonly reason: "refused"; readonly code: number; readonly message: string }
  | { readonly reason: "unreachable"; readonly message: string };

/** What is to be done in the world, in this order. */
export type MachineEffect =
  | { readonly do: "ask" }
  | { readonly do: "dial"; readonly address: number }
  | { readonly do: "ping" }
  /** Lets go of the socket, whatever it may still have to say. */
  | { readonly do: "hang up" }
  /** In so many milliseconds, instead of at any earlier wish; undefined: not at all. */
  | { readonly do: "wake"; readonly inMs: Millis | undefined }
  | { readonly do: "tell"; readonly news: "open" }
  | { readonly do: "tell"; readonly news: "lost"; readonly why: string; readonly retryInMs: Millis }
  | { readonly do: "tell"; readonly news: "ended"; readonly end: ConnectionEnd };

export interface MachineStep {
  readonly machine: ConnectionMachine;
  readonly effects: readonly MachineEffect[];
}

type Move = "nothing" | "ask" | "dial" | "open" | "listen" | "late" | "no token" | "judge" | "end";

/** What each event does in each phase. Forget a cell and it does not compile. */
export const transitions: Record<MachinePhase, Record<MachineEvent["type"], Move>> = {
  asking: { token: "dial", noToken: "no token", welcome: "nothing", woke: "late", lost: "nothing", close: "end" },
  dialing: { token: "nothing", noToken: "nothing", welcome: "open", woke: "late", lost: "judge", close: "end" },
  open: { token: "nothing", noToken: "nothing", welcome: "nothing", woke: "listen", lost: "judge", close: "end" },
  waiting: { token: "nothing", noToken: "nothing", welcome: "nothing", woke: "ask", lost: "nothing", close: "end" },
  ended: {
    token: "nothing",
    noToken: "nothing",
    welcome: "nothing",
    woke: "nothing",
    lost: "nothing",
    close: "nothing",
  },
};
