import type { WallMs } from "@tapedeck/protocol";
import type { Seq, TapePosition } from "@tapedeck/tape";
import { type Moment, type ResolvedCommand, wallMsBetween } from "./commands.js";
import { anchorAt, beginEpochAt, followEdge, nextEpoch, stopped, switchTape } from "./epochs.js";
import { isMoving, wallAt } from "./playhead.js";
import { needsTicker, type SessionRecord } from "./record.js";

const systemTypes = [
  "end",
  "wrap",
  "claim",
  "release",
  "park",
  "unpark",
  "failover",
  "reach",
  "tune",
  "shown",
  "recover",
] as const;
export type SystemInstruction = Extract<ResolvedCommand, { type: (typeof systemTypes)[number] }>;

export function isSystem(instruction: ResolvedCommand): instruction is SystemInstruction {
  return systemTypes.some((type) => type === instruction.type);
}

/** Nothing rendered for this long, in ms of wall time: playing goes on from the last published frame instead of bursting. */
export const stallMs = 10_000;

/** A deck counts as caught up with the market within this much tape, since the market goes on while its ticker says so. */
const reachedNs = 1e9;

/**
 * What the cluster does to a session. None is refused: what no longer fits, because someone was faster, changes nothing, and
 * none is a sign of life, so the TTL runs on.
 */
export function applySystem(session: SessionRecord, instruction: SystemInstruction, moment: Moment): SessionRecord {
  const { here, now } = moment;
  const holds = "node" in instruction && instruction.node === session.ticker;
  switch (instruction.type) {
    case "end":
      return !session.loop && hasEnded(session, moment)
        ? stopped(anchorAt(session, moment.end, now), "ended")
        : session;
    case "wrap":
      return session.loop && hasEnded(session, moment) ? wrap(session, moment) : session;
    case "claim": {
      if (!needsTicker(session)) return session;
      const claimed = { ...session, ticker: instruction.node, tickerSeenMs: Math.floor(now) };
      return instruction.stalledAt ? anchorAt(claimed, instruction.stalledAt, now) : claimed;
    }
    case "release":
      if (!holds) return session;
      return { ...session, ticker: "", tickerSeenMs: 0, publishedSeq: publishedBy(session, instruction, here.seq) };
    case "park":
      return holds && needsTicker(session) ? { ...anchorAt(session, here, now), parked: true } : session;
    case "unpark":
      return session.parked ? { ...session, anchorWallMs: now, parked: false } : session;
    case "failover":
      return holds && isMoving(session) ? goOnFrom(session, instruction.at, moment) : session;
    case "reach":
      return holds && hasReached(session, instruction.at, moment)
        ? followEdge(anchorAt(session, { ...instruction.at, ns: Math.max(instruction.at.ns, session.anchorNs) }, now))
        : session;
    case "tune":
      return tune(session, instruction, now);
    case "shown": {
      const { epoch, at } = instruction;
      const beyond = !isMoving(session) && epoch === session.epoch && at.seq > session.anchorSeq;
      return beyond ? anchorAt(session, at, now) : session;
    }
    case "recover":
      return isBehind(session, instruction)
        ? { ...beginEpochAt(session, here, now), epoch: nextEpoch(Math.max(session.epoch, instruction.epoch), now) }
        : session;
  }
}

function hasEnded(session: SessionRecord, { here, end, growing }: Moment): boolean {
  return isMoving(session) && !growing && here.ns >= end.ns;
}

/** Faster than the market, or where the market has left off, the end of the tape is the edge. */
function hasReached(session: SessionRecord, at: TapePosition, { end, growing }: Moment): boolean {
  const endless = session.toNs === null && !session.loop;
  if (session.mode !== "LIVE" || !endless || !isMoving(session) || (growing && session.speed < 1)) return false;
  return at.seq >= session.anchorSeq && at.seq <= end.seq && end.ns - at.ns <= reachedNs;
}

/** Only a session that follows its feed, or has nothing to show, goes along with it: whoever looks at the past stays there. */
function tune(session: SessionRecord, { edge, lost }: Extract<ResolvedCommand, { type: "tune" }>, now: WallMs) {
  const follows = session.edge || session.tape === "" || lost;
  if (session.mode !== "LIVE" || !follows || edge === undefined || edge.tape === session.tape) return session;
  const tuned = switchTape(session, edge, now);
  return session.state === "PLAYING" ? followEdge(tuned) : tuned;
}

/** A ticker that has not heard of a jump counts the frames of another place: none of them lies beyond the playhead here. */
function publishedBy(session: SessionRecord, { publishedSeq }: { publishedSeq: Seq }, hereSeq: Seq): Seq {
  return Math.max(session.publishedSeq, Math.min(publishedSeq, hereSeq));
}

function goOnFrom(session: SessionRecord, at: TapePosition, { end, now }: Moment): SessionRecord {
  if (at.seq < session.anchorSeq || at.seq > end.seq) return session;
  const ns = Math.min(Math.max(at.ns, session.anchorNs), end.ns);
  return anchorAt(session, { seq: at.seq, ns }, now);
}

/** The next round began when the last one ended, however late it is noticed. */
function wrap(session: SessionRecord, { now, start, end, timeline }: Moment): SessionRecord {
  const round = wallMsBetween(timeline, start.ns, end.ns, session.speed);
  const ended = Math.min(now, wallAt(session, end.ns, timeline));
  const began = ended + Math.floor((now - ended) / round) * round;
  return beginEpochAt(session, start, now, began);
}

function isBehind(session: SessionRecord, seen: { epoch: number; rev: number }): boolean {
  return seen.epoch > session.epoch || (seen.epoch === session.epoch && seen.rev > session.rev);
}
