import type { Account, FeedStatus, Mode, PlaybackState, TapeNs, TradeEvent, WallMs } from "@tapedeck/protocol";
import type { GapPolicy, Seq } from "@tapedeck/tape";

/**
 * A session as its Redis hash holds it, field for field (snake_case there). Positions are tape nanoseconds, wall times
 * milliseconds of Redis's clock.
 *
 * While PLAYING and not parked, the playhead is a function of the clock:
 * playing(anchorNs) + (now - anchorWallMs) * speed, clamped to the range and the tape. Otherwise it stays at `anchorNs`,
 * which in lossless pace is moved by what readers acknowledge, without a new revision.
 */
export interface SessionRecord {
  readonly id: string;
  readonly userId: string;
  readonly mode: Mode;
  readonly state: PlaybackState;
  /** Why it is STOPPED: `start`, `stop` or `ended`; empty otherwise. */
  readonly reason: string;
  readonly speed: number;
  /** The symbol that was requested by name; empty in REPLAY unless one was. */
  readonly symbol: string;
  readonly source: string;
  /** `id@version`; empty while the session has no tape (for example before a feed has brought any frame). */
  readonly tape: string;
  readonly seed: string;
  readonly scenario: string;
  /** Grows at every discontinuity, also across deletion and re-creation of the id: max(epoch + 1, Redis ms). */
  readonly epoch: number;
  /** The first frame of this epoch. */
  readonly epochFromSeq: Seq;
  /** The last epoch that began because Redis had lost something; 0 for none. A node that was cut off learns of it by this. */
  readonly recoveredEpoch: number;
  /** Grows at every change. */
  readonly rev: number;
  readonly anchorWallMs: WallMs;
  readonly anchorNs: TapeNs;
  /** The last frame at or before the anchor: the frame that a state message names. */
  readonly anchorSeq: Seq;
  /** The last frame that is known to be published in this epoch; `anchorSeq` at its start. */
  readonly publishedSeq: Seq;
  /** The range that is played; null means the tape's own end. */
  readonly fromNs: TapeNs | null;
  readonly toNs: TapeNs | null;
  readonly loop: boolean;
  readonly gaps: GapPolicy;
  readonly maxFps: number;
  /** Null: the playhead follows the clock. Otherwise it waits for the session's readers: see `pace.ts`. */
  readonly lossless: Lossless | null;
  /** No history from before this frame. */
  readonly historyFromSeq: Seq;
  /** Node id of the ticker that renders it; empty if there is none. */
  readonly ticker: string;
  /** Redis time of that ticker's last claim or checkpoint. */
  readonly tickerSeenMs: WallMs;
  /** Playing without viewers: the clock stops until a socket comes. */
  readonly parked: boolean;
  /** Playing at the newest frame of a growing tape; gateways follow that tape themselves. */
  readonly edge: boolean;
  readonly feed: FeedStatus | null;
  /** The user's holdings in this simulated market. */
  readonly account: Account;
  /** Number of orders in this session, over all its simulated markets. */
  readonly orders: number;
  readonly lastFill: TradeEvent | null;
  /** The frame that shows the newest order of this epoch: no later order takes effect before it. */
  readonly orderSeq: Seq | null;
  /** Its trading actions so far; null if there has been none. */
  readonly chain: ActionChain | null;
  readonly kept: KeptModes;
  readonly createdAt: WallMs;
  /** The last command or socket activity; the session expires `ttl` seconds after it. */
  readonly lastActivity: WallMs;
  /** Seconds to live without socket or command. */
  readonly ttl: number;
  /** The address that created it, for the cap per address. */
  readonly createdBy: string;
}

/**
 * The actions that led to where a session's trading is: `head` and, one after the other, those that it followed. Numbers are places in the
 * session's log of actions, from 1. `docs/spec/trading.md` has the rules.
 */
export interface ActionChain {
  /** What the first action follows: the settings. Equal to `head` while there is no action. */
  readonly root: number;
  readonly head: number;
  /** Of the head: tells it from another one that got its number after Redis had lost it. */
  readonly tag: string;
  /** When the head was sent, in tape time; below 0 for settings, which precede everything. */
  readonly ns: TapeNs;
}

/** How a session plays whose playhead waits for its readers. */
export interface Lossless {
  /** Frames that readers may be given beyond the last one that the slowest has acknowledged. */
  readonly window: number;
  /** Whether `speed` is the upper bound; otherwise there is none. */
  readonly bounded: boolean;
}

/** What a mode plays, where, and how. It is kept when the session leaves the mode, and resumed when it comes back. */
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

/** By mode; null for the current mode, and for modes that the session has not been in. */
type KeptModes = Readonly<Record<Mode, KeptMode | null>>;

export const noKeptModes: KeptModes = { REPLAY: null, LIVE: null, SIMULATION: null };

/** A claim without checkpoint for this long is dead (tickers checkpoint every 2.5 s): others may step in. */
const claimTimeoutMs = 7500;

/** Whether its feed has not brought any frame yet. */
export function waitsForItsTape({ mode, tape }: Pick<SessionRecord, "mode" | "tape">): boolean {
  return mode === "LIVE" && tape === "";
}

/** Whether a ticker has to render it: it plays a tape that its gateways don't follow by themselves. */
export function needsTicker({
  state,
  tape,
  parked,
  edge,
  lossless,
}: Pick<SessionRecord, "tape" | "parked" | "edge" | "lossless"> & { readonly state: string }): boolean {
  return state === "PLAYING" && tape !== "" && !parked && !edge && lossless === null;
}

export function hasLiveTicker(record: Pick<SessionRecord, "ticker" | "tickerSeenMs">, now: WallMs): boolean {
  return record.ticker !== "" && now - record.tickerSeenMs < claimTimeoutMs;
}
