import type { View, Violation } from "../history.js";
import { type Item, isMoving } from "../observations.js";
import { type Rule, violation } from "./rule.js";

const sameFields = [
  "mode",
  "tape",
  "state",
  "reason",
  "speed",
  "fromTs",
  "toTs",
  "loop",
  "maxFps",
  "parked",
  "position",
] as const;

/** [C2] A revision is the same session, whoever shows it. */
export const revisionsAgree: Rule = (observed) =>
  observed.revisions.flatMap(({ epoch, rev, views }) => {
    const [first, ...others] = views;
    if (first === undefined) return [];
    const odd = others.find(({ view }) => differingField(first.view, view) !== undefined);
    if (odd === undefined) return [];
    const field = differingField(first.view, odd.view) ?? "";
    return [violation("C2", observed, { epoch, at: odd.at }, `two views of revision ${rev} differ in ${field}`)];
  });

function differingField(a: View, b: View): string | undefined {
  const field = sameFields.find((each) => a[each] !== b[each]);
  if (field !== undefined) return field;
  const stands = !isMoving(a) && a.cursorSeq !== null && b.cursorSeq !== null;
  return stands && a.cursorSeq !== b.cursorSeq ? "cursor_seq" : undefined;
}

/** [C23] What stands for the same frames is the same text on every socket, and an epoch begins alike on all of them. */
export const socketsAgree: Rule = (observed) => {
  const found: Violation[] = [];
  const texts = new Map<string, string>();
  const firsts = new Map<number, number>();
  for (const { viewer, items } of observed.viewers) {
    let stateOf: number | undefined;
    for (const item of items) {
      if (item.kind === "dialled" || item.kind === "history") stateOf = undefined;
      if (item.kind === "view")
        stateOf = item.cause !== "session" && !seen(items, item.view.epoch, item) ? item.view.epoch : undefined;
      if (item.kind !== "frame" || item.from === "history") continue;
      const { epoch, prev, seq, json } = item;
      const key = `${epoch}:${prev}:${seq}`;
      const text = texts.get(key) ?? json;
      texts.set(key, text);
      if (text !== json)
        found.push(
          violation("C23", observed, { ...item, viewer }, `frame (${prev}, ${seq}] differs from another socket's`),
        );
      if (stateOf !== epoch) continue;
      stateOf = undefined;
      const first = firsts.get(epoch) ?? prev + 1;
      firsts.set(epoch, first);
      if (first === prev + 1 || item.lagging) continue;
      found.push(
        violation(
          "C23",
          observed,
          { ...item, viewer },
          `epoch ${epoch} begins with frame ${prev + 1}, on another socket with frame ${first}`,
        ),
      );
    }
  }
  return found;
};

function seen(items: readonly Item[], epoch: number, before: Item): boolean {
  return items.slice(0, items.indexOf(before)).some((item) => item.kind === "frame" && item.epoch === epoch);
}
