import type { ClusterSnapshot } from "./cluster-file.js";
import { codeOf } from "./problem.js";

/** Whether the cluster that a file tells of is there: a file may outlive its cluster, and process ids are used again. */
export async function isRunning({ pid, url }: ClusterSnapshot): Promise<boolean> {
  return pid !== process.pid && isAlive(pid) && (await answers(url));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(2000) });
    return true;
  } catch {
    return false; // nobody there, or nobody who answers: not a running cluster
  }
}
