import type { Violation } from "../history.js";
import { type CommandLog, type Item, isMoving, type Observations, type Revision } from "../observations.js";
import { type Course, courseBefore, coursesOf, furthest } from "../pace.js";
import { endOf, frameAt, frameOf, nsOf, playingOf, startOf, type TapeData, type Tapes } from "../tapes.js";
import { type Rule, violation } from "./rule.js";

/** The frames on which a jump may land: more than one where the playhead's place at the command is not known exactly. */
interface Landing {
  readonly from: number;
  readonly to: number;
}

/** [C11] [C12] [C13] A jump begins an epoch with the frame that it lands on, on every socket, playing or paused. */
export const landsThere: Rule = (observed, tapes) => {
  const found: Violation[] = [];
  const courses = coursesOf(observed, tapes);
  for (const revision of observed.revisions) {
    const before = courseBefore(courses, revision);
    // Only the command that made the revision moved the playhead.
    const seenAt = revision.views[0]?.at ?? 0;
    const [command, ...others] = revision.commands.filter(({ sentAt }) => sentAt <= seenAt);
    if (command === undefined || others.length > 0 || before === undefined) continue;
    const expected = landingOf(command, revision, before, observed, tapes);
    if (expected === undefined) continue;
    for (const { viewer, items } of observed.viewers) {
      const shown = firstShown(items, revision);
      if (shown === undefined || (shown.seq >= expected.from && shown.seq <= expected.to)) continue;
      const wanted =
        expected.from === expected.to ? `frame ${expected.from}` : `a frame from ${expected.from} to ${expected.to}`;
      const text = `${command.name} ${JSON.stringify(command.args)} shows frame ${shown.seq} first, not ${wanted}`;
      found.push(violation(command.name === "goback" ? "C13" : "C11", observed, { ...shown, viewer }, text));
    }
  }
  return found;
};

/** [C11] An epoch whose state a viewer received shows it at least one frame before the next epoch's state. */
export const showsLanding: Rule = (observed) => {
  const found: Violation[] = [];
  for (const { viewer, items } of observed.viewers) {
    let waits: Extract<Item, { kind: "view" }> | undefined;
    for (const item of items) {
      if (item.kind === "dialled" || item.kind === "closed") waits = undefined;
      if (item.kind === "frame" && item.epoch === waits?.view.epoch) waits = undefined;
      if (item.kind !== "view" || item.cause === "session") continue;
      if (waits !== undefined && item.view.epoch > waits.view.epoch) {
        const { epoch } = waits.view;
        found.push(
          violation("C11", observed, { viewer, epoch, at: item.at }, `epoch ${epoch} ends before it has shown a frame`),
        );
      }
      const isNew = waits === undefined ? item.view.epoch > lastEpoch(items, item) : item.view.epoch > waits.view.epoch;
      // The epoch of an order, and one without a tape, begin with a frame that is not there yet.
      const hasFrame = item.view.tape !== null && !item.view.tape.includes("~") && item.view.mode !== "LIVE";
      waits = isNew && hasFrame ? item : item.view.epoch === waits?.view.epoch ? waits : undefined;
    }
  }
  return found;
};

function lastEpoch(items: readonly Item[], before: Item): number {
  const earlier = items.slice(0, items.indexOf(before)).findLast((item) => item.kind === "view");
  return earlier?.kind === "view" ? earlier.view.epoch : 0;
}

/** The first frame of an epoch on a viewer that got its `state` and nothing of it before. */
function firstShown(
  items: readonly Item[],
  { epoch, rev }: Revision,
): { at: number; epoch: number; seq: number } | undefined {
  const index = items.findIndex((item) => item.kind === "view" && item.view.epoch === epoch);
  const state = items[index];
  if (state?.kind !== "view" || state.cause === "session" || state.view.rev !== rev) return undefined;
  const next = items
    .slice(index + 1)
    .find(
      (item) => item.kind === "frame" || item.kind === "dialled" || (item.kind === "view" && item.view.epoch !== epoch),
    );
  return next?.kind === "frame" && next.epoch === epoch ? { at: next.at, epoch, seq: next.prev + 1 } : undefined;
}

function landingOf(
  { name, args, sentAt, answeredAt }: CommandLog,
  revision: Revision,
  before: Course,
  { gaps, viewers }: Observations,
  tapes: Tapes,
): Landing | undefined {
  const view = revision.views[0]?.view;
  const past = before.revision.views.at(-1)?.view;
  const tape = view?.tape ? tapes.get(view.tape) : undefined;
  if (view === undefined || past === undefined || tape === undefined || past.tape !== view.tape) return undefined;
  if (view.epoch === past.epoch || view.mode === "LIVE") return undefined;
  const [start, end] = [startOf(tape, view.fromTs), endOf(tape, view.toTs)];
  const clamp = (seq: number) => Math.min(Math.max(seq, start?.seq ?? 0), end?.seq ?? Number.MAX_SAFE_INTEGER);
  const exactly = (seq: number | undefined): Landing | undefined =>
    seq === undefined ? undefined : { from: clamp(seq), to: clamp(seq) };
  if (name === "seek" && typeof args.seq === "number") return exactly(args.seq);
  if (name === "seek" && typeof args.ts === "string") return exactly(frameAt(tape, nsOf(tape, args.ts))?.seq);
  if (name === "seek" && typeof args.fraction === "number") return exactly(atFraction(tape, args.fraction));
  const back = name === "goback" ? Number(args.seconds ?? args.value) * 1e9 : undefined;
  const steps = name === "step" && typeof args.frames === "number" ? args.frames : undefined;
  if (back === undefined && steps === undefined) return undefined;
  // Here: exactly where it stood, or else from the last frame that anybody saw before the command was sent to the furthest that the playhead
  // can be. A slow cluster places a step ahead by twice the time that its last attempt took ([D70]).
  const stood = isMoving(past) ? undefined : past.cursorSeq;
  const seen = Math.max(-1, ...viewers.flatMap(({ items }) => seqsBefore(items, sentAt, past.epoch)));
  const least = stood ?? (seen >= 0 ? seen : undefined);
  if (least === undefined) return undefined;
  const most = stood ?? lastWithin(tape, furthest(before, 3 * answeredAt - 2 * sentAt) + allowanceNs, gaps, least);
  if (most === undefined) return undefined;
  const [low, high] = [frameOf(tape, least), frameOf(tape, most)];
  if (steps !== undefined) return { from: clamp(least + steps), to: clamp(most + steps) };
  if (back === undefined || low === undefined || high === undefined) return undefined;
  // A view shows its time to the millisecond.
  const stoodAt = stood !== undefined && past.cursorTs !== null ? nsOf(tape, past.cursorTs) : undefined;
  const from = frameAt(tape, (stoodAt ?? low.ns) - back);
  const to = frameAt(tape, stoodAt === undefined ? nextNs(tape, high.seq) - back : stoodAt + 1e6 - back);
  if (from === undefined || to === undefined) return undefined;
  return { from: clamp(from.seq), to: clamp(to.seq) };
}

/** Clocks of nodes differ by some ms. */
const allowanceNs = 60e6;

function nextNs(tape: TapeData, seq: number): number {
  return frameOf(tape, seq + 1)?.ns ?? frameOf(tape, seq)?.ns ?? 0;
}

function atFraction(tape: TapeData, fraction: number): number | undefined {
  const [first, last] = [tape.frames[0], tape.frames.at(-1)];
  if (first === undefined || last === undefined || last.seq !== tape.lastSeq) return undefined;
  return frameAt(tape, first.ns + Math.round(fraction * (last.ns - first.ns)))?.seq;
}

/** The frames of an epoch that were shown by a moment. */
function seqsBefore(items: readonly Item[], until: number, epoch: number): number[] {
  const seqs: number[] = [];
  for (const item of items) {
    if (item.at > until) break;
    if (item.kind === "frame" && item.epoch === epoch) seqs.push(item.seq);
  }
  return seqs;
}

/** The last frame whose playing time is not above a bound; undefined if the data ends before it. */
function lastWithin(tape: TapeData, playing: number, gaps: "skip" | "keep", least: number): number | undefined {
  let seq = least;
  for (let next = frameOf(tape, seq + 1); next !== undefined; next = frameOf(tape, seq + 1)) {
    if (playingOf(tape, next.ns, gaps) > playing) return seq;
    seq++;
  }
  return seq === tape.lastSeq ? seq : undefined;
}
