/** The result of one check. `--json` prints it. */
export interface Finding {
  /** `fail`: something does not work, or soon will not. `warn`: it works, but may not always. */
  readonly level: "ok" | "warn" | "fail";
  /** What was checked, in a word or two. */
  readonly check: string;
  readonly what: string;
  /** What to change. */
  readonly mend?: string;
}

export function ok(check: string, what: string): Finding {
  return { level: "ok", check, what };
}

export function warn(check: string, what: string, mend: string): Finding {
  return { level: "warn", check, what, mend };
}

export function fail(check: string, what: string, mend: string): Finding {
  return { level: "fail", check, what, mend };
}
