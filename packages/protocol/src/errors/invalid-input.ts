import type { z } from "zod";
import { type Refusal, refuse } from "./errors.js";

/** Why an input is invalid, and whether a value is out of range (422) or the input has the wrong shape (400). */
export interface InvalidInput {
  readonly invalid: string;
  /** True if every value has the right type and only values are refused. */
  readonly outOfRange: boolean;
}

type Issue = z.core.$ZodIssue;

/** Codes of issues about a value of the right type. */
const valueCodes = new Set<Issue["code"]>([
  "too_small",
  "too_big",
  "invalid_value",
  "invalid_format",
  "not_multiple_of",
  "custom",
]);

/** Names each field and the rule that it breaks. Issues without a field are attributed to `whole`. */
export function describeIssues(error: z.ZodError, whole = "body"): InvalidInput {
  const issues = error.issues.flatMap(closestBranch);
  return {
    invalid: issues.map((issue) => `${issue.path.join(".") || whole}: ${sentence(issue)}`).join("; "),
    outOfRange: issues.every((issue) => valueCodes.has(issue.code)),
  };
}

/** The refusal of an invalid input, the same by HTTP and by socket: 422 if only values are out of range, otherwise 400. */
export function invalidInputRefusal({ invalid, outOfRange: range }: InvalidInput): Refusal {
  return refuse(range ? "INVALID_VALUE" : "MALFORMED", `${invalid}; nothing was changed.`);
}

/** A phrase that follows the field's name, as in "value: must be at least 0.1". */
function sentence(issue: Issue): string {
  if (issue.code === "unrecognized_keys") return `does not take ${issue.keys.join(", ")}`;
  const text = issue.message.replace(/^(Invalid input|Invalid option|Too big|Too small): /, "");
  return text.endsWith(", received undefined") ? `is missing; ${text.slice(0, -", received undefined".length)}` : text;
}

/**
 * Replaces the issue of a union by the issues of the branch that the client meant: the only branch that knows all the given keys and
 * accepts the type of the whole. If no branch or several match, the union's own message is used.
 */
function closestBranch(issue: Issue): Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const candidates = issue.errors.filter((branch) => branch.every(matchesBranch));
  const [branch] = candidates;
  if (branch === undefined || candidates.length > 1) return [issue];
  return branch.flatMap((inner) => closestBranch({ ...inner, path: [...issue.path, ...inner.path] }));
}

function matchesBranch(issue: Issue): boolean {
  if (issue.code === "unrecognized_keys") return false;
  return issue.code !== "invalid_type" || issue.path.length > 0;
}
