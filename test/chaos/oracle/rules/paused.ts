import type { Violation } from "../history.js";
import { isMoving, nextOf, type Observations, type SeenView, type Shown } from "../observations.js";
import { type Rule, violation } from "./rule.js";

/**
 * [C10] [G7] After the state of a session that does not move comes no frame, unless it leads up to the next state (a step shows what it
 * passes) or is the frame that a new epoch lands on. If revisions were missed, since the gateway was cut off, the epoch may have played before it
 * stopped: then its frames up to the state's come after the state.
 */
export const nothingWhilePaused: Rule = (observed) => {
  const found: Violation[] = [];
  for (const { viewer, items } of observed.viewers) {
    let state: SeenView | undefined;
    let landed = false;
    let playedBefore = false;
    for (const [index, item] of items.entries()) {
      if (item.kind === "dialled" || item.kind === "past") state = undefined; // until it is up to date
      if (item.kind === "view" && item.cause !== "session") {
        landed = state !== undefined && state.view.epoch === item.view.epoch;
        playedBefore = !landed && state !== undefined && item.view.rev > state.view.rev + 1;
        state = item;
      }
      if (item.kind !== "frame" || item.from === "history" || state === undefined || isMoving(state.view)) continue;
      // A gateway that cannot read the tape at the moment names no frame.
      const isLanding = !landed && (state.view.cursorSeq ?? item.seq) === item.seq;
      landed = true;
      if (isLanding || item.epoch !== state.view.epoch) continue;
      if (playedBefore && item.seq <= (state.view.cursorSeq ?? -1)) continue;
      const next = nextOf(items, index, "view", "dialled");
      const follows = next?.kind === "view" && leadsUpTo(next, item);
      if (follows || (next?.kind !== "view" && movedLater(observed, state, item))) continue;
      const { state: name, cursorSeq, rev } = state.view;
      const text = `frame ${item.seq} comes after the state ${name} at frame ${cursorSeq} (revision ${rev}), and no command moved the playhead`;
      found.push(violation("C10", observed, { ...item, viewer }, text));
    }
  }
  return found;
};

function leadsUpTo({ view }: SeenView, { epoch, seq }: Shown): boolean {
  return view.epoch === epoch && (view.cursorSeq ?? -1) >= seq;
}

/** The connection ended before the next state came: any later revision may explain the frame. */
function movedLater(observed: Observations, { view: { epoch, rev } }: SeenView, { seq, at }: Shown): boolean {
  const later = observed.revisions.filter((each) => each.epoch === epoch && each.rev > rev);
  const seen = later.some(({ views }) => views.some(({ view }) => isMoving(view) || (view.cursorSeq ?? -1) >= seq));
  return seen || observed.commands.some(({ outcome, sentAt }) => outcome.kind === "lost" && sentAt < at);
}
