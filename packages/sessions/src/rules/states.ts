import type { Mode } from "@tapedeck/protocol";
import type { TapePosition } from "@tapedeck/tape";
import { emptyAccount } from "../trading/account.js";
import { wholeTape } from "./epochs.js";
import type { KeptMode, SessionRecord } from "./record.js";

export function playing(session: SessionRecord): SessionRecord {
  return { ...session, state: "PLAYING", reason: "" };
}

/**
 * Plays at the edge. A session slower than the market cannot stay there, nor can one with the end of a range before it. It is
 * never parked, since a session at the edge costs nothing without viewers.
 */
export function followEdge(session: SessionRecord): SessionRecord {
  const speed = Math.max(1, session.speed);
  return { ...playing(session), ...wholeTape, speed, parked: false, edge: true };
}

export function paused(session: SessionRecord): SessionRecord {
  return { ...session, state: "PAUSED", reason: "", parked: false, edge: false };
}

export function stopped(session: SessionRecord, reason: "start" | "stop" | "ended"): SessionRecord {
  return { ...session, state: "STOPPED", reason, parked: false, edge: false };
}

/** Changes the mode: keeps the current mode with its playhead at `here`, and drops what was kept of the new one. */
export function leaveMode(session: SessionRecord, mode: Mode, here: TapePosition): SessionRecord {
  const kept = { ...session.kept, [session.mode]: keepModeAt(session, here) };
  return {
    ...session,
    mode,
    kept: { ...kept, [mode]: null },
    account: emptyAccount,
    feed: null,
    parked: false,
    edge: false,
    // The market does not wait.
    lossless: mode === "LIVE" ? null : session.lossless,
  };
}

/** A playing mode is kept at its playhead: its tape does not run on while the session is in another mode. */
function keepModeAt(session: SessionRecord, here: TapePosition): KeptMode | null {
  // REPLAY without a tape has no position to keep; LIVE without one has its instrument.
  if (session.mode === "REPLAY" && session.tape === "") return null;
  const { state, reason, speed, symbol, source, tape, seed, scenario, fromNs, toNs, loop } = session;
  const { historyFromSeq, edge, account, orderSeq } = session;
  return {
    ...{ state, reason, speed, symbol, source, tape, seed, scenario, fromNs, toNs, loop },
    ...{ historyFromSeq, edge, account, orderSeq },
    anchorNs: here.ns,
    anchorSeq: here.seq,
  };
}
