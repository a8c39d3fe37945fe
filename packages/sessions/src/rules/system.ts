import type { TapePosition } from "@tapedeck/tape";
import type { Moment, ResolvedCommand, SystemCommand } from "./commands.js";
import { anchorAt, beginEpochAt, nextEpoch, switchTape, timesAreTold } from "./epochs.js";
import { isMoving, isPaced, wallAt, wallMsBetween } from "./playhead.js";
import { needsTicker, type SessionRecord } from "./record.js";
import { followEdge, stopped } from "./states.js";

type SystemType = SystemCommand["type"];
type SystemCommands = { readonly [C in Extract<ResolvedCommand, { type: SystemType }> as C["type"]]: C };

/** Nothing rendered for this long, in ms of wall time: what was missed is not published any more, since that would be a burst. */
export const stallMs = 10_000;

/** A session counts as at the edge within this much tape of it, since the market goes on while its ticker reports that. */
const edgeToleranceNs = 1e9;

/** What each system command does to a session. */
const rules: {
  readonly [T in SystemType]: (session: SessionRecord, command: SystemCommands[T], moment: Moment) => SessionRecord;
} = {
  end(session, _, moment) {
    if (session.loop || !hasEnded(session, moment)) return session;
    return stopped(anchorAt(session, moment.end, moment.now), "ended");
  },

  /** The next round begins at the time when the last one ended, however late that is noticed. */
  wrap(session, _, moment) {
    if (!session.loop || !hasEnded(session, moment)) return session;
    const { now, start, end, timeline } = moment;
    if (session.lossless !== null) return beginEpochAt(session, start, now);
    const roundMs = wallMsBetween(timeline, start.ns, end.ns, session.speed);
    const ended = Math.min(now, wallAt(session, end.ns, timeline));
    const began = ended + Math.floor((now - ended) / roundMs) * roundMs;
    return beginEpochAt(session, start, now, began);
  },

  claim(session, { node, stalledAt }, moment) {
    if (!needsTicker(session)) return session;
    const claimed = { ...session, ticker: node, tickerSeenMs: Math.floor(moment.now) };
    if (stalledAt === undefined) return claimed;
    return timesAreTold(session) ? skipTo(claimed, moment.here) : anchorAt(claimed, stalledAt, moment.now);
  },

  release(session, { node, publishedSeq }) {
    if (node !== session.ticker) return session;
    return { ...session, ticker: "", tickerSeenMs: 0, publishedSeq: Math.max(session.publishedSeq, publishedSeq) };
  },

  park(session, { node }, { here, now }) {
    if (node !== session.ticker || !needsTicker(session)) return session;
    return { ...anchorAt(session, here, now), parked: true };
  },

  unpark(session, _, { now }) {
    return session.parked ? { ...session, anchorWallMs: now, parked: false } : session;
  },

  failover(session, { node, at }, { end, now }) {
    if (node !== session.ticker || !isMoving(session)) return session;
    if (at.seq < session.anchorSeq || at.seq > end.seq) return session;
    const ns = Math.min(Math.max(at.ns, session.anchorNs), end.ns);
    return anchorAt(session, { seq: at.seq, ns }, now);
  },

  skip(session, { node }, { here }) {
    return node === session.ticker && isMoving(session) ? skipTo(session, here) : session;
  },

  reach(session, { node, at }, moment) {
    if (node !== session.ticker || !hasReachedEdge(session, at, moment)) return session;
    return followEdge(anchorAt(session, { ...at, ns: Math.max(at.ns, session.anchorNs) }, moment.now));
  },

  /** Only a session that follows its feed, or has no frames to show, changes its tape; one that plays the past stays there. */
  tune(session, { edge, lost }, { now }) {
    const follows = session.edge || session.tape === "" || lost;
    if (session.mode !== "LIVE" || !follows || edge === undefined || edge.tape === session.tape) return session;
    const tuned = switchTape(session, edge, now);
    return session.state === "PLAYING" ? followEdge(tuned) : tuned;
  },

  shown(session, { epoch, at }, { now }) {
    const shownAhead = !isMoving(session) && !isPaced(session) && epoch === session.epoch && at.seq > session.anchorSeq;
    return shownAhead ? anchorAt(session, at, now) : session;
  },

  recover(session, seen, { here, now }) {
    const lost = seen.epoch > session.epoch || (seen.epoch === session.epoch && seen.rev > session.rev);
    if (!lost) return session;
    const epoch = nextEpoch(Math.max(session.epoch, seen.epoch), now);
    return { ...beginEpochAt(session, here, now), epoch, recoveredEpoch: epoch };
  },
};

/** What was missed counts as published: gateways render it from the tape for whoever watches. */
function skipTo(session: SessionRecord, { seq }: TapePosition): SessionRecord {
  return { ...session, publishedSeq: Math.max(session.publishedSeq, seq) };
}

/**
 * Applies a system command. None is refused: one that no longer fits, because another change came first, changes nothing. None
 * counts as activity, so none extends the session's life.
 */
export function applySystem<T extends SystemType>(
  session: SessionRecord,
  command: SystemCommands[T] & { readonly type: T },
  moment: Moment,
): SessionRecord {
  return rules[command.type](session, command, moment);
}

function hasEnded(session: SessionRecord, { here, end, growing }: Moment): boolean {
  if (growing) return false;
  return isPaced(session) ? here.seq >= end.seq : isMoving(session) && here.ns >= end.ns;
}

/** At least as fast as the market, or after its end, the end of the tape is the edge. See also `canFollowEdge`. */
function hasReachedEdge(session: SessionRecord, at: TapePosition, { end, growing }: Moment): boolean {
  if (!isMoving(session) || !canFollowEdge(session, growing)) return false;
  return at.seq >= session.anchorSeq && at.seq <= end.seq && end.ns - at.ns <= edgeToleranceNs;
}

/** Whether a session that has shown all of its tape goes on at the edge, which gateways follow by themselves. */
export function canFollowEdge(
  { mode, toNs, loop, speed }: Pick<SessionRecord, "mode" | "toNs" | "loop" | "speed">,
  growing: boolean,
): boolean {
  return mode === "LIVE" && toNs === null && !loop && (speed >= 1 || !growing);
}
