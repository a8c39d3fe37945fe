import type { Mode } from "@tapedeck/protocol";
import type { TapePosition } from "@tapedeck/tape";
import { emptyAccount } from "../trading/account.js";
import type { KeptMode, KeptModes, SessionRecord } from "./record.js";

export const noKeptModes: KeptModes = { REPLAY: null, LIVE: null, SIMULATION: null };

/** What a session plays in a mode, or played when it left that mode; undefined where it has nothing to go back to. */
export function keptModeOf(session: SessionRecord, mode: Mode): KeptMode | undefined {
  return session.mode === mode ? session : (session.kept[mode] ?? undefined);
}

/** The session on its way to a mode: what it leaves is kept at `here`, what it kept of that mode is taken out. */
export function leaveMode(mode: Mode, session: SessionRecord, here: TapePosition): SessionRecord {
  const left = { ...session.kept, [session.mode]: keepModeAt(session, here) };
  return {
    ...session,
    mode,
    kept: { ...left, [mode]: null },
    account: emptyAccount,
    feed: null,
    parked: false,
    edge: false,
  };
}

/** A moving deck is kept where its playhead is: the tape does not run on meanwhile. */
function keepModeAt(session: SessionRecord, here: TapePosition): KeptMode | null {
  // In REPLAY without a tape there is no place; LIVE without one has its instrument, and waits.
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
