import { type CreateBody, globalSessionId, isRefusal, limits, type Refusal, type WallMs } from "@tapedeck/protocol";
import { feedUserOf } from "../feeds.js";
import { emptyAccount } from "../trading/account.js";
import { apply } from "./apply.js";
import { chooseMode, type Tapes } from "./choose-mode.js";
import { momentWithoutTape } from "./commands.js";
import { noKeptModes, type SessionRecord } from "./record.js";
import { resolve } from "./resolve.js";

export type NewSessionOptions = Omit<CreateBody, "session_id"> & {
  /** Plays from its creation on; LIVE and SIMULATION do in any case. */
  readonly start?: boolean;
  /** The frame cap if `max_fps` names none. */
  readonly maxFps?: number;
  /** The address that creates it, for the cap per address; absent: not counted. */
  readonly createdBy?: string;
  readonly userId?: string;
};

/**
 * A new session: STOPPED at its tape's start, then changed as the options say, by the same rules as later commands. All of it is
 * one change: revision 1, and one epoch.
 */
export async function newSession(
  id: string,
  options: NewSessionOptions,
  { now, ttl }: { now: WallMs; ttl: number },
  tapes: Tapes,
): Promise<SessionRecord | Refusal> {
  const blank = blankSession(id, options, now, ttl);
  const { symbol, source, tape, seed, scenario } = options;
  const mode = await chooseMode(
    { mode: options.mode ?? "REPLAY", symbol, source, tape, seed, scenario },
    undefined,
    tapes,
    feedUserOf(blank),
  );
  if (isRefusal(mode)) return mode;
  let session = apply(blank, mode, momentWithoutTape(now));
  const { from, to, loop } = options;
  if (!isRefusal(session) && (from !== undefined || to !== undefined || loop !== undefined)) {
    session = await applyCommand(session, { type: "range", from, to, loop }, now, tapes);
  }
  const { pace, window } = options;
  if (!isRefusal(session) && (pace !== undefined || window !== undefined)) {
    session = await applyCommand(
      session,
      { type: "pace", pace: pace ?? "clock", window, speed: options.speed },
      now,
      tapes,
    );
  }
  if (!isRefusal(session) && options.start) session = await applyCommand(session, { type: "start" }, now, tapes);
  if (isRefusal(session)) return session;
  const { anchorSeq } = session;
  return { ...session, rev: 1, epoch: Math.floor(now), epochFromSeq: anchorSeq, historyFromSeq: anchorSeq };
}

async function applyCommand(
  session: SessionRecord,
  command: Parameters<typeof resolve>[1],
  now: WallMs,
  tapes: Tapes,
): Promise<SessionRecord | Refusal> {
  const resolved = await resolve(session, command, now, tapes);
  return isRefusal(resolved) ? resolved : apply(session, resolved.command, resolved.moment);
}

/** Clients of `global` are legacy single-user pages, which saturate above their rate; so it applies whichever client creates it. */
function defaultMaxFps(id: string): number {
  return id === globalSessionId ? limits.legacyMaxFps : limits.defaultMaxFps;
}

function blankSession(id: string, options: NewSessionOptions, now: WallMs, ttl: number): SessionRecord {
  return {
    id,
    userId: options.userId ?? "",
    mode: "REPLAY",
    state: "STOPPED",
    reason: "start",
    speed: options.speed ?? 1,
    symbol: "",
    source: "",
    tape: "",
    seed: "",
    scenario: "",
    epoch: 0,
    epochFromSeq: 0,
    recoveredEpoch: 0,
    rev: 0,
    anchorWallMs: now,
    anchorNs: 0,
    anchorSeq: 0,
    publishedSeq: 0,
    fromNs: null,
    toNs: null,
    loop: false,
    gaps: options.gaps ?? "skip",
    maxFps: options.max_fps ?? options.maxFps ?? defaultMaxFps(id),
    lossless: null,
    historyFromSeq: 0,
    ticker: "",
    tickerSeenMs: 0,
    parked: false,
    edge: false,
    feed: null,
    account: emptyAccount,
    orders: 0,
    lastFill: null,
    orderSeq: null,
    chain: null,
    kept: noKeptModes,
    createdAt: Math.floor(now),
    lastActivity: Math.floor(now),
    ttl,
    // The shared session counts for no address: an address that is at its cap may still create it.
    createdBy: id === globalSessionId ? "" : (options.createdBy ?? ""),
  };
}
