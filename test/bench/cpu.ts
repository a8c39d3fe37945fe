import { readFileSync } from "node:fs";

/** Linux counts processor time in hundredths of a second, whatever the kernel's own tick. */
const microsecondsPerTick = 10_000;

/** Processor time that a process has used, user and system, all threads, in microseconds. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The second field is the command's name in parentheses, and may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
}

export type Pids = Readonly<Record<string, readonly number[]>>;

/** Starts counting; the function it returns answers microseconds used since, by kind of process. */
export function countCpu(pids: Pids): () => Record<string, number> {
  const sum = () =>
    Object.entries(pids).map(([kind, list]) => [kind, list.reduce((us, pid) => us + cpuOf(pid), 0)] as const);
  const before = new Map(sum());
  return () => Object.fromEntries(sum().map(([kind, us]) => [kind, us - (before.get(kind) ?? 0)]));
}
