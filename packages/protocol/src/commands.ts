import { z } from "zod";
import { severity } from "./frame.js";
import { maxSpeed, minSpeed, mode } from "./session-view.js";
import { isoTime } from "./time.js";

const speedValue = z
  .number()
  .min(minSpeed, `must be at least ${minSpeed}`)
  .max(maxSpeed, `must be at most ${maxSpeed}`);
const timeOnTape = z.union([isoTime, z.number().nonnegative().describe("milliseconds since 1970")]);
const name = z.string().min(1).max(100);

/** What can be asked at creation and at a change of mode. */
export const sourceChoice = z.object({
  symbol: name.optional(),
  source: name.optional(),
  tape: name.optional(),
  seed: z.union([z.int().nonnegative(), name]).optional(),
  scenario: name.optional(),
});

/** Exactly one of the four ways to name a place. */
export const seekTarget = z.union([
  z.strictObject({ ts: timeOnTape }),
  z.strictObject({ seq: z.int().nonnegative() }),
  z.strictObject({ fraction: z.number().min(0).max(1) }),
  z.strictObject({ event: z.enum(["next", "previous"]), type: name.optional(), min_severity: severity.optional() }),
]);
export type SeekTarget = z.infer<typeof seekTarget>;

const stepAmount = z
  .number()
  .refine((n) => n !== 0, "must not be 0")
  .refine((n) => Math.abs(n) <= 86_400_000, "must be within 86,400,000");
export const stepBy = z.union([
  z.strictObject({
    frames: stepAmount.refine((n) => Number.isInteger(n) && Math.abs(n) <= 1000, "must be a whole number within 1000"),
  }),
  z.strictObject({ ms: stepAmount }),
]);
export type StepBy = z.infer<typeof stepBy>;

export const rangeChoice = z.object({
  from: timeOnTape.nullable().optional(),
  to: timeOnTape.nullable().optional(),
  loop: z.boolean().optional(),
});

export const modeChoice = z.object({ mode, ...sourceChoice.shape });

/** The bodies of commands by name; the path or the socket message names the command itself. */
export const commandArguments = {
  start: z.object({}),
  pause: z.object({}),
  resume: z.object({}),
  stop: z.object({}),
  live: z.object({}),
  speed: z.object({ value: speedValue }),
  goback: z.object({ seconds: z.number().positive().max(1e9) }),
  seek: seekTarget,
  step: stepBy,
  range: rangeChoice,
  mode: modeChoice,
} as const;
export type CommandName = keyof typeof commandArguments;
export const commandNames = Object.keys(commandArguments) as readonly CommandName[];

/** A command as it was asked, whichever door it came in by; what it means is `packages/sessions`' to say. */
export type Command =
  | { type: "start" | "pause" | "resume" | "stop" | "live" }
  | { type: "speed"; value: number }
  | { type: "goback"; seconds: number }
  | { type: "seek"; to: SeekTarget }
  | { type: "step"; by: StepBy }
  | ({ type: "range" } & z.infer<typeof rangeChoice>)
  | ({ type: "mode" } & z.infer<typeof modeChoice>);

/** `invalid` names the field and the rule; `range` tells 422 (a value out of range) from 400 (not of the shape). */
export type ParsedCommand = { ok: Command } | { invalid: string; range: boolean };

/** Reads a command's arguments. Unknown extra keys are ignored where a command takes an open object. */
export function parseCommand(type: CommandName, args: unknown): ParsedCommand {
  switch (type) {
    case "start":
    case "pause":
    case "resume":
    case "stop":
    case "live":
      return { ok: { type } };
    case "speed":
      return read(commandArguments.speed, args, ({ value }) => ({ type, value }));
    case "goback":
      return read(commandArguments.goback, args, ({ seconds }) => ({ type, seconds }));
    case "seek":
      return read(seekTarget, args, (to) => ({ type, to }));
    case "step":
      return read(stepBy, args, (by) => ({ type, by }));
    case "range":
      return read(rangeChoice, args, (range) => ({ type, ...range }));
    case "mode":
      return read(modeChoice, args, (choice) => ({ type, ...choice }));
  }
}

function read<T>(schema: z.ZodType<T>, args: unknown, make: (value: T) => Command): ParsedCommand {
  const result = schema.safeParse(args ?? {});
  if (result.success) return { ok: make(result.data) };
  return describeIssues(result.error);
}

/** One sentence that names the field and the rule, and whether the value had the right shape but a wrong range. */
export function describeIssues(error: z.ZodError): { invalid: string; range: boolean } {
  const issues = error.issues.flatMap((issue) => (issue.code === "invalid_union" ? deepest(issue) : [issue]));
  const range = issues.every((issue) =>
    ["too_small", "too_big", "invalid_value", "custom", "invalid_format", "not_multiple_of"].includes(issue.code),
  );
  const invalid = issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`).join("; ");
  return { invalid, range };
}

/** Of the branches of a union, the one that the input came nearest to: the one whose issues lie below its top level. */
function deepest(issue: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] {
  const near = issue.errors.find((branch) =>
    branch.every(
      (inner) => inner.code !== "unrecognized_keys" && inner.path.length > 0 && inner.code !== "invalid_type",
    ),
  );
  if (near === undefined) return [issue];
  return near.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}
