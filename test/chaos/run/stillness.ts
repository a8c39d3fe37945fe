import { type Item, isAtEdge, isMoving, type Observations } from "../oracle/observations.js";
import { frameOf, playingOf, type Tapes } from "../oracle/tapes.js";

/** How long a viewer waited for a frame beyond what its tape and speed make it wait. */
export interface Wait {
  readonly from: number;
  readonly to: number;
  readonly ms: number;
}

/** The waits of all viewers of a session that played without a change meanwhile. */
export function waitsOf(observed: Observations, tapes: Tapes): Wait[][] {
  return observed.viewers.map(({ items }) => waitsOfViewer(items, observed, tapes));
}

function waitsOfViewer(items: readonly Item[], { tapes: names, gaps }: Observations, tapes: Tapes): Wait[] {
  const waits: Wait[] = [];
  let before: Extract<Item, { kind: "frame" }> | undefined;
  let view: Extract<Item, { kind: "view" }>["view"] | undefined;
  for (const item of items) {
    if (item.kind === "view") {
      // A claim or a reconnection shows the same session again; any other change ends the run.
      const same =
        view !== undefined &&
        view.epoch === item.view.epoch &&
        view.state === item.view.state &&
        view.speed === item.view.speed;
      if (!same) before = undefined;
      view = item.view;
    }
    if (item.kind !== "frame") continue;
    const last = before;
    before = item;
    if (view === undefined || !isMoving(view) || last === undefined || last.epoch !== item.epoch || item.at <= last.at)
      continue;
    const name = names.get(item.epoch);
    const tape = name === undefined ? undefined : tapes.get(name);
    const [a, b] = tape ? [frameOf(tape, last.seq), frameOf(tape, item.seq)] : [];
    if (tape === undefined || a === undefined || b === undefined) continue;
    const due = isAtEdge(view) ? 0 : (playingOf(tape, b.ns, gaps) - playingOf(tape, a.ns, gaps)) / 1e6 / view.speed;
    waits.push({ from: last.at, to: item.at, ms: Math.max(0, item.at - last.at - due) });
  }
  return waits;
}
