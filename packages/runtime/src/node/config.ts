import type { z } from "zod";
import { redactAddress } from "../observability/safe-text.js";

/** A service cannot start for a reason that the message explains to the operator; a stack trace would not help. */
export class StartupError extends Error {
  override readonly name: string = "StartupError";
}

/** The environment does not allow a service to start. The message lists every problem, one per line. */
export class ConfigError extends StartupError {
  override readonly name = "ConfigError";
}

/**
 * Reads a service's environment against its schema: once, before anything listens. A variable with an empty value counts as missing.
 *
 * @throws ConfigError that lists all problems, not only the first
 */
export function readConfig<Shape extends z.ZodObject>(
  service: string,
  shape: Shape,
  env: NodeJS.ProcessEnv = process.env,
): Readonly<z.infer<Shape>> {
  const given = Object.fromEntries(
    Object.keys(shape.shape)
      .map((name) => [name, env[name]?.trim()] as const)
      .filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = shape.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);

  const problems = new Map<string, string>();
  for (const issue of parsed.error.issues) {
    const name = String(issue.path[0] ?? "");
    if (problems.has(name)) continue;
    const value = given[name];
    problems.set(name, value === undefined ? missing(shape, name) : `${quoted(name, value)} ${issue.message}`);
  }
  const width = Math.max(...[...problems.keys()].map((name) => name.length));
  throw new ConfigError(
    [
      `${service} cannot start: ${problems.size} ${problems.size === 1 ? "problem" : "problems"} in its environment`,
      ...[...problems].map(([name, problem]) => `  ${name.padEnd(width)}  ${problem}`),
    ].join("\n"),
  );
}

/** A variable without a default gives an example in its schema: `z.url().meta({ example: "..." })`. */
function missing(shape: z.ZodObject, name: string): string {
  const field: z.ZodType | undefined = shape.shape[name];
  const example = field?.meta()?.example;
  return example === undefined ? "missing" : `missing; for example ${String(example)}`;
}

/** Passwords must not reach a log, not even wrong ones. */
function quoted(name: string, value: string): string {
  if (/SECRET|PASSWORD|TOKEN|KEY/.test(name)) return "(not shown)";
  return JSON.stringify(value.includes("://") ? redactAddress(value) : value);
}
