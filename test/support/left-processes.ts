import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { expect, vi } from "vitest";

/** The processes that have this text in their environment, as all that a cluster starts have the cluster's folder. Needs /proc. */
export async function processesWith(text: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const read = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => ""); // it may be gone by now
      const [environment, command] = [await read("environ"), await read("cmdline")];
      return environment.includes(text) ? `${pid} ${command.replaceAll("\0", " ")}` : "";
    }),
  );
  return found.filter((line) => line !== "");
}

/** Waits until no such process is left. */
export async function untilNoProcessHas(text: string, ms = 20_000): Promise<void> {
  if (process.platform !== "linux") return;
  await vi.waitFor(async () => expect(await processesWith(text)).toEqual([]), { timeout: ms, interval: 100 });
}

/** Read from /proc, because a zombie also counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
