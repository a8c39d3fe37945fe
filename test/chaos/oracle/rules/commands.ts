import type { View, Violation } from "../history.js";
import { type CommandLog, compare, isUncertain, type Observations, type Revision } from "../observations.js";
import { type Rule, violation } from "./rule.js";

/** [D10] to [D28] The answer to a command shows what the command asked for. */
export const commandsTakeEffect: Rule = (observed) =>
  observed.commands.flatMap(({ name, args, outcome, answeredAt }) => {
    if (outcome.kind !== "done") return [];
    const wrong = missedBy(name, args, outcome.view);
    const { epoch, rev } = outcome.view;
    return wrong === undefined
      ? []
      : [
          violation(
            "D32",
            observed,
            { epoch, at: answeredAt },
            `${name} was acknowledged with revision ${rev}, in which ${wrong}`,
          ),
        ];
  });

function missedBy(name: string, args: Readonly<Record<string, unknown>>, view: View): string | undefined {
  const { state, speed, mode, loop } = view;
  const wants = (expected: View["state"]) =>
    state === expected ? undefined : `the state is ${state}, not ${expected}`;
  switch (name) {
    case "start":
    case "resume":
    case "live":
      // A tape that has ended, at a speed of seconds a second, may stop again at once.
      return state === "STOPPED" && view.reason === "ended" ? undefined : wants("PLAYING");
    case "pause":
    case "step":
      return wants("PAUSED");
    case "stop":
      return wants("STOPPED");
    case "speed":
      return speed === args.value ? undefined : `the speed is ${speed}, not ${args.value}`;
    case "mode":
      return mode === args.mode ? undefined : `the mode is ${mode}, not ${args.mode}`;
    case "range":
      return args.loop === undefined || loop === args.loop ? undefined : `loop is ${loop}, not ${args.loop}`;
    default:
      return undefined;
  }
}

/** [D13] [D30] [S17] What a session's users set changes by their commands alone: an acknowledged command is not undone by anything else. */
export const nothingElseChanges: Rule = (observed) => {
  const found: Violation[] = [];
  let before: Revision | undefined;
  for (const revision of observed.revisions) {
    const [past, first] = [before?.views.at(-1)?.view, revision.views[0]];
    const previous = before;
    before = revision;
    if (past === undefined || first === undefined || previous === undefined) continue;
    const allowed = mayChange(observed, previous, revision, first.at);
    const changed = changedFields(past, first.view).filter(({ field }) => !allowed.has(field));
    if (changed.length === 0) continue;
    const cause = revision.cause ?? "none";
    if (isOwnAccord(past, first.view, cause) || observed.writesMayBeLost) continue;
    const { epoch, rev } = revision;
    const text = `${changed.map(({ text }) => text).join(", ")} changed from revision ${previous.rev} to ${rev} without a command (cause ${cause})`;
    found.push(violation("D30", observed, { epoch, at: first.at }, text));
  }
  return found;
};

const fields = ["mode", "state", "speed", "fromTs", "toTs", "loop", "maxFps", "tape", "epoch"] as const;
type Field = (typeof fields)[number];

function changedFields(a: View, b: View): { field: Field; text: string }[] {
  return fields
    .filter((field) => a[field] !== b[field])
    .map((field) => ({ field, text: `${field} (${a[field]} to ${b[field]})` }));
}

/** What each command may change; any other may change everything. */
const changes: Readonly<Record<string, readonly Field[]>> = {
  start: ["state", "epoch"],
  resume: ["state", "epoch"],
  pause: ["state", "epoch"],
  stop: ["state", "epoch"],
  step: ["state", "epoch"],
  seek: ["state", "epoch"],
  goback: ["state", "epoch"],
  speed: ["speed"],
  range: ["fromTs", "toTs", "loop", "epoch"],
  order: ["tape", "epoch"],
};

/** The fields that some command may have changed between two revisions, one whose answer was lost among them. */
function mayChange({ commands }: Observations, before: Revision, after: Revision, seenAt: number): Set<Field> {
  const took = commands.filter((command) => tookEffectBetween(command, before, after, seenAt));
  const live = before.views.some(({ view }) => view.mode === "LIVE");
  return new Set(took.flatMap(({ name }) => (live ? undefined : changes[name]) ?? fields));
}

function tookEffectBetween(command: CommandLog, before: Revision, after: Revision, seenAt: number): boolean {
  const { outcome, sentAt } = command;
  if (sentAt > seenAt) return false;
  if (outcome.kind !== "done") return isUncertain(command);
  return compare(outcome.view, before) > 0 && compare(outcome.view, after) <= 0;
}

/** What a session does by itself: it ends, begins a round of its loop, follows its market, is paused in a crash loop. */
function isOwnAccord(before: View, after: View, cause: string): boolean {
  const ended = before.state === "PLAYING" && after.state === "STOPPED" && after.reason === "ended";
  const wrapped = before.loop && after.loop && before.state === after.state && before.tape === after.tape;
  const followed = before.mode === "LIVE" && after.mode === "LIVE" && before.state === after.state;
  return ended || wrapped || followed || cause === "recover";
}
