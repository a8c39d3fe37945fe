import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";

/** Nice values of threads; a process's own loop, which sends frames, has 0. A thread that waits for a core gets it sooner with a lower one. */
export const niceValues = { segments: 10, searches: 13 } as const;

/**
 * Lowers the priority of the thread that calls. On Linux a priority is a thread's own. Where it is the whole process's, it stays as it
 * is: then this thread competes with the loops of the machine as one of them.
 */
export function stepBack(nice: number): void {
  try {
    const [, thread] = /\/task\/(\d+)$/.exec(readlinkSync("/proc/thread-self")) ?? [];
    if (thread !== undefined) setPriority(Number(thread), nice);
  } catch {
    // A sandbox may forbid it, and what the thread makes is the same.
  }
}
