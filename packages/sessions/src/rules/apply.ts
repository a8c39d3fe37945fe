import { isRefusal, type Refusal, refuse } from "@tapedeck/protocol";
import type { TapePosition } from "@tapedeck/tape";
import { applyOrder, orderRefusal } from "../trading/orders.js";
import { type Edge, isSystemCommand, type Moment, type ResolvedCommand, type SystemCommand } from "./commands.js";
import { anchorAt, beginEpochAt, returnTo, switchTape, wholeTape } from "./epochs.js";
import { loopRefusal } from "./loop-length.js";
import { changePace } from "./pace.js";
import { needsTicker, type SessionRecord } from "./record.js";
import { followEdge, leaveMode, paused, playing, stopped } from "./states.js";
import { applySystem } from "./system.js";

/**
 * Applies a command to a session. Pure: the moment is passed in, so that api, gateway, ticker and tests get the same result. Returns
 * the very same object if nothing changes; then neither rev nor epoch has grown.
 */
export function apply(session: SessionRecord, command: ResolvedCommand, moment: Moment): SessionRecord | Refusal {
  if (isSystemCommand(command)) return withNextRev(session, applySystem(session, command, moment));
  const next = applyUserCommand(session, command, moment);
  if (isRefusal(next) || next === session) return next;
  return withNextRev(session, { ...next, lastActivity: Math.floor(moment.now) });
}

type UserCommand = Exclude<ResolvedCommand, { type: SystemCommand["type"] }>;

function applyUserCommand(session: SessionRecord, command: UserCommand, moment: Moment): SessionRecord | Refusal {
  switch (command.type) {
    case "start":
    case "resume":
      return start(session, moment);
    case "pause":
      return pause(session, moment);
    case "stop":
      return stop(session, moment);
    case "live":
      return session.mode === "LIVE" ? goLive(session, command.edge, moment) : notLive(session);
    case "speed":
      return changeSpeed(session, command.value, moment);
    case "pace":
      return changePace(session, command, moment);
    case "seek":
    case "goback":
      return refuseWithoutTape(session) ?? seek(session, command.to, moment);
    case "step":
      return refuseWithoutTape(session) ?? step(session, command.to, moment);
    case "range":
      return refuseWithoutTape(session) ?? changeRange(session, command, moment);
    case "mode":
      return changeMode(session, command, moment);
    case "order":
      return orderRefusal(session, moment) ?? applyOrder(session, command, moment);
  }
}

function start(session: SessionRecord, moment: Moment): SessionRecord {
  switch (session.state) {
    case "PLAYING":
      return session;
    case "PAUSED":
      return playing(anchorAt(session, moment.here, moment.now));
    case "STOPPED":
      return playing(returnTo(session, moment.start, moment));
  }
}

function pause(session: SessionRecord, moment: Moment): SessionRecord {
  switch (session.state) {
    case "PLAYING":
      return paused(anchorAt(session, moment.here, moment.now));
    case "PAUSED":
      return session;
    case "STOPPED":
      return paused(returnTo(session, stopPosition(session, moment), moment));
  }
}

function stop(session: SessionRecord, moment: Moment): SessionRecord {
  const to = stopPosition(session, moment);
  const isThere = session.state === "STOPPED" && session.anchorSeq === to.seq && session.anchorNs === to.ns;
  if (isThere && session.reason !== "ended") return session;
  return stopped(returnTo(session, to, moment), "stop");
}

/** A stopped session is at the start; in LIVE it stays where it is, since it starts at the edge (`resolve`). */
function stopPosition(session: SessionRecord, moment: Moment): TapePosition {
  return session.mode === "LIVE" ? moment.here : moment.start;
}

function goLive(session: SessionRecord, edge: Edge | undefined, { here, now }: Moment): SessionRecord {
  const there = edge ?? { tape: session.tape, at: here };
  if (session.edge && there.tape === session.tape) return session;
  if (there.tape !== session.tape) return followEdge(switchTape(session, there, now));
  return followEdge(
    here.seq === there.at.seq ? anchorAt(session, there.at, now) : beginEpochAt(session, there.at, now),
  );
}

function changeSpeed(session: SessionRecord, speed: number, moment: Moment): SessionRecord | Refusal {
  if (session.lossless !== null) return changePace(session, { type: "pace", pace: "lossless", speed }, moment);
  if (speed === session.speed) return session;
  const tooShort = session.loop ? loopRefusal(moment.timeline, moment.start, moment.end, speed) : undefined;
  if (tooShort) return tooShort;
  if (session.state !== "PLAYING") return { ...session, speed };
  // Slower than the market, the playhead falls behind the edge.
  return { ...anchorAt(session, moment.here, moment.now), speed, edge: session.edge && speed >= 1 };
}

function seek(session: SessionRecord, to: TapePosition, { now }: Moment): SessionRecord {
  const there = { ...beginEpochAt(session, to, now), edge: false };
  return session.state === "STOPPED" ? paused(there) : there;
}

function step(session: SessionRecord, to: TapePosition, moment: Moment): SessionRecord {
  const { here } = moment;
  const moves = to.seq !== here.seq || to.ns !== here.ns;
  if (!moves && session.state === "PAUSED") return session;
  return paused(returnTo(session, to, moment));
}

function changeRange(
  session: SessionRecord,
  { fromNs, toNs, loop, start, end }: Extract<ResolvedCommand, { type: "range" }>,
  { here, now, timeline }: Moment,
): SessionRecord | Refusal {
  if (fromNs === session.fromNs && toNs === session.toNs && loop === session.loop) return session;
  const tooShort = loop ? loopRefusal(timeline, start, end, session.speed) : undefined;
  if (tooShort) return tooShort;
  // A session at the edge has no end to stop or turn back at.
  const ranged = { ...session, fromNs, toNs, loop, edge: session.edge && toNs === null && !loop };
  const outside = here.seq < start.seq || here.ns > end.ns;
  // A session that is stopped at the start follows the start.
  const movesWithStart = session.state === "STOPPED" && session.reason !== "ended" && here.seq !== start.seq;
  if (outside || movesWithStart) {
    const there = { ...beginEpochAt(ranged, start, now), edge: false };
    return session.state === "STOPPED" ? stopped(there, session.reason === "start" ? "start" : "stop") : there;
  }
  return session.state === "PLAYING" ? anchorAt(ranged, here, now) : ranged;
}

function changeMode(
  session: SessionRecord,
  command: Extract<ResolvedCommand, { type: "mode" }>,
  moment: Moment,
): SessionRecord {
  if ("begins" in command) return beginMode(session, command, moment);
  if (command.mode === session.mode) return renameTape(session, command.resumes);
  return resumeMode(session, command, moment);
}

/** The same tape under another symbol or source: playback goes on. */
function renameTape(
  session: SessionRecord,
  { symbol, source }: Pick<SessionRecord, "symbol" | "source">,
): SessionRecord {
  return symbol === session.symbol && source === session.source ? session : { ...session, symbol, source };
}

function beginMode(
  session: SessionRecord,
  { mode, begins: { start, ...begins } }: Extract<ResolvedCommand, { begins: object }>,
  { here, now }: Moment,
): SessionRecord {
  // A new simulated market has no fills yet.
  const lastFill = mode === "SIMULATION" ? null : session.lastFill;
  const other = { ...leaveMode(session, mode, here), ...begins, ...wholeTape, lastFill };
  const there = { ...beginEpochAt(other, start, now), historyFromSeq: start.seq };
  if (mode === "LIVE") return followEdge(there);
  const plays = mode !== "REPLAY" || session.state === "PLAYING";
  return plays ? playing(there) : stopped(there, "start");
}

/** Resumes a mode as it was kept, in a new epoch. */
function resumeMode(
  session: SessionRecord,
  { mode, resumes, edge }: Extract<ResolvedCommand, { resumes: object }>,
  { here, now }: Moment,
): SessionRecord {
  const back = { ...leaveMode(session, mode, here), ...resumes };
  if (edge !== undefined && edge.tape !== resumes.tape) {
    const tuned = switchTape(back, edge, now);
    return tuned.state === "PLAYING" ? followEdge(tuned) : tuned;
  }
  const position = edge?.at ?? { seq: resumes.anchorSeq, ns: resumes.anchorNs };
  // An order that waits for its frame keeps waiting for it.
  return { ...beginEpochAt(back, position, now), orderSeq: resumes.orderSeq };
}

function refuseWithoutTape(session: SessionRecord): Refusal | undefined {
  if (session.tape !== "") return undefined;
  const why = session.feed?.reason ?? "Its feed has not brought any frame yet.";
  return refuse("NO_TAPE", `Session ${session.id} has no tape to move on. ${why} Nothing was changed.`);
}

function notLive(session: SessionRecord): Refusal {
  return refuse(
    "NOT_LIVE",
    `Session ${session.id} is in mode ${session.mode}; only LIVE has an edge to jump to. Nothing was changed.`,
  );
}

/** A session that needs no ticker has none. */
function withNextRev(before: SessionRecord, after: SessionRecord): SessionRecord {
  if (after === before) return before;
  const noTicker = needsTicker(after) ? {} : { ticker: "", tickerSeenMs: 0 };
  return { ...after, ...noTicker, rev: before.rev + 1 };
}
