import type { Item, Shown } from "../observations.js";
import { type Rule, violation } from "./rule.js";

/** A frame that does not follow the one that its viewer got before, and how many frames are missing or come again. */
export interface Break {
  readonly frame: Shown;
  readonly last: Pick<Shown, "epoch" | "seq">;
  readonly lost: number;
  readonly repeated: number;
}

/** [C4] Within an epoch each frame follows the one before; epochs never decrease. A viewer without a usable token starts afresh. */
export const eachFrameOnce: Rule = (observed) =>
  observed.viewers.flatMap(({ viewer, items }) =>
    breaksIn(items).map((found) => violation("C4", observed, { ...found.frame, viewer }, describe(found))),
  );

export function breaksIn(items: readonly Item[]): Break[] {
  const found: Break[] = [];
  let last: Pick<Shown, "epoch" | "seq"> | undefined;
  let fresh = true;
  for (const item of items) {
    if (item.kind === "dialled") fresh = item.token === undefined;
    if (item.kind === "history" && (!item.complete || fresh)) {
      last = undefined;
      fresh = false;
    }
    if (item.kind !== "frame") continue;
    const broken = last && breakBetween(last, item);
    if (broken !== undefined) found.push(broken);
    last = item;
  }
  return found;
}

function breakBetween(last: Pick<Shown, "epoch" | "seq">, frame: Shown): Break | undefined {
  const { epoch, prev, lagging } = frame;
  if (epoch > last.epoch || (epoch === last.epoch && prev === last.seq)) return undefined;
  if (epoch === last.epoch && lagging && prev > last.seq) return undefined; // `lag` says that frames were left out
  if (epoch < last.epoch) return { frame, last, lost: 0, repeated: 1 };
  return {
    frame,
    last,
    lost: Math.max(0, prev - last.seq),
    repeated: Math.max(0, Math.min(last.seq, frame.seq) - prev),
  };
}

function describe({ frame: { epoch, prev, seq }, last, lost }: Break): string {
  const name = `frame (${prev}, ${seq}]`;
  if (epoch < last.epoch) return `${name} of epoch ${epoch} comes after frame ${last.seq} of epoch ${last.epoch}`;
  if (lost > 0) return `frames ${last.seq + 1} to ${prev} are missing before ${name}`;
  return `${name} comes again or out of order, after frame ${last.seq}`;
}
