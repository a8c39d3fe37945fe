import type { View, Violation } from "../history.js";
import { compare } from "../observations.js";
import { type Rule, violation } from "./rule.js";

/** [D14] [D15] Revision and epoch only grow, on each socket and from each answer to the next request. */
export const revisionsGrow: Rule = (observed) => {
  const found: Violation[] = [];
  for (const { viewer, items } of observed.viewers) {
    let newest: View | undefined;
    for (const item of items) {
      if (item.kind === "dialled") newest = undefined; // another node may be a moment behind
      if (item.kind !== "view") continue;
      const { epoch, rev } = item.view;
      if (
        newest !== undefined &&
        compare(item.view, newest) < 0 &&
        !mayFall(newest, item.view, observed.writesMayBeLost)
      ) {
        const text = `revision ${rev} of epoch ${epoch} comes after revision ${newest.rev} of epoch ${newest.epoch}`;
        found.push(violation("D14", observed, { viewer, epoch, at: item.at }, text));
      }
      newest = item.view;
    }
  }
  return found;
};

/** A Redis that lost writes makes a new epoch, whose revisions begin below those that it lost. */
function mayFall(before: View, after: View, writesMayBeLost: boolean): boolean {
  return writesMayBeLost && after.epoch > before.epoch;
}

/** [C2] What a command was answered with holds for every command and read that is sent afterwards, whichever node takes it. */
export const answersStand: Rule = (observed) => {
  const found: Violation[] = [];
  const answered = observed.commands.flatMap(({ name, answeredAt, outcome }) =>
    outcome.kind === "done" ? [{ name, at: answeredAt, view: outcome.view }] : [],
  );
  const later = [
    ...observed.commands.flatMap(({ name, sentAt, answeredAt, outcome }) =>
      outcome.kind === "done" ? [{ what: name, sentAt, at: answeredAt, view: outcome.view }] : [],
    ),
    ...observed.reads.map(({ sentAt, at, view }) => ({ what: "a read", sentAt, at, view })),
  ];
  for (const { what, sentAt, at, view } of later) {
    const undone = answered.find((answer) => answer.at < sentAt && compare(view, answer.view) < 0);
    if (undone === undefined || observed.writesMayBeLost) continue;
    const { epoch, rev } = view;
    const text = `${undone.name} was acknowledged with revision ${undone.view.rev} of epoch ${undone.view.epoch}, and ${what} sent after that shows revision ${rev}`;
    found.push(violation("C2", observed, { epoch, at }, text));
  }
  return found;
};
