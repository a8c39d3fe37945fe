import { globalSessionId, isRefusal, limits, type Refusal, type WallMs } from "@tapedeck/protocol";
import { feedUserOf } from "../feeds.js";
import type { CreateChoice } from "../service.js";
import { emptyAccount } from "../trading/account.js";
import { apply } from "./apply.js";
import { chooseMode, type Tapes } from "./choose-mode.js";
import { momentWithoutTape } from "./commands.js";
import { noKeptModes } from "./kept-modes.js";
import type { SessionRecord } from "./record.js";
import { resolve } from "./resolve.js";

/**
 * A session as it is born: STOPPED at its tape's start, then whatever was asked for with it, by the same rules as later. It
 * is all one change: revision 1, and one epoch.
 */
export async function newSession(
  id: string,
  choice: CreateChoice,
  { now, ttl }: { now: WallMs; ttl: number },
  tapes: Tapes,
): Promise<SessionRecord | Refusal> {
  const blank = blankSession(id, choice, now, ttl);
  const { symbol, source, tape, seed, scenario } = choice;
  const mode = await chooseMode(
    { mode: choice.mode ?? "REPLAY", symbol, source, tape, seed, scenario },
    undefined,
    tapes,
    feedUserOf(blank),
  );
  if (isRefusal(mode)) return mode;
  let session = apply(blank, mode, momentWithoutTape(now));
  const { from, to, loop } = choice;
  if (!isRefusal(session) && (from !== undefined || to !== undefined || loop !== undefined)) {
    session = await applied(session, { type: "range", from, to, loop }, now, tapes);
  }
  if (!isRefusal(session) && choice.start) session = await applied(session, { type: "start" }, now, tapes);
  if (isRefusal(session)) return session;
  const { anchorSeq } = session;
  return { ...session, rev: 1, epoch: Math.floor(now), epochFromSeq: anchorSeq, historyFromSeq: anchorSeq };
}

async function applied(
  session: SessionRecord,
  command: Parameters<typeof resolve>[1],
  now: WallMs,
  tapes: Tapes,
): Promise<SessionRecord | Refusal> {
  const resolved = await resolve(session, command, now, tapes);
  return isRefusal(resolved) ? resolved : apply(session, resolved.instruction, resolved.moment);
}

/** Those who share `global` are single-user pages of old, which saturate above this rate: whoever makes it, it has theirs. */
function usualMaxFps(id: string): number {
  return id === globalSessionId ? limits.legacyMaxFps : limits.defaultMaxFps;
}

function blankSession(id: string, choice: CreateChoice, now: WallMs, ttl: number): SessionRecord {
  return {
    id,
    userId: choice.userId ?? "",
    mode: "REPLAY",
    state: "STOPPED",
    reason: "start",
    speed: choice.speed ?? 1,
    symbol: "",
    source: "",
    tape: "",
    seed: "",
    scenario: "",
    epoch: 0,
    epochFromSeq: 0,
    rev: 0,
    anchorWallMs: now,
    anchorNs: 0,
    anchorSeq: 0,
    publishedSeq: 0,
    fromNs: null,
    toNs: null,
    loop: false,
    gaps: choice.gaps ?? "skip",
    maxFps: choice.max_fps ?? choice.maxFps ?? usualMaxFps(id),
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
    kept: noKeptModes,
    createdAt: Math.floor(now),
    lastActivity: Math.floor(now),
    ttl,
    // The shared session is nobody's own: it must not be denied to an address that has made all it may, nor count among those.
    createdBy: id === globalSessionId ? "" : (choice.createdBy ?? ""),
  };
}
