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

/** A short message to the user. */
interface Toast {
  readonly id: number;
  readonly tone: ToastTone;
  readonly text: string;
}

/** What the page knows of its session, except frames, which are in the frame log. */
export interface PageState {
  /** `opening` until the session is open; `failed` if it could not be opened; `ended` once it is gone. */
  readonly phase: "opening" | "open" | "failed" | "ended";
  /** Why opening failed. */
  readonly failure: { readonly code: string; readonly message: string } | undefined;
  readonly session: SessionView | undefined;
  /** When `session` arrived, by `performance.now()`. Values that change with time are extrapolated from here. */
  readonly receivedAt: number;
  readonly connection: ConnectionState;
  /** While reconnecting. */
  readonly reconnect: { readonly why: string; readonly retryAt: number } | undefined;
  readonly node: string;
  readonly feed: Feed | undefined;
  readonly end: SessionEnd | undefined;
  /** The session's tape; undefined while it loads, or without a tape. */
  readonly tape: TapeView | undefined;
  readonly overview: TapeOverview | undefined;
  /** Newest first. */
  readonly fills: readonly TradeEvent[];
  readonly toasts: readonly Toast[];
  /** Another user's session, opened by a shared link. */
  readonly shared: boolean;
}

export const initialState: PageState = {
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

/** Distance from the live edge, extrapolated from a view that arrived `sinceMs` ago. */
export function behindNow(
  { behind_ms, state, speed }: Pick<SessionView, "behind_ms" | "state" | "speed">,
  sinceMs: number,
): number | undefined {
  if (behind_ms === null) return undefined;
  // At the edge the session moves with the market.
  if (behind_ms === 0 && state === "PLAYING" && speed >= 1) return 0;
  const moved = state === "PLAYING" ? sinceMs * speed : 0;
  return Math.max(0, behind_ms + sinceMs - moved);
}

export function isAtEdge({ mode, state, speed }: SessionView, behind: number | undefined): boolean {
  return mode === "LIVE" && state === "PLAYING" && speed >= 1 && behind === 0;
}
