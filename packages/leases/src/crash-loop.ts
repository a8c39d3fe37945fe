/** How often in a row the worker of a job died, as far as that is known. */
export interface CrashRecord {
  readonly count: number;
  /** When the last death was detected, in ms since 1970. */
  readonly at: number;
  /** How often the job had stalled by then: BullMQ counts that over its whole life. */
  readonly stalls: number;
}

/**
 * A worker that has worked on the job for this long, after the death of another, does not die of it. A job that kills its workers does so when they
 * come to the same place of the tape again, at once: from one such death to the next it takes about 4 s. Longer than twice that, and where workers
 * die every few seconds for another reason (a node that is upgraded, tickers that run out of memory) one that watches five of them is paused for nothing.
 */
const unrelatedAfterMs = 8_000;
/** After so many deaths in a row the cause is the job, not its hosts. */
const maxDeaths = 5;

/** The record when a worker takes the job: with one death more if the job has stalled since, otherwise the same. */
export function recordStall(before: CrashRecord | undefined, stalls: number, now: number): CrashRecord | undefined {
  if (stalls <= (before?.stalls ?? 0)) return before;
  const related = before !== undefined && now - before.at < unrelatedAfterMs;
  return { count: related ? before.count + 1 : 1, at: now, stalls };
}

/**
 * The record when a worker has lost a job and is still alive: the job did not kill it. Redis may have been silent for longer than
 * a lock lives, or the process may have been frozen.
 */
export function recordSurvival(stalls: number): CrashRecord {
  return { count: 0, at: 0, stalls };
}

export function isCrashLoop(crashes: CrashRecord | undefined): boolean {
  return crashes !== undefined && crashes.count >= maxDeaths;
}
