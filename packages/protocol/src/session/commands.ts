import { z } from "zod";
import { describeIssues, type InvalidInput } from "../errors/invalid-input.js";
import { decimal } from "../formats/decimal.js";
import { isoTime } from "../formats/time.js";
import { eventType, severity } from "../frame/frame.js";
import { limits } from "../socket/limits.js";
import { maxSpeed, minSpeed, mode } from "./session-view.js";

const speedValue = decimal.min(minSpeed, `must be at least ${minSpeed}`).max(maxSpeed, `must be at most ${maxSpeed}`);
/** The end of the year 9999 in milliseconds: later times have no ISO 8601 form with a four-digit year. */
const maxTapeMs = 253_402_300_799_999;
const tapeTime = z.union(
  [isoTime, z.number().nonnegative("must not be negative").max(maxTapeMs, "must be before the year 10000")],
  "must be an ISO 8601 time in UTC or milliseconds since 1970",
);
const name = z.string().min(1, "must not be empty").max(100, "must have at most 100 characters");
/** Symbols and sources are always upper case, as venues write them. */
const upperCaseName = name.toUpperCase();

/** What a client may choose when it creates a session or changes its mode. */
export const sourceChoice = z.object({
  symbol: upperCaseName.optional(),
  source: upperCaseName.optional(),
  tape: name.optional(),
  seed: z.union([z.int().nonnegative("must not be negative"), name], "must be a whole number or a name").optional(),
  scenario: name.optional(),
});

/** Exactly one of the four ways to name a place on the tape. */
const seekTarget = z.union(
  [
    z.strictObject({ ts: tapeTime }),
    z.strictObject({ seq: z.int().nonnegative("must not be negative") }),
    z.strictObject({ fraction: z.number().min(0, "must be at least 0").max(1, "must be at most 1") }),
    z.strictObject({
      event: z.enum(["next", "previous"], 'must be "next" or "previous"'),
      type: eventType.optional(),
      event_type: eventType.optional().describe("`type` in a socket message, where `type` is the type of the message"),
      min_severity: severity.optional(),
    }),
  ],
  "must name exactly one place: ts, seq, fraction or event (optionally with type and min_severity)",
);
export type SeekTarget = z.infer<typeof seekTarget>;

const stepAmount = z
  .number()
  .refine((n) => n !== 0, "must not be 0")
  .refine((n) => Math.abs(n) <= 86_400_000, "must be between -86,400,000 and 86,400,000");
const stepBy = z.union(
  [
    z.strictObject({
      frames: stepAmount.refine(
        (n) => Number.isInteger(n) && Math.abs(n) <= 1000,
        "must be a whole number between -1000 and 1000",
      ),
    }),
    z.strictObject({ ms: stepAmount }),
  ],
  "must have either frames or ms",
);
export type StepBy = z.infer<typeof stepBy>;

export const rangeChoice = z.object({
  from: tapeTime.nullable().optional(),
  to: tapeTime.nullable().optional(),
  loop: z.boolean().optional(),
});

export const modeChoice = z.object({ mode, ...sourceChoice.shape });

/** Frames that a reader may be given beyond the last one that it has acknowledged. */
export const readAhead = z
  .int("must be a whole number")
  .min(1, "must be at least 1")
  .max(limits.window, `must be at most ${limits.window}`);
/** A speed, or the word for as fast as the readers can. */
const anySpeed = z.union([speedValue, z.literal("max")], `must be ${minSpeed} to ${maxSpeed}, or max`);

/** What moves the playhead: the clock, or the readers' acknowledgements. */
export const pace = z.enum(["clock", "lossless"], "must be clock or lossless");
export type PaceName = z.infer<typeof pace>;
export const paceChoice = z.object({
  pace,
  window: readAhead.optional().describe("lossless: frames ahead of the slowest reader; 1 unless chosen"),
  speed: anySpeed.optional().describe("lossless: the upper bound; `max` unless chosen"),
});

/** A market order in the session's own simulated market. */
const orderChoice = z.object({
  side: z
    .string()
    .transform((side) => side.toUpperCase())
    .pipe(z.enum(["BUY", "SELL"], "must be BUY or SELL")),
  quantity: z.number().positive("must be above 0").max(1e9, "must be at most 1,000,000,000").default(100),
});

/** The bodies of commands by name; the path or the socket message names the command itself. */
export const commandArguments = {
  start: z.object({}),
  pause: z.object({}),
  resume: z.object({}),
  stop: z.object({}),
  live: z.object({}),
  speed: z.object({ value: speedValue }),
  pace: paceChoice,
  goback: z.object({ seconds: decimal.positive("must be above 0").max(1e9, "must be at most 1,000,000,000") }),
  seek: seekTarget,
  step: stepBy,
  range: rangeChoice,
  mode: modeChoice,
  order: orderChoice,
} as const;
export type CommandName = keyof typeof commandArguments;
export const commandNames = Object.keys(commandArguments) as readonly CommandName[];

/** Commands in which a null argument counts as absent: existing clients send `symbol: null` for "none". */
export const nullMeansAbsent: ReadonlySet<CommandName> = new Set(["mode", "order", "pace"]);

/** A command as the client sent it, by HTTP or socket. `packages/sessions` decides what it does. */
export type Command =
  | { type: "start" | "pause" | "resume" | "stop" }
  | { type: "live" }
  | { type: "speed"; value: number }
  | ({ type: "pace" } & z.infer<typeof paceChoice>)
  | { type: "goback"; seconds: number }
  | { type: "seek"; to: SeekTarget }
  | { type: "step"; by: StepBy }
  | ({ type: "range" } & z.infer<typeof rangeChoice>)
  | ({ type: "mode" } & z.infer<typeof modeChoice>)
  | ({ type: "order" } & z.infer<typeof orderChoice>);

export type ParsedCommand = { ok: Command } | InvalidInput;

/** Reads a command's arguments. Unknown keys are ignored, except by seek and step, whose keys select a variant. */
export function parseCommand(type: CommandName, given: unknown): ParsedCommand {
  const args = nullMeansAbsent.has(type) ? withoutNulls(given) : given;
  switch (type) {
    case "start":
    case "pause":
    case "resume":
    case "stop":
    case "live":
      return { ok: { type } };
    case "speed":
      return read(commandArguments.speed, args, ({ value }) => ({ type, value }));
    case "pace":
      return read(paceChoice, args, (choice) => ({ type, ...choice }));
    case "goback":
      return read(commandArguments.goback, args, ({ seconds }) => ({ type, seconds }));
    case "seek":
      return read(seekTarget, args, (to) => ({ type, to: "event" in to ? eventTarget(to) : to }));
    case "step":
      return read(stepBy, args, (by) => ({ type, by }));
    case "range":
      return read(rangeChoice, args, (range) => ({ type, ...range }));
    case "mode":
      return read(modeChoice, args, (choice) => ({ type, ...choice }));
    case "order":
      return read(orderChoice, args, (order) => ({ type, ...order }));
  }
}

function eventTarget({ event_type, ...target }: Extract<SeekTarget, { event: unknown }>): SeekTarget {
  return event_type === undefined ? target : { ...target, type: event_type };
}

function read<T>(schema: z.ZodType<T>, args: unknown, make: (value: T) => Command): ParsedCommand {
  const result = schema.safeParse(args ?? {});
  if (result.success) return { ok: make(result.data) };
  return describeIssues(result.error);
}

/** Removes the keys whose value is null. */
export function withoutNulls(args: unknown): unknown {
  if (typeof args !== "object" || args === null || Array.isArray(args)) return args;
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null));
}
