import { limits } from "@tapedeck/protocol";
import { type EndedEpoch, lastSeqOf, playheadAt, type SessionRecord, type SessionStore } from "@tapedeck/sessions";
import { openIfExists, type Seq, type TapeCatalog } from "@tapedeck/tape";
import type { Counters } from "../metrics.js";
import type { SessionSubscription } from "../subscription/subscription.js";
import { countTrades } from "./catch-up.js";

/** The position of the last frame that a client has. */
export interface ResumeToken {
  readonly epoch: number;
  readonly after: Seq;
}

/** Frames (after, to] of one epoch that a client has missed; none if `to` is not above `after`. */
export interface MissedFrames {
  readonly epoch: number;
  /** `id@version`; empty if the session had none. */
  readonly tape: string;
  readonly after: Seq;
  readonly to: Seq;
  /** The session's trading actions at the end of the epoch, or now. */
  readonly chain: SessionRecord["chain"];
}

/** By epoch, the oldest first; "too much" if that is unknown, or is more than a resume delivers: then the client starts afresh. */
export type ResumeOutcome = readonly MissedFrames[] | "no token" | "too much";

export interface ResumeContext {
  readonly store: Pick<SessionStore, "epochs">;
  readonly tapes: Pick<TapeCatalog, "open">;
  readonly counters: Counters;
  /** The cluster's clock. */
  readonly now: () => number;
}

/**
 * How far a client's last frame may lie ahead of the playhead, as time of play. Clocks differ, a pause takes effect late, and after a
 * takeover the new ticker begins at the last published seq that was written, which is as old as the former ticker was starved.
 */
const maxAheadMs = 15_000;

/** If an epoch ends while its frames are being read, all is read again, but not for ever: rounds of a loop may be short. */
const maxAttempts = 10;

/**
 * Determines what the holder of a token has missed. Rejects if Redis or the tape store cannot be read.
 *
 * @param limited whether the client starts afresh if that is a lot; in lossless pace a reader gets all of it
 */
export async function findMissed(
  subscription: SessionSubscription,
  token: ResumeToken | undefined,
  context: ResumeContext,
  limited = true,
): Promise<ResumeOutcome> {
  if (token === undefined) return "no token";
  let missed: readonly MissedFrames[] | undefined;
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const { epoch } = subscription.record;
    missed = await missedUntilNow(subscription, token, context, limited);
    if (subscription.record.epoch === epoch) break;
  }
  const { counters } = context;
  if (missed === undefined) counters.resumesIncomplete++;
  else counters.resumesComplete++;
  return missed ?? "too much";
}

/** Undefined if that is unknown or too much. If the epoch ends meanwhile, what followed is lacking. */
async function missedUntilNow(
  subscription: SessionSubscription,
  token: ResumeToken,
  context: ResumeContext,
  limited: boolean,
): Promise<MissedFrames[] | undefined> {
  const tapes = preferOpenTape(subscription, token, context.tapes);
  const { epoch } = subscription.record;
  const isPresent = token.epoch === epoch;
  const furthest = isPresent ? await furthestSent(subscription.record, tapes, context.now()) : 0;
  const ended = isPresent ? [] : await endedSince(token.epoch, await context.store.epochs(subscription.id), tapes);
  // An epoch that ended while we read is not among those that we read.
  if (subscription.record.epoch !== epoch) return undefined;
  // Within its epoch the subscription may have moved on meanwhile.
  const { record, lastSeq } = subscription;
  const present = { epoch, tape: record.tape, after: record.epochFromSeq - 1, to: lastSeq, chain: record.chain };
  const missed = missedByEpoch(token, ended.reverse(), present, Math.max(lastSeq, furthest));
  return missed !== undefined && (await isDeliverable(missed, tapes, limited)) ? missed : undefined;
}

/** Opening a growing tape asks Redis. The session's own tape is open already, and is used if it has what the client has. */
function preferOpenTape(
  { segment }: SessionSubscription,
  token: ResumeToken,
  tapes: ResumeContext["tapes"],
): ResumeContext["tapes"] {
  const own = segment instanceof Promise ? undefined : segment.tape;
  if (own === undefined || own.span.lastSeq < token.after) return tapes;
  return { open: async (name) => (name === own.id ? own : tapes.open(name)) };
}

/** The epochs since one, that one included, each up to the last frame that any client can have. */
function endedSince(first: number, ended: readonly EndedEpoch[], tapes: ResumeContext["tapes"]): Promise<EndedEpoch[]> {
  return Promise.all(
    ended
      .filter(({ epoch }) => epoch >= first)
      .map(async (each) => {
        const tape = each.course && (await openIfExists(each.tape, tapes));
        return tape === undefined ? each : { ...each, last: await lastSeqOf(each, tape) };
      }),
  );
}

/** The last frame of this epoch that any client can have by now. */
async function furthestSent(record: SessionRecord, tapes: ResumeContext["tapes"], now: number): Promise<Seq> {
  if (record.tape === "") return -1;
  const tape = await openIfExists(record.tape, tapes);
  return tape === undefined ? -1 : tape.seqAt(playheadAt(record, now, tape) + maxAheadMs * 1e6 * record.speed);
}

/**
 * @param ended the epochs that the session remembers, the oldest first
 * @param present the epoch that the session is in, from its first frame on, as far as this node knows it
 * @param furthest the last frame of it that any client can have
 */
function missedByEpoch(
  token: ResumeToken,
  ended: readonly EndedEpoch[],
  present: MissedFrames,
  furthest: Seq,
): MissedFrames[] | undefined {
  if (token.epoch === present.epoch) {
    // A client may have more than this node knows of: a ticker writes its published seq every 2.5 s.
    const credible = token.after >= present.after && token.after <= furthest;
    return credible ? [{ ...present, after: token.after }] : undefined;
  }
  const known = ended.findIndex(({ epoch }) => epoch === token.epoch);
  if (known < 0) return undefined;
  const past = ended
    .slice(known)
    .filter(({ epoch }) => epoch < present.epoch)
    .map(({ epoch, tape, first, last, chain = null }, nth) => {
      const after = nth === 0 ? Math.max(token.after, first - 1) : first - 1;
      return { epoch, tape, after, to: Math.max(after, last), chain };
    });
  return [...past, present];
}

/** Whether all missed frames can still be read, and are few enough. */
async function isDeliverable(
  missed: readonly MissedFrames[],
  tapes: ResumeContext["tapes"],
  limited: boolean,
): Promise<boolean> {
  const frames = missed.reduce((sum, { after, to }) => sum + Math.max(0, to - after), 0);
  if (limited && frames > limits.resumeFrames) return false;
  let trades = 0;
  for (const { tape, after, to } of missed) {
    if (tape === "" || to <= after) continue;
    const opened = await openIfExists(tape, tapes);
    // Redis has lost the tape, or retention has removed these frames.
    if (opened === undefined || after < opened.span.firstSeq - 1) return false;
    if (!limited) continue;
    trades += await countTrades(opened, after, to);
    if (trades > limits.resumeTrades) return false;
  }
  return true;
}
