import type { Account, FeedStatus, Mode, PlaybackState, TapeNs, TradeEvent, WallMs } from "@tapedeck/protocol";
import type { GapPolicy, Seq } from "@tapedeck/tape";

/**
 * A session as its Redis hash holds it, field for field (snake_case there). Positions are tape nanoseconds, wall times
 * milliseconds of Redis's clock.
 *
 * While PLAYING and not parked the playhead is a function of the clock:
 * playing(anchorNs) + (now - anchorWallMs) * speed, clamped to the range and the tape. Else it stands at `anchorNs`.
 */
export interface SessionRecord {
  readonly id: string;
  readonly userId: string;
  readonly mode: Mode;
  readonly state: PlaybackState;
  /** Why it stands: `start`, `stop`, `ended`; empty otherwise. */
  readonly reason: string;
  readonly speed: number;
  /** The symbol that was asked for by name; empty in REPLAY unless one was. */
  readonly symbol: string;
  readonly source: string;
  /** `id@version`; empty while the session has no tape (a source that does not exist yet). */
  readonly tape: string;
  readonly seed: string;
  readonly scenario: string;
  /** Grows at every discontinuity, also across deletion and re-creation of the id: max(epoch + 1, Redis ms). */
  readonly epoch: number;
  /** The frame this epoch began at. */
  readonly epochFromSeq: Seq;
  /** Grows at every change. */
  readonly rev: number;
  readonly anchorWallMs: WallMs;
  readonly anchorNs: TapeNs;
  /** The last frame at or before the anchor: the frame a state names. */
  readonly anchorSeq: Seq;
  /** The last frame that is known to be published in this epoch; `anchorSeq` at its start. */
  readonly publishedSeq: Seq;
  /** Range played; null is the tape's own end. */
  readonly fromNs: TapeNs | null;
  readonly toNs: TapeNs | null;
  readonly loop: boolean;
  readonly gaps: GapPolicy;
  readonly maxFps: number;
  /** No history from before this frame. */
  readonly historyFromSeq: Seq;
  /** Node id of the ticker that renders it; empty when none does. */
  readonly ticker: string;
  /** Redis time at which that ticker was last heard (claim or checkpoint). */
  readonly tickerSeenMs: WallMs;
  /** Playing, but nobody watches: the clock stands until a socket comes. */
  readonly parked: boolean;
  /** Playing at the newest frame of a growing tape; gateways follow that tape themselves. */
  readonly edge: boolean;
  readonly feed: FeedStatus | null;
  /** What the user has in this simulated market. */
  readonly account: Account;
  /** How many orders were given in this session, whatever became of the market they were given in. */
  readonly orders: number;
  readonly lastFill: TradeEvent | null;
  /** The frame that shows the newest order of this epoch: no other takes effect before it. */
  readonly orderSeq: Seq | null;
  /** What the other modes were left with. */
  readonly kept: KeptModes;
  readonly createdAt: WallMs;
  /** The last command or sign of life of a socket; the session expires `ttl` seconds after it. */
  readonly lastActivity: WallMs;
  /** Seconds to live without socket or command. */
  readonly ttl: number;
  /** Address that created it, for the cap per address. */
  readonly createdBy: string;
}

/** What a mode plays, where, and how: it is left with this, and resumes it. */
export type KeptMode = Pick<
  SessionRecord,
  | "state"
  | "reason"
  | "speed"
  | "symbol"
  | "source"
  | "tape"
  | "seed"
  | "scenario"
  | "anchorNs"
  | "anchorSeq"
  | "fromNs"
  | "toNs"
  | "loop"
  | "historyFromSeq"
  | "edge"
  | "account"
  | "orderSeq"
>;

/** By mode; null for the present one, and for one that the session has not been in. */
export type KeptModes = Readonly<Record<Mode, KeptMode | null>>;

/** How long a ticker that claimed a session may be silent (it checkpoints about once a second) before others step in. */
export const claimMs = 3000;

/** Whether its feed has brought nothing yet. */
export function waitsForItsTape({ mode, tape }: Pick<SessionRecord, "mode" | "tape">): boolean {
  return mode === "LIVE" && tape === "";
}

/** Whether a ticker has to render it: it plays a tape that its gateways don't follow by themselves. */
export function needsTicker(record: SessionRecord): boolean {
  return record.state === "PLAYING" && record.tape !== "" && !record.parked && !record.edge;
}

export function hasLiveTicker(record: Pick<SessionRecord, "ticker" | "tickerSeenMs">, now: WallMs): boolean {
  return record.ticker !== "" && now - record.tickerSeenMs < claimMs;
}
