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
import { openIfExists, type Seq, type TapePosition } from "@tapedeck/tape";
import { feedUserOf } from "../feeds.js";
import { resolveOrder } from "../trading/resolve-order.js";
import { chooseMode, edgeOf, type Tapes } from "./choose-mode.js";
import {
  beginning,
  type CommandOnTape,
  clockErrorMs,
  type Edge,
  type Moment,
  momentWithoutTape,
  type Resolution,
  type ResolvedCommand,
  type SystemCommand,
  writeLeadMs,
} from "./commands.js";
import {
  endOfRange,
  frozenTape,
  momentOnTape,
  momentOrLost,
  momentWithLostTape,
  placeAtSeq,
  placeAtTime,
  type Range,
  startOfRange,
} from "./places.js";
import { isMoving, positionAt, type SeekableTape, wallAt } from "./playhead.js";
import type { SessionRecord } from "./record.js";
import { stallMs } from "./system.js";

const nsPerMs = 1e6;

/** A session with orders pauses this far ahead of the playhead, so that no node has told what happens after that place. Wall time. */
const tradingAheadMs = 2 * writeLeadMs;

interface ResolveOptions {
  /** Milliseconds since `now`, when the session was read: a command that takes long to resolve is applied at a later moment. */
  readonly sinceRead?: () => number;
  /** How far ahead of `now` to anchor a moving playhead, so that the change is written before the next frame is due. */
  readonly aheadMs?: number;
  /** Aborts when the client has gone: a search then ends, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Commands that anchor a moving playhead within its epoch. */
const anchoringCommands: ReadonlySet<string> = new Set([
  "pause",
  "stop",
  "step",
  "speed",
  "pace",
  "range",
] satisfies Command["type"][]);

/**
 * Finds on the tape what a command refers to: a fraction, the next event, ten frames from here. Everything that needs I/O
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
    return isRefusal(chosen) ? chosen : { command: chosen, moment: await momentOrLost(session, now, tapes) };
  }
  if (command.type === "live" || command.type === "tune" || startsAtEdge(session, command)) {
    return await resolveEdge(session, command, now, tapes);
  }
  if (command.type === "order") {
    return await resolveOrder(session, command, () => now + sinceRead(), tapes, signal);
  }
  if (session.tape === "") return { command: resolveWithoutTape(command), moment: momentWithoutTape(now) };
  const opened = await (session.mode === "LIVE" ? openIfExists(session.tape, tapes) : tapes.open(session.tape));
  if (opened === undefined) return resolveWithLostTape(session, command, now);
  const tape = frozenTape(opened);
  const anchors = anchoringCommands.has(command.type) && isMoving(session) && !session.edge;
  const ahead = anchors ? aheadMs + (session.chain === null ? 0 : tradingAheadMs) : 0;
  const moment = await momentOnTape(tape, session, now + ahead);
  const resolved = await locate(session, command, moment, tape, signal);
  if (isRefusal(resolved)) return resolved;
  return { command: resolved, moment, ...(anchors && (await deadlineOf(session, moment, tape))) };
}

/** In LIVE a STOPPED session starts at the edge. */
function startsAtEdge(session: SessionRecord, { type }: Command | SystemCommand): boolean {
  return (type === "start" || type === "resume") && session.mode === "LIVE" && session.state === "STOPPED";
}

/** The edge is that of the feed's current tape, or of the session's own if the feed has none. */
async function resolveEdge(
  session: SessionRecord,
  { type }: Pick<Command | SystemCommand, "type">,
  now: WallMs,
  tapes: Tapes,
): Promise<Resolution> {
  const { mode, source, symbol } = session;
  const current = type === "tune" ? "current" : undefined;
  const live = mode === "LIVE" ? await tapes.live(source, symbol, feedUserOf(session), current) : undefined;
  const own = session.tape === "" ? undefined : await openIfExists(session.tape, tapes);
  const tape = live ?? own;
  const edge: Edge | undefined = tape && { tape: tape.id, at: edgeOf(tape) };
  const moment = await momentOrLost(session, now, tapes);
  if (type === "tune") return { command: { type, edge, lost: session.tape !== "" && own === undefined }, moment };
  return { command: { type: "live", edge }, moment };
}

/**
 * A frame that is delivered between the moment of a command and its write would lie after the position that the command leaves:
 * a step forward would show nothing, one back would skip a frame. So the change must be written before the next frame is due.
 * Venues tell what happens to orders between frames, too: a session with orders must be written before the playhead reaches the place.
 */
async function deadlineOf(
  session: SessionRecord,
  { here, end, timeline, now }: Moment,
  tape: SeekableTape,
): Promise<{ by?: WallMs }> {
  if (here.seq >= end.seq) return {};
  if (session.chain !== null) return { by: now - writeLeadMs };
  const nextNs = await tape.nsOf(here.seq + 1);
  if (nextNs <= here.ns) return {}; // a damaged frame, which is skipped
  return { by: wallAt(session, nextNs, timeline) - writeLeadMs };
}

/** `apply` refuses those that need a position, since there is no tape to find it on. */
function resolveWithoutTape(command: CommandOnTape): ResolvedCommand {
  switch (command.type) {
    case "seek":
    case "goback":
    case "step":
      return { type: command.type, to: beginning };
    case "range":
      return { type: "range", fromNs: null, toNs: null, loop: false, start: beginning, end: beginning };
    case "reach":
      return { type: "reach", node: command.node, at: beginning };
    case "shown":
      return { type: "shown", epoch: command.epoch, at: beginning };
    default:
      return command;
  }
}

/** A LIVE session whose tape Redis has lost waits for its feed to begin another one. */
function resolveWithLostTape(session: SessionRecord, command: CommandOnTape, now: WallMs): Resolution | Refusal {
  if (command.type === "seek" || command.type === "goback" || command.type === "step" || command.type === "range") {
    return refuse(
      "NO_TAPE",
      `The tape of session ${session.id} is lost; \`live\` continues on the next one. Nothing was changed.`,
    );
  }
  return { command: resolveWithoutTape(command), moment: momentWithLostTape(session, now) };
}

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
      // Gateways may have shown more than the ticker has published.
      const { seq, ns } = await placeAtSeq(Math.max(command.at.seq, session.publishedSeq), moment, tape);
      return { ...command, at: { seq, ns: Math.max(ns, command.at.ns) } };
    }
    case "reach":
      return { type: "reach", node: command.node, at: await placeAtSeq(command.seq, moment, tape) };
    case "shown":
      return { type: "shown", epoch: command.epoch, at: await placeAtSeq(command.seq, moment, tape) };
    case "release":
      return { ...command, publishedSeq: await publishedBy(session, command, moment, tape) };
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
  const minSeverity = severity === undefined ? "" : ` of severity ${severity} or above`;
  const where = event === "next" ? "after" : "before";
  const none = `There is no ${kind}${minSeverity} ${where} this position`;
  const left = event === "next" ? end.ns - here.ns : here.ns - start.ns;
  if (left <= eventHorizonNs) return `${none} in what is played.`;
  return (
    `${none} within ${eventHorizonNs / 60e9} minutes, which is the search limit in a simulated market. ` +
    "Seek that far to search on from there."
  );
}

/** A seek by time lands on a frame, at its time. */
async function snapToFrame({ seq }: TapePosition, moment: Moment, tape: SeekableTape): Promise<TapePosition> {
  return placeAtSeq(seq, moment, tape);
}

/** Steps by time keep their exact position between two frames, so that many small ones add up. */
async function stepTarget(by: StepBy, moment: Moment, tape: SeekableTape): Promise<TapePosition> {
  if ("frames" in by) return placeAtSeq(moment.here.seq + by.frames, moment, tape);
  return placeAtTime(moment.here.ns + Math.round(by.ms * nsPerMs), moment, tape);
}

/** A field that a range command omits stays as it is; null is the tape's own end. */
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
    const extent = `the tape covers ${tape.iso(firstNs)} to ${tape.iso(lastNs)}`;
    return refuse("INVALID_VALUE", `There is no frame between from and to; ${extent}. Nothing was changed.`);
  }
  return { type: "range", ...range, loop, start, end };
}

/** A loop needs an end: on a growing tape, unless the command names one, the newest frame at this moment. */
function endOfLoop(loop: boolean, { span }: SeekableTape): TapeNs | null {
  return loop && span.growing ? span.lastNs : null;
}

function isInvalidTime(ns: TapeNs | null | Refusal): ns is Refusal {
  return typeof ns === "object" && ns !== null;
}

/**
 * The last frame of those that a ticker has published which clients have been shown. A ticker that has not received a jump counts frames of another
 * position: none of them lies after the playhead.
 */
async function publishedBy(
  session: SessionRecord,
  { epoch, publishedSeq }: Extract<SystemCommand, { type: "release" }>,
  { now, here }: Moment,
  tape: SeekableTape,
): Promise<Seq> {
  if (epoch !== session.epoch) return Math.min(publishedSeq, here.seq);
  return Math.min(publishedSeq, (await positionAt(session, now + clockErrorMs, tape)).seq);
}

/** The last published frame, if the frame after it is overdue: a ticker that claims the session then goes on from there. */
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

/** Tape time of an ISO timestamp or of milliseconds since 1970. */
function tapeNsOf(time: string | number, tape: Pick<SeekableTape, "startNs">): TapeNs | Refusal {
  const ns = typeof time === "string" ? nsOfIso(time) : nsOfMs(time);
  if (ns === undefined) {
    return refuse("INVALID_VALUE", `${time} is not an ISO timestamp or milliseconds since 1970. Nothing was changed.`);
  }
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
