/** How often in a row the workers that held a job died, and when the last death was noticed (ms since 1970). */
export interface Crashes {
  readonly count: number;
  readonly at: number;
}

/** A worker's death this long after the one before has nothing to do with it. */
const unrelatedAfterMs = 60_000;
/** Deaths in a row after which it is the job that kills its workers, and not their hosts. */
const tooMany = 5;

/** Notes one more death. */
export function crashed(before: Crashes | undefined, now: number): Crashes {
  const related = before !== undefined && now - before.at < unrelatedAfterMs;
  return { count: related ? before.count + 1 : 1, at: now };
}

export function isCrashLoop({ count }: Crashes): boolean {
  return count >= tooMany;
}
