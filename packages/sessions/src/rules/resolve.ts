import {
  type Command,
  isRefusal,
  nsOfIso,
  type Refusal,
  refuse,
  type SeekTarget,
  type StepBy,
  type TapeNs,
  type WallMs,
} from "@tapedeck/protocol";
import type { TapePosition } from "@tapedeck/tape";
import { feedUserOf } from "../feeds.js";
import { orderRefusal } from "../trading/orders.js";
import { chooseMode, type Tapes } from "./choose-mode.js";
import { type Moment, momentWithoutTape, type ResolvedCommand, type SystemCommand } from "./commands.js";
import { momentOrLost, momentWithLostTape, openIfPresent } from "./leave-tape.js";
import { endOfRange, frozenTape, momentOnTape, placeAtSeq, placeAtTime, type Range, startOfRange } from "./places.js";
import { isMoving, type SeekableTape, wallAt } from "./playhead.js";
import type { SessionRecord } from "./record.js";
import { resolveEdge, startsAtEdge } from "./resolve-edge.js";
import { stallMs } from "./system.js";

const nsPerMs = 1e6;

/** How long before its frame is due an order is given, in ms of wall time: first that, and if it was too late, longer. */
const orderLeadsMs = [40, 80, 160, 320, 640];

/**
 * How much market an order's frame may lie ahead of the playhead, in nanoseconds. At high speeds the time that it takes to make an order's
 * market is a long stretch of it.
 */
const orderHorizonNs = 300e9;

/** An instruction is written down so long before what depends on it is due: how far clocks of nodes may be apart. */
export const writeLeadMs = 5;

/** An instruction and the moment to apply it at. */
export interface Resolution {
  readonly instruction: ResolvedCommand;
  readonly moment: Moment;
  /** Redis's time after which it is not to be written down any more; none by default. */
  readonly by?: WallMs;
}

export interface ResolveOptions {
  /** Milliseconds since `now`, when the session was read: what takes its time is applied at a later moment. */
  readonly sinceRead?: () => number;
  /** How far ahead of `now` a moving deck is anchored, so that what says so is written down before the next frame is due. */
  readonly aheadMs?: number;
  /** Aborts when nobody waits for the answer any more: a search is given up then, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What anchors a moving deck within its epoch: pausing it, or having it go on in another way. */
const anchoringCommands: ReadonlySet<string> = new Set([
  "pause",
  "stop",
  "step",
  "speed",
  "range",
] satisfies Command["type"][]);

/**
 * Finds on the tape what a command talks about: a fraction, the next event, ten frames from here. Everything that needs I/O
 * happens here, so that `apply` needs none.
 */
export async function resolve(
  session: SessionRecord,
  command: Command | SystemCommand,
  now: WallMs,
  tapes: Tapes,
  { sinceRead = stopwatch(), aheadMs = 0, signal }: ResolveOptions = {},
): Promise<Resolution | Refusal> {
  if (command.type === "mode") {
    const chosen = await chooseMode(command, session, tapes, feedUserOf(session));
    return isRefusal(chosen) ? chosen : { instruction: chosen, moment: await momentOrLost(session, now, tapes) };
  }
  if (command.type === "live" || command.type === "tune" || startsAtEdge(session, command)) {
    return await resolveEdge(session, command, now, tapes);
  }
  if (command.type === "order") {
    return await resolveOrder(session, command, () => now + sinceRead(), tapes, signal);
  }
  if (session.tape === "") return { instruction: resolveWithoutTape(command), moment: momentWithoutTape(now) };
  const opened = await (session.mode === "LIVE" ? openIfPresent(session.tape, tapes) : tapes.open(session.tape));
  if (opened === undefined) return resolveWithLostTape(session, command, now);
  const tape = frozenTape(opened);
  const anchors = anchoringCommands.has(command.type) && isMoving(session) && !session.edge;
  const moment = await momentOnTape(tape, session, anchors ? now + aheadMs : now);
  const instruction = await locate(session, command, moment, tape, signal);
  if (isRefusal(instruction)) return instruction;
  return { instruction, moment, ...(anchors && (await deadlineBeforeNextFrame(session, moment, tape))) };
}

/**
 * A frame that is shown between the moment of a command and its being written down would lie beyond where the command says that the
 * deck stands: a step on would show nothing, one back would leave a frame out. So it is written down before the next frame is due.
 */
async function deadlineBeforeNextFrame(
  session: SessionRecord,
  { here, end, timeline }: Moment,
  tape: SeekableTape,
): Promise<{ by?: WallMs }> {
  if (here.seq >= end.seq) return {};
  const nextNs = await tape.nsOf(here.seq + 1);
  if (nextNs <= here.ns) return {}; // it is damaged, and passed over
  return { by: wallAt(session, nextNs, timeline) - writeLeadMs };
}

/**
 * Gives an order in the market as it is a moment from now: what it gets, and how the market goes on, is to be known before the
 * frame that shows it is due, or viewers would see that frame twice. If that takes too long, a later frame is tried. Redis has the
 * last word: it takes the order by a time before that frame is due, or not at all.
 */
async function resolveOrder(
  session: SessionRecord,
  { side, quantity }: Extract<Command, { type: "order" }>,
  now: () => WallMs,
  tapes: Tapes,
  signal: AbortSignal | undefined,
): Promise<Resolution | Refusal> {
  const tape = session.tape === "" ? undefined : await tapes.open(session.tape);
  const momentAt = async (ms: WallMs): Promise<Moment> =>
    tape === undefined ? momentWithoutTape(ms) : momentOnTape(tape, session, ms);
  for (const leadMs of orderLeadsMs) {
    signal?.throwIfAborted();
    const given = await momentAt(now());
    const refusal = orderRefusal(session, given);
    if (refusal !== undefined) return refusal;
    const soon = await momentAt(now() + leadMs);
    const seq = Math.max(Math.min(soon.here.seq + 1, soon.end.seq), session.orderSeq ?? 0);
    if (tape !== undefined && (await tape.nsOf(seq)) - given.here.ns > orderHorizonNs) break;
    const forked = await tapes.fork(session.tape, session.id, { side, quantity, seq });
    if (forked === undefined) {
      return refuse(
        "NOT_FILLED",
        "There was nobody to trade with, or less than a lot was asked for. Nothing was changed.",
      );
    }
    const moment = await momentAt(now());
    const instruction = { type: "order", forked } as const;
    if (tape === undefined || !isMoving(session)) return { instruction, moment };
    const by = wallAt(session, await tape.nsOf(seq), moment.timeline) - writeLeadMs;
    if (moment.now < by) return { instruction, moment, by };
  }
  return refuse(
    "BUSY",
    `The market could not be made in time, up to ${orderHorizonNs / 60e9} minutes of it ahead. Try again, or at a lower speed. ` +
      "Nothing was changed.",
  );
}

/** Which `apply` refuses, since there is no tape to find them on. */
function resolveWithoutTape(command: CommandOnTape): ResolvedCommand {
  const { here } = momentWithoutTape(0);
  switch (command.type) {
    case "seek":
    case "goback":
    case "step":
      return { type: command.type, to: here };
    case "range":
      return { type: "range", fromNs: null, toNs: null, loop: false, start: here, end: here };
    case "reach":
      return { type: "reach", node: command.node, at: here };
    case "shown":
      return { type: "shown", epoch: command.epoch, at: here };
    default:
      return command;
  }
}

/** A LIVE session whose tape Redis has lost waits for its feed to make another one. */
function resolveWithLostTape(session: SessionRecord, command: CommandOnTape, now: WallMs): Resolution | Refusal {
  if (command.type === "seek" || command.type === "goback" || command.type === "step" || command.type === "range") {
    return refuse(
      "NO_TAPE",
      `The tape of session ${session.id} is lost; live goes on with the next one. Nothing was changed.`,
    );
  }
  return { instruction: resolveWithoutTape(command), moment: momentWithLostTape(session, now) };
}

/** The commands that talk about places on the session's own tape, or about none. */
type CommandOnTape = Exclude<Command | SystemCommand, { type: "mode" | "order" | "live" | "tune" }>;

async function locate(
  session: SessionRecord,
  command: CommandOnTape,
  moment: Moment,
  tape: SeekableTape,
  signal: AbortSignal | undefined,
): Promise<ResolvedCommand | Refusal> {
  switch (command.type) {
    case "goback":
      return {
        type: "goback",
        to: await placeAtTime(moment.here.ns - Math.round(command.seconds * 1e9), moment, tape),
      };
    case "seek": {
      const to = await seekTarget(command.to, moment, tape, signal);
      return isRefusal(to) ? to : { type: "seek", to };
    }
    case "step":
      return { type: "step", to: await stepTarget(command.by, moment, tape) };
    case "range":
      return rangeOf(session, command, tape);
    case "failover": {
      const { seq, ns } = await placeAtSeq(command.at.seq, moment, tape);
      return { ...command, at: { seq, ns: Math.max(ns, command.at.ns) } };
    }
    case "reach":
      return { type: "reach", node: command.node, at: await placeAtSeq(command.seq, moment, tape) };
    case "shown":
      return { type: "shown", epoch: command.epoch, at: await placeAtSeq(command.seq, moment, tape) };
    case "claim":
      return { ...command, ...(await stalledAt(session, moment, tape)) };
    default:
      return command;
  }
}

async function seekTarget(
  to: SeekTarget,
  moment: Moment,
  tape: SeekableTape,
  signal: AbortSignal | undefined,
): Promise<TapePosition | Refusal> {
  if ("seq" in to) return placeAtSeq(to.seq, moment, tape);
  if ("ts" in to) {
    const ns = tapeNsOf(to.ts, tape);
    return isInvalidTime(ns) ? ns : snapToFrame(await placeAtTime(ns, moment, tape), moment, tape);
  }
  if ("fraction" in to) {
    const { firstNs, lastNs } = tape.span;
    const ns = firstNs + Math.round(to.fraction * (lastNs - firstNs));
    return snapToFrame(await placeAtTime(ns, moment, tape), moment, tape);
  }
  const filter = {
    ...(to.type === undefined ? {} : { type: to.type }),
    ...(to.min_severity === undefined ? {} : { minSeverity: to.min_severity }),
  };
  const event = await tape.findEvent(moment.here.seq, to.event, filter, signal);
  if (event !== undefined && event.seq >= moment.start.seq && event.seq <= moment.end.seq) {
    return { seq: event.seq, ns: event.ns };
  }
  return refuse("NO_EVENT", `${describeMissingEvent(to, moment, tape)} Nothing was changed.`);
}

function describeMissingEvent(
  { event, type, min_severity: severity }: Extract<SeekTarget, { event: unknown }>,
  { here, start, end }: Moment,
  { eventHorizonNs }: SeekableTape,
): string {
  const kind = type === undefined ? "event" : `${type} event`;
  const gravity = severity === undefined ? "" : ` of severity ${severity} or above`;
  const where = event === "next" ? "after" : "before";
  const none = `There is no ${kind}${gravity} ${where} this place`;
  const left = event === "next" ? end.ns - here.ns : here.ns - start.ns;
  if (left <= eventHorizonNs) return `${none} in what is played.`;
  return (
    `${none} within ${eventHorizonNs / 60e9} minutes, which is as far as a simulated market is searched. ` +
    "Seek that far to search on from there."
  );
}

/** A seek lands on a frame, at its time. */
async function snapToFrame({ seq }: TapePosition, moment: Moment, tape: SeekableTape): Promise<TapePosition> {
  return placeAtSeq(seq, moment, tape);
}

/** Steps by time keep their exact place between two frames, so that many small ones add up. */
async function stepTarget(by: StepBy, moment: Moment, tape: SeekableTape): Promise<TapePosition> {
  if ("frames" in by) return placeAtSeq(moment.here.seq + by.frames, moment, tape);
  return placeAtTime(moment.here.ns + Math.round(by.ms * nsPerMs), moment, tape);
}

/** What a range command leaves out stays as it is; null is the tape's own end. */
async function rangeOf(
  session: SessionRecord,
  { from, to, loop = session.loop }: Extract<Command, { type: "range" }>,
  tape: SeekableTape,
): Promise<ResolvedCommand | Refusal> {
  const { firstNs, lastNs, growing } = tape.span;
  const fromNs = from === undefined ? session.fromNs : from === null ? null : tapeNsOf(from, tape);
  const toNs = to === undefined ? session.toNs : to === null ? null : tapeNsOf(to, tape);
  if (isInvalidTime(fromNs)) return fromNs;
  if (isInvalidTime(toNs)) return toNs;
  const range: Range = {
    fromNs: fromNs === null ? null : Math.max(fromNs, firstNs),
    toNs: toNs === null ? endOfLoop(loop, tape) : growing ? toNs : Math.min(toNs, lastNs),
  };
  const [start, end] = await Promise.all([startOfRange(range, tape), endOfRange(range, tape)]);
  if (start.seq > end.seq || (toNs !== null && toNs < firstNs)) {
    const extent = `the tape goes from ${tape.iso(firstNs)} to ${tape.iso(lastNs)}`;
    return refuse("INVALID_VALUE", `No frame lies between from and to; ${extent}. Nothing was changed.`);
  }
  return { type: "range", ...range, loop, start, end };
}

/** A loop has to end somewhere: on a growing tape, unless it is told where, at what is its end now. */
function endOfLoop(loop: boolean, { span }: SeekableTape): TapeNs | null {
  return loop && span.growing ? span.lastNs : null;
}

function isInvalidTime(ns: TapeNs | null | Refusal): ns is Refusal {
  return typeof ns === "object" && ns !== null;
}

/**
 * Nobody has rendered for a while, if the frame after the last published one is overdue: then a ticker that claims the
 * session goes on from there.
 */
async function stalledAt(
  session: SessionRecord,
  { now, here }: Moment,
  tape: SeekableTape,
): Promise<{ stalledAt?: TapePosition }> {
  const seq = Math.max(session.publishedSeq, tape.span.firstSeq);
  if (!isMoving(session) || seq >= here.seq) return {};
  const due = wallAt(session, await tape.nsOf(seq + 1), tape.timeline(session.gaps));
  if (now - due <= stallMs) return {};
  const ns = Math.max(session.anchorNs, await tape.nsOf(seq));
  return { stalledAt: { seq, ns } };
}

/** Tape time of an ISO text or of milliseconds since 1970. */
function tapeNsOf(time: string | number, tape: Pick<SeekableTape, "startNs">): TapeNs | Refusal {
  const ns = typeof time === "string" ? nsOfIso(time) : nsOfMs(time);
  if (ns === undefined) return refuse("INVALID_VALUE", `${time} is not a time. Nothing was changed.`);
  return Number(ns - tape.startNs);
}

function nsOfMs(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * nsPerMs));
}

function stopwatch(): () => number {
  const began = performance.now();
  return () => performance.now() - began;
}
