import type { View, Violation } from "../history.js";
import { type Item, isMoving, nextOf, type Shown } from "../observations.js";
import { frameOf, playingOf } from "../tapes.js";
import { type Rule, violation } from "./rule.js";

/** Cells begin where the playhead was anchored, which a view shows to the millisecond. */
const allowanceNs = 2e6;

/**
 * [C22] [TP41] Under a cap of `max_fps`, a message stands for at most one cell of `speed / max_fps` seconds, and two cells hold at most two
 * messages. Without a cap each frame is a message. A market that plays at its edge has cells of wall time: there only the first holds.
 */
export const frameCap: Rule = (observed, tapes) => {
  const found: Violation[] = [];
  for (const { viewer, items } of observed.viewers) {
    let view: View | undefined;
    let run: Shown[] = [];
    for (const [index, item] of items.entries()) {
      if (item.kind !== "frame" || item.from === "history" || item.lagging) run = [];
      if (item.kind === "dialled") view = undefined;
      if (item.kind === "view") view = item.view;
      if (item.kind !== "frame" || item.from === "history" || item.lagging) continue;
      if (view === undefined || view.epoch !== item.epoch) continue;
      run.push(item);
      const tape = view.tape === null ? undefined : tapes.get(view.tape);
      const playing = (seq: number) => {
        const frame = tape && frameOf(tape, seq);
        return tape && frame && playingOf(tape, frame.ns, observed.gaps);
      };
      const { maxFps, speed, mode } = view;
      if (maxFps === 0 && item.prev !== item.seq - 1 && mode !== "LIVE") {
        found.push(
          violation(
            "TP40",
            observed,
            { ...item, viewer },
            `frames (${item.prev}, ${item.seq}] are merged without a cap`,
          ),
        );
      }
      if (maxFps === 0 || mode === "LIVE") continue;
      const cell = (speed / maxFps) * 1e9;
      const [first, last, before] = [playing(item.prev + 1), playing(item.seq), playing(run.at(-3)?.seq ?? -1)];
      if (first !== undefined && last !== undefined && last - first > cell + allowanceNs * Math.max(1, speed)) {
        const text = `frames (${item.prev}, ${item.seq}] span ${Math.round((last - first) / 1e6)} ms, a cell has ${Math.round(cell / 1e6)}`;
        found.push(violation("TP41", observed, { ...item, viewer }, text));
      }
      if (run.length < 3 || before === undefined || last === undefined || last - before >= cell - allowanceNs) continue;
      const isEnd = item.seq === tape?.lastSeq || view.toTs !== null;
      if (isEnd || isBusy(run) || !isMoving(view) || leadsToStop(items, index)) continue;
      const text = `three messages come within ${Math.round((last - before) / 1e6)} ms of tape, a cell has ${Math.round(cell / 1e6)}`;
      found.push(violation("C22", observed, { ...item, viewer }, text));
    }
  }
  return found;
};

/** A step shows each frame that it passes. */
function leadsToStop(items: readonly Item[], index: number): boolean {
  const next = nextOf(items, index, "view");
  return next !== undefined && !isMoving(next.view);
}

/** A cell with more than 1,000 trades is more than one message. */
function isBusy(run: readonly Shown[]): boolean {
  return run.slice(-3).some(({ json }) => json.split('"price":').length > 500);
}
