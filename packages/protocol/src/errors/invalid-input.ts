import type { z } from "zod";
import { type Refusal, refuse } from "./errors.js";

/** What is wrong with an input: one sentence, and which of 422 (a value out of range) and 400 (not of the shape) it is. */
export interface InvalidInput {
  readonly invalid: string;
  /** True when every value had the right type and only its value is refused. */
  readonly outOfRange: boolean;
}

type Issue = z.core.$ZodIssue;

/** Codes of issues in which the type was right and the value was not. */
const valueCodes = new Set<Issue["code"]>([
  "too_small",
  "too_big",
  "invalid_value",
  "invalid_format",
  "not_multiple_of",
  "custom",
]);

/** Names each field and the rule that it breaks; what concerns no field is said of the `whole`. */
export function describeIssues(error: z.ZodError, whole = "body"): InvalidInput {
  const issues = error.issues.flatMap(closestBranch);
  return {
    invalid: issues.map((issue) => `${issue.path.join(".") || whole}: ${sentence(issue)}`).join("; "),
    outOfRange: issues.every((issue) => valueCodes.has(issue.code)),
  };
}

/** The refusal of such an input, by HTTP and by socket: 422 where only a value is out of range, 400 where the shape is wrong. */
export function invalidInputRefusal({ invalid, outOfRange: range }: InvalidInput): Refusal {
  return refuse(range ? "INVALID_VALUE" : "MALFORMED", `${invalid}; nothing was changed.`);
}

/** A sentence that reads on from the field's name, like "value: must be at least 0.1". */
function sentence(issue: Issue): string {
  if (issue.code === "unrecognized_keys") return `does not take ${issue.keys.join(", ")}`;
  const told = issue.message.replace(/^(Invalid input|Invalid option|Too big|Too small): /, "");
  return told.endsWith(", received undefined") ? `is missing; ${told.slice(0, -", received undefined".length)}` : told;
}

/**
 * A union's issue replaced by those of the branch that was meant: the only one that knows all the keys that were given and
 * has no complaint about the type of the whole. Where none or several are near, the union's own message stands.
 */
function closestBranch(issue: Issue): Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const near = issue.errors.filter((branch) => branch.every(isNear));
  const [branch] = near;
  if (branch === undefined || near.length > 1) return [issue];
  return branch.flatMap((inner) => closestBranch({ ...inner, path: [...issue.path, ...inner.path] }));
}

function isNear(issue: Issue): boolean {
  if (issue.code === "unrecognized_keys") return false;
  return issue.code !== "invalid_type" || issue.path.length > 0;
}
