import type {
  ConnectionState,
  Feed,
  SessionEnd,
  SessionView,
  TapeOverview,
  TapeView,
  TradeEvent,
} from "@tapedeck/client";

export type ToastTone = "info" | "problem";

/** A sentence for the person at the deck. */
export interface Toast {
  readonly id: number;
  readonly tone: ToastTone;
  readonly text: string;
}

/** What the page knows of its session, as one value; frames are not in here but in the log. */
export interface PlaybackState {
  /** `opening` until the session is there; `failed` where it could not be had; `ended` once it is gone. */
  readonly phase: "opening" | "open" | "failed" | "ended";
  /** Why it failed. */
  readonly failure: { readonly code: string; readonly message: string } | undefined;
  readonly session: SessionView | undefined;
  /** When the session was as it says, by `performance.now()`: what moves by itself is counted on from there. */
  readonly receivedAt: number;
  readonly connection: ConnectionState;
  /** While reconnecting. */
  readonly reconnect: { readonly why: string; readonly retryAt: number } | undefined;
  readonly node: string;
  readonly feed: Feed | undefined;
  readonly end: SessionEnd | undefined;
  /** Of the session's tape; undefined while it loads, or where there is none. */
  readonly tape: TapeView | undefined;
  readonly overview: TapeOverview | undefined;
  /** Newest first. */
  readonly fills: readonly TradeEvent[];
  readonly toasts: readonly Toast[];
  /** Somebody else's session, by a shared link. */
  readonly shared: boolean;
}

export const initialState: PlaybackState = {
  phase: "opening",
  failure: undefined,
  session: undefined,
  receivedAt: 0,
  connection: "connecting",
  reconnect: undefined,
  node: "",
  feed: undefined,
  end: undefined,
  tape: undefined,
  overview: undefined,
  fills: [],
  toasts: [],
  shared: false,
};
