import type { View, Violation } from "../history.js";
import { isMoving, nextOf, type SeenView } from "../observations.js";
import { endOf, startOf, type TapeData, type Tapes } from "../tapes.js";
import { type Rule, violation } from "./rule.js";

function tapeOf({ tape }: View, tapes: Tapes): TapeData | undefined {
  return tape === null ? undefined : tapes.get(tape);
}

/** [C14] [D23] While a range is set, no frame outside it comes. */
export const insideRange: Rule = (observed, tapes) => {
  const found: Violation[] = [];
  for (const { viewer, items } of observed.viewers) {
    let view: View | undefined;
    for (const [index, item] of items.entries()) {
      if (item.kind === "dialled" || item.kind === "past") view = undefined;
      if (item.kind === "view" && item.cause !== "session") view = item.view;
      if (item.kind !== "frame" || item.from === "history" || view?.epoch !== item.epoch || !isMoving(view)) continue;
      const tape = tapeOf(view, tapes);
      const [start, end] = tape ? [startOf(tape, view.fromTs), endOf(tape, view.toTs)] : [];
      const early = start !== undefined && item.prev + 1 < start.seq;
      const late = end !== undefined && item.seq > end.seq;
      if (!early && !late) continue;
      // A change of the range may follow, and these frames lead up to it.
      const next = nextOf(items, index, "view", "dialled");
      if (next?.kind !== "view" || next.view.toTs !== view.toTs || next.view.fromTs !== view.fromTs) continue;
      found.push(
        violation(
          "C14",
          observed,
          { ...item, viewer },
          `frame ${item.seq} is outside the range, frames ${start?.seq} to ${end?.seq}`,
        ),
      );
    }
  }
  return found;
};

/** [C14] [C15] A round of a loop, and a session that ends, has shown the last frame of what it plays before it says so. */
export const endsAtTheEnd: Rule = (observed, tapes) => {
  const found: Violation[] = [];
  for (const { viewer, items } of observed.viewers) {
    let before: SeenView | undefined;
    let last: { epoch: number; seq: number } | undefined;
    for (const item of items) {
      if (item.kind === "dialled" || item.kind === "past") before = undefined;
      if (item.kind === "frame") last = { epoch: item.epoch, seq: item.seq };
      if (item.kind !== "view") continue;
      const past = before?.view;
      before = item;
      const ends = item.cause === "ended" || (item.cause === "loop" && past?.loop);
      if (past === undefined || !ends || last === undefined || last.epoch !== past.epoch) continue;
      const tape = tapeOf(past, tapes);
      const end = tape && endOf(tape, past.toTs);
      if (end === undefined || last.seq === end.seq) continue;
      const what = item.cause === "ended" ? "the session ends" : "the loop begins again";
      const text = `${what} after frame ${last.seq}, its last one is ${end.seq}`;
      found.push(
        violation(
          item.cause === "ended" ? "C15" : "C14",
          observed,
          { viewer, epoch: past.epoch, seq: last.seq, at: item.at },
          text,
        ),
      );
    }
  }
  return found;
};
