import { isRefusal, type Refusal, refuse } from "@tapedeck/protocol";
import { applyOrder, orderRefusal } from "../trading/orders.js";
import type { Edge, Moment, ResolvedCommand } from "./commands.js";
import { anchorAt, beginEpochAt, followEdge, paused, playing, returnTo, stopped, switchTape } from "./epochs.js";
import { leaveMode } from "./kept-modes.js";
import { loopRefusal } from "./loop.js";
import { needsTicker, type SessionRecord } from "./record.js";
import { applySystem, isSystem } from "./system.js";

/**
 * What an instruction makes of a session. Pure: the moment is passed in, so api, gateway, ticker and tests come to the same
 * result. The very same object comes back when nothing changes; then neither rev nor epoch was raised.
 */
export function apply(session: SessionRecord, instruction: ResolvedCommand, moment: Moment): SessionRecord | Refusal {
  if (isSystem(instruction)) return revised(session, applySystem(session, instruction, moment));
  const next = decide(session, instruction, moment);
  if (isRefusal(next) || next === session) return next;
  return revised(session, { ...next, lastActivity: Math.floor(moment.now) });
}

type UserInstruction = Exclude<ResolvedCommand, Parameters<typeof applySystem>[1]>;

function decide(session: SessionRecord, instruction: UserInstruction, moment: Moment): SessionRecord | Refusal {
  switch (instruction.type) {
    case "start":
    case "resume":
      return start(session, moment);
    case "pause":
      return pause(session, moment);
    case "stop":
      return stop(session, moment);
    case "live":
      return session.mode === "LIVE" ? toTheEdge(session, instruction.edge, moment) : notLive(session);
    case "speed":
      return changeSpeed(session, instruction.value, moment);
    case "seek":
    case "goback":
      return withTape(session) ?? seek(session, instruction.to, moment);
    case "step":
      return withTape(session) ?? step(session, instruction.to, moment);
    case "range":
      return withTape(session) ?? changeRange(session, instruction, moment);
    case "mode":
      return changeMode(session, instruction, moment);
    case "order":
      return orderRefusal(session, moment) ?? applyOrder(session, instruction, moment);
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
      return paused(returnTo(session, restOf(session, moment), moment));
  }
}

function stop(session: SessionRecord, moment: Moment): SessionRecord {
  const rest = restOf(session, moment);
  const atRest = session.state === "STOPPED" && session.anchorSeq === rest.seq && session.anchorNs === rest.ns;
  if (atRest && session.reason !== "ended") return session;
  return stopped(returnTo(session, rest, moment), "stop");
}

/** Where a stopped deck stands: at the start, or in LIVE wherever it was, since it starts at the edge (`resolve`). */
function restOf(session: SessionRecord, moment: Moment) {
  return session.mode === "LIVE" ? moment.here : moment.start;
}

function toTheEdge(session: SessionRecord, edge: Edge | undefined, { here, now }: Moment): SessionRecord {
  const there = edge ?? { tape: session.tape, at: here };
  if (session.edge && there.tape === session.tape) return session;
  if (there.tape !== session.tape) return followEdge(switchTape(session, there, now));
  return followEdge(
    here.seq === there.at.seq ? anchorAt(session, there.at, now) : beginEpochAt(session, there.at, now),
  );
}

function changeSpeed(session: SessionRecord, speed: number, moment: Moment): SessionRecord | Refusal {
  if (speed === session.speed) return session;
  const tooShort = session.loop ? loopRefusal(moment.timeline, moment.start, moment.end, speed) : undefined;
  if (tooShort) return tooShort;
  if (session.state !== "PLAYING") return { ...session, speed };
  // Slower than the market, the playhead falls behind the edge.
  return { ...anchorAt(session, moment.here, moment.now), speed, edge: session.edge && speed >= 1 };
}

function seek(session: SessionRecord, to: Moment["here"], { now }: Moment): SessionRecord {
  const there = { ...beginEpochAt(session, to, now), edge: false };
  return session.state === "STOPPED" ? paused(there) : there;
}

function step(session: SessionRecord, to: Moment["here"], moment: Moment): SessionRecord {
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
  // At the edge there is no end to stop at, nor one to turn back at.
  const ranged = { ...session, fromNs, toNs, loop, edge: session.edge && toNs === null && !loop };
  const outside = here.seq < start.seq || here.ns > end.ns;
  const astray = session.state === "STOPPED" && session.reason !== "ended" && here.seq !== start.seq;
  if (outside || astray) {
    const there = { ...beginEpochAt(ranged, start, now), edge: false };
    return session.state === "STOPPED" ? stopped(there, session.reason === "start" ? "start" : "stop") : there;
  }
  return session.state === "PLAYING" ? anchorAt(ranged, here, now) : ranged;
}

function changeMode(
  session: SessionRecord,
  instruction: Extract<ResolvedCommand, { type: "mode" }>,
  moment: Moment,
): SessionRecord {
  if ("begins" in instruction) return beginMode(session, instruction, moment);
  if (instruction.mode === session.mode) return renamed(session, instruction.resumes);
  return resumeMode(session, instruction, moment);
}

/** The same tape by another name stays as it is. */
function renamed(session: SessionRecord, { symbol, source }: Pick<SessionRecord, "symbol" | "source">): SessionRecord {
  return symbol === session.symbol && source === session.source ? session : { ...session, symbol, source };
}

function beginMode(
  session: SessionRecord,
  { mode, begins: { start, ...begins } }: Extract<ResolvedCommand, { begins: object }>,
  { here, now }: Moment,
): SessionRecord {
  const wholeTape = { fromNs: null, toNs: null, loop: false };
  // Another market knows nothing of what was bought in this one.
  const lastFill = mode === "SIMULATION" ? null : session.lastFill;
  const other = { ...leaveMode(mode, session, here), ...begins, ...wholeTape, lastFill };
  const there = { ...beginEpochAt(other, start, now), historyFromSeq: start.seq };
  if (mode === "LIVE") return followEdge(there);
  const plays = mode !== "REPLAY" || session.state === "PLAYING";
  return plays ? playing(there) : stopped(there, "start");
}

/** Puts a mode back as it was left, in an epoch of its own. */
function resumeMode(
  session: SessionRecord,
  { mode, resumes, edge }: Extract<ResolvedCommand, { resumes: object }>,
  { here, now }: Moment,
): SessionRecord {
  const back = { ...leaveMode(mode, session, here), ...resumes };
  if (edge !== undefined && edge.tape !== resumes.tape) {
    const tuned = switchTape(back, edge, now);
    return tuned.state === "PLAYING" ? followEdge(tuned) : tuned;
  }
  const place = edge?.at ?? { seq: resumes.anchorSeq, ns: resumes.anchorNs };
  // An order that waits for its frame still does.
  return { ...beginEpochAt(back, place, now), orderSeq: resumes.orderSeq };
}

function withTape(session: SessionRecord): Refusal | undefined {
  if (session.tape !== "") return undefined;
  const why = session.feed?.reason ?? "Its feed has brought nothing yet.";
  return refuse("NO_TAPE", `Session ${session.id} has no tape to move on. ${why} Nothing was changed.`);
}

function notLive(session: SessionRecord): Refusal {
  return refuse(
    "NOT_LIVE",
    `Session ${session.id} is in mode ${session.mode}; only in LIVE is there an edge to jump to. Nothing was changed.`,
  );
}

/** A session that nobody has to render is nobody's. */
function revised(before: SessionRecord, after: SessionRecord): SessionRecord {
  if (after === before) return before;
  const holder = needsTicker(after) ? {} : { ticker: "", tickerSeenMs: 0 };
  return { ...after, ...holder, rev: before.rev + 1 };
}
