import type {
  ConnectionState,
  Feed,
  SessionEnd,
  SessionView,
  TapeOverview,
  TapeView,
  TradeEvent,
} from "@tapedeck/client";

export type NoticeTone = "info" | "problem";

/** A sentence for the person at the deck. */
export interface Notice {
  readonly id: number;
  readonly tone: NoticeTone;
  readonly text: string;
}

/** What the page knows of its session, as one value; frames are not in here but in the log. */
export interface DeckState {
  /** `opening` until the session is there; `failed` where it could not be had; `ended` once it is gone. */
  readonly phase: "opening" | "open" | "failed" | "ended";
  /** Why it failed. */
  readonly failure: { readonly code: string; readonly message: string } | undefined;
  readonly session: SessionView | undefined;
  /** When the session was as it says, by `performance.now()`: what moves by itself is counted on from there. */
  readonly toldAt: number;
  readonly connection: ConnectionState;
  /** While reconnecting. */
  readonly lost: { readonly why: string; readonly retryAt: number } | undefined;
  readonly node: string;
  readonly feed: Feed | undefined;
  readonly end: SessionEnd | undefined;
  /** Of the session's tape; undefined while it loads, or where there is none. */
  readonly tape: TapeView | undefined;
  readonly overview: TapeOverview | undefined;
  /** Newest first. */
  readonly fills: readonly TradeEvent[];
  readonly notices: readonly Notice[];
  /** Somebody else's session, by a shared link. */
  readonly shared: boolean;
}

export const nothingYet: DeckState = {
  phase: "opening",
  failure: undefined,
  session: undefined,
  toldAt: 0,
  connection: "connecting",
  lost: undefined,
  node: "",
  feed: undefined,
  end: undefined,
  tape: undefined,
  overview: undefined,
  fills: [],
  notices: [],
  shared: false,
};
