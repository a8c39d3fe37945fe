/** How often in a row the workers that held a job died, as far as that is known. */
export interface CrashRecord {
  readonly count: number;
  /** When the last death was noticed, in ms since 1970. */
  readonly at: number;
  /** How often the job had stalled by then: BullMQ counts that over its whole life. */
  readonly stalls: number;
}

/** A worker's death this long after the one before has nothing to do with it. */
const unrelatedAfterMs = 60_000;
/** Deaths in a row after which it is the job that kills its workers, and not their hosts. */
const tooMany = 5;

/** What is known when a worker takes the job: one death more if the job has stalled since, the same as before if not. */
export function recordStall(before: CrashRecord | undefined, stalls: number, now: number): CrashRecord | undefined {
  if (stalls <= (before?.stalls ?? 0)) return before;
  const related = before !== undefined && now - before.at < unrelatedAfterMs;
  return { count: related ? before.count + 1 : 1, at: now, stalls };
}

/**
 * What is known when a worker has lost a job and lives to tell: whoever died of it before, this one did not. Redis may have
 * been silent for longer than a lock lives, or the process may have been frozen.
 */
export function recordSurvival(stalls: number): CrashRecord {
  return { count: 0, at: 0, stalls };
}

export function isCrashLoop(crashes: CrashRecord | undefined): boolean {
  return crashes !== undefined && crashes.count >= tooMany;
}
