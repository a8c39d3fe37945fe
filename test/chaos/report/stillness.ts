import type { View } from "../oracle/history.js";
import { type Item, isAtEdge, isMoving, type Observations } from "../oracle/observations.js";
import { frameOf, playingOf, type Tapes } from "../oracle/tapes.js";

/** How long a viewer waited for a frame beyond what its tape and speed make it wait. */
export interface Wait {
  readonly from: number;
  readonly to: number;
  readonly ms: number;
}

/** Simulated markets have ten frames a second. */
const edgeMs = 100;

/** The waits of all viewers of a session that played without a change meanwhile. */
export function waitsOf(observed: Observations, tapes: Tapes): Wait[][] {
  return observed.viewers.map(({ items }) => waitsOfViewer(items, observed, tapes));
}

function waitsOfViewer(items: readonly Item[], { tapes: names, gaps }: Observations, tapes: Tapes): Wait[] {
  const waits: Wait[] = [];
  let before: Extract<Item, { kind: "frame" }> | undefined;
  let view: View | undefined;
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
    const playingMs = (playingOf(tape, b.ns, gaps) - playingOf(tape, a.ns, gaps)) / 1e6;
    // At the edge, a gap that a dead feed leaves in the market is stillness too.
    const dueMs = isAtEdge(view) ? Math.min(playingMs, edgeCellMs(view)) : playingMs / view.speed;
    waits.push({ from: last.at, to: item.at, ms: Math.max(0, item.at - last.at - dueMs) });
  }
  return waits;
}

function edgeCellMs({ maxFps }: View): number {
  return maxFps === 0 ? edgeMs : Math.max(edgeMs, 1000 / maxFps);
}
