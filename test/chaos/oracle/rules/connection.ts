import type { Violation } from "../history.js";
import { type Rule, violation } from "./rule.js";

/** [G10] A connection begins with `session`, and has a `history` before its first frame. */
export const firstMessages: Rule = (observed) => {
  const found: Violation[] = [];
  for (const { viewer, items } of observed.viewers) {
    let expects: "session" | "history" | "anything" = "anything";
    for (const item of items) {
      if (item.kind === "dialled") expects = "session";
      else if (item.kind === "closed" || expects === "anything") continue;
      else if (expects === "session") {
        if (item.kind === "view" && item.cause === "session") expects = "history";
        else {
          found.push(
            violation("G10", observed, { viewer, at: item.at }, `the first message is ${item.kind}, not session`),
          );
          expects = "anything";
        }
      } else if (item.kind === "history") expects = "anything";
      else if (item.kind === "frame") {
        found.push(violation("G10", observed, { ...item, viewer }, "a frame comes before any history"));
        expects = "anything";
      }
    }
  }
  return found;
};

/** [G30] Commands of one socket are answered in their order. */
export const answersInOrder: Rule = (observed) => {
  const newest = new Map<string, number>();
  return observed.commands.flatMap(({ via, name, answeredAt, outcome }) => {
    if (via === undefined || outcome.kind === "lost") return [];
    const before = newest.get(via) ?? 0;
    newest.set(via, Math.max(before, answeredAt));
    if (answeredAt >= before) return [];
    return [
      violation("G30", observed, { viewer: via, at: answeredAt }, `${name} is answered before an earlier command`),
    ];
  });
};
