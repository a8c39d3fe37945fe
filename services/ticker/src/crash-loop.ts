/** How often in a row the tickers that held a session's job died, and when the last one was noticed (ms since 1970). */
export interface Crashes {
  readonly count: number;
  readonly at: number;
}

/** A ticker's death this long after the one before has nothing to do with it. */
const unrelatedAfterMs = 60_000;
/** Deaths in a row after which it is the session that kills its tickers, and not their hosts. */
const tooMany = 5;

/** Notes one more death. */
export function crashed(before: Crashes | undefined, now: number): Crashes {
  const related = before !== undefined && now - before.at < unrelatedAfterMs;
  return { count: related ? before.count + 1 : 1, at: now };
}

export function isCrashLoop({ count }: Crashes): boolean {
  return count >= tooMany;
}
