/** What one look found. */
export interface Finding {
  /** `fail`: it does not work, or will not. `warn`: it works, and some day it won't. */
  readonly level: "ok" | "warn" | "fail";
  /** What was looked at, in a word or two. */
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
