import type { Mode, View, Violation } from "../history.js";
import { compare } from "../observations.js";
import { type Rule, violation } from "./rule.js";

/** [D72] A mode that is named again without anything else is as it was left: tape, place and state, if it was paused there. */
export const modesAreKept: Rule = (observed) => {
  const found: Violation[] = [];
  const left = new Map<Mode, View>();
  let before: View | undefined;
  for (const { epoch, views, commands } of observed.revisions) {
    const view = views[0]?.view;
    if (view === undefined) continue;
    if (before !== undefined && before.mode !== view.mode) {
      left.set(before.mode, before);
      const kept = left.get(view.mode);
      const [command, ...others] = commands.filter(({ sentAt }) => sentAt <= (views[0]?.at ?? 0));
      const plain = others.length === 0 && command?.name === "mode" && Object.keys(command.args).length === 1;
      const wasExact = kept !== undefined && kept.state === "PAUSED" && compare(kept, view) < 0;
      if (plain && wasExact && command.outcome.kind === "done" && !observed.writesMayBeLost) {
        const fields = ["tape", "cursorSeq", "state", "speed", "loop"] as const;
        const wrong = fields.find((field) => kept[field] !== view[field]);
        if (wrong !== undefined) {
          const text = `${view.mode} was left with ${wrong} ${kept[wrong]} and comes back with ${view[wrong]}`;
          found.push(violation("D72", observed, { epoch, at: command.answeredAt }, text));
        }
      }
    }
    before = view;
  }
  return found;
};
