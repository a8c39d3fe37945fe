import type { View } from "../history.js";
import { type Item, isMoving, nextOf, type Observations, type Shown } from "../observations.js";
import { frameOf, playingOf, type Tapes } from "../tapes.js";
import { type Rule, violation } from "./rule.js";

/** Cells begin where the playhead was anchored, which a view shows to the millisecond. */
const allowanceNs = 2e6;

/** Live frames of one viewer that no other message interrupted, and the state that they follow. */
interface Run {
  readonly frames: readonly Shown[];
  readonly view: View;
  /** The next state of the same epoch: frames may lead up to it, and are then cut by its pace. */
  readonly next: View | undefined;
}

/**
 * [C22] [TP41] Under a cap of `max_fps` a message stands for at most one cell of `speed / max_fps` seconds, and two cells have at most two
 * messages. Without a cap each frame is a message ([TP40]). At the edge of a market, cells are of wall time, and only the cluster knows them.
 */
export const frameCap: Rule = (observed, tapes) =>
  observed.viewers.flatMap(({ viewer, items }) =>
    runsOf(items).flatMap((run) =>
      run.frames.flatMap((frame, index) => {
        const wrong = flawOf(run, index, observed, tapes);
        return wrong === undefined ? [] : [violation(wrong.rule, observed, { ...frame, viewer }, wrong.text)];
      }),
    ),
  );

function runsOf(items: readonly Item[]): Run[] {
  const runs: Run[] = [];
  let view: View | undefined;
  let frames: Shown[] = [];
  for (const [index, item] of items.entries()) {
    const belongs = item.kind === "frame" && item.from === "live" && !item.lagging && item.epoch === view?.epoch;
    if (belongs) {
      if (frames.length === 0 && view !== undefined) {
        const next = nextOf(items, index, "view")?.view;
        runs.push({ frames, view, next: next?.epoch === view.epoch ? next : undefined });
      }
      frames.push(item);
      continue;
    }
    frames = [];
    if (item.kind === "view") view = item.view;
    else if (item.kind === "dialled" || item.kind === "past") view = undefined;
  }
  return runs.filter((run) => run.view.mode !== "LIVE");
}

function flawOf(
  { frames, view, next }: Run,
  index: number,
  { gaps }: Observations,
  tapes: Tapes,
): { rule: string; text: string } | undefined {
  const frame = frames[index];
  if (frame === undefined) return undefined;
  const name = `frames (${frame.prev}, ${frame.seq}]`;
  const { maxFps, toTs } = view;
  if (maxFps === 0) {
    return frame.prev === frame.seq - 1 ? undefined : { rule: "TP40", text: `${name} are merged without a cap` };
  }
  const tape = view.tape === null ? undefined : tapes.get(view.tape);
  const playing = (seq: number) => {
    const found = tape && frameOf(tape, seq);
    return tape && found && playingOf(tape, found.ns, gaps);
  };
  const speeds = [view.speed, next?.speed ?? view.speed];
  const [least, most] = [Math.min(...speeds), Math.max(...speeds)].map((speed) => (speed / maxFps) * 1e9);
  const [first, last] = [playing(frame.prev + 1), playing(frame.seq)];
  if (first === undefined || last === undefined || least === undefined || most === undefined) return undefined;
  if (last - first > most + allowanceNs * Math.max(1, ...speeds)) {
    return { rule: "TP41", text: `${name} span ${ms(last - first)} ms, a cell has ${ms(most)}` };
  }
  const before = playing(frames[index - 2]?.seq ?? -1);
  if (before === undefined || last - before >= least - allowanceNs * Math.max(1, ...speeds)) return undefined;
  // What is played ends within a cell, a step shows each frame that it passes, and 1,000 trades fill a message.
  const cut = frame.seq === tape?.lastSeq || toTs !== null || !isMoving(view) || (next && !isMoving(next));
  if (cut || frames.slice(index - 2, index + 1).some(isFull)) return undefined;
  return { rule: "C22", text: `three messages come within ${ms(last - before)} ms of tape, a cell has ${ms(least)}` };
}

function ms(ns: number): number {
  return Math.round(ns / 1e6);
}

function isFull({ json }: Shown): boolean {
  return json.split('"price":').length > 500;
}
