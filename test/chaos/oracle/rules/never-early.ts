import type { Violation } from "../history.js";
import { type Item, nextOf, type SeenView } from "../observations.js";
import { type Course, coursesOf, earliest } from "../pace.js";
import { frameOf, playingOf } from "../tapes.js";
import { type Rule, violation } from "./rule.js";

/** How far the clocks of two nodes may differ, and how coarse a view's time may be, in ms. */
const allowanceMs = 60;

/** [TK2] A frame never comes before the playhead can have reached it, by any revision that the viewer may have been shown. */
export const neverEarly: Rule = (observed, tapes) => {
  const found: Violation[] = [];
  const courses = coursesOf(observed, tapes);
  for (const { viewer, items } of observed.viewers) {
    let state: SeenView | undefined;
    for (const [index, item] of items.entries()) {
      if (item.kind === "dialled" || item.kind === "past") state = undefined;
      if (item.kind === "view") state = item;
      if (item.kind !== "frame" || item.from === "history" || state?.view.epoch !== item.epoch) continue;
      const name = observed.tapes.get(item.epoch);
      const tape = name === undefined ? undefined : tapes.get(name);
      const frame = tape && frameOf(tape, item.seq);
      if (tape === undefined || frame === undefined) continue;
      const target = playingOf(tape, frame.ns, observed.gaps);
      const possible = between(courses, state, nextView(items, index));
      const due = possible.map((course) => dueBy(course, item.seq, target));
      const soonest = Math.min(...due);
      if (possible.length === 0 || soonest - allowanceMs <= item.at) continue;
      const text = `frame ${item.seq} comes ${Math.round(soonest - item.at)} ms before the playhead can be there`;
      found.push(violation("TK2", observed, { ...item, viewer }, text));
    }
  }
  return found;
};

function dueBy(course: Course, seq: number, target: number): number {
  if (course.free) return Number.NEGATIVE_INFINITY;
  // Where the playhead stands, everything up to there may be shown.
  const standsAt = course.revision.views[0]?.view.cursorSeq ?? -1;
  if (!course.moving) return seq <= standsAt ? course.at : Number.POSITIVE_INFINITY;
  return earliest(course, target);
}

/** The revisions from a viewer's last state to its next one, of one epoch. */
function between(courses: readonly Course[], { view: { epoch, rev } }: SeenView, next: SeenView | undefined): Course[] {
  const last = next?.view.epoch === epoch ? next.view.rev : Number.POSITIVE_INFINITY;
  return courses.filter(({ revision }) => revision.epoch === epoch && revision.rev >= rev && revision.rev <= last);
}

function nextView(items: readonly Item[], index: number): SeenView | undefined {
  const next = nextOf(items, index, "view", "dialled");
  return next?.kind === "view" ? next : undefined;
}
