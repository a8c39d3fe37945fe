import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";

const niceValue = 5;

/**
 * Lowers the priority of the calling thread. On a busy machine a nice value of 5 gets a third of the time of other threads, such as those that send
 * frames or generate what is watched. On Linux a thread has its own nice value; elsewhere it would be the process's, and is not changed.
 */
export function lowerPriority(): void {
  try {
    const [, thread] = /\/task\/(\d+)$/.exec(readlinkSync("/proc/thread-self")) ?? [];
    if (thread !== undefined) setPriority(Number(thread), niceValue);
  } catch {
    // A sandbox may forbid it; the thread then competes with everything else, as one thread.
  }
}
