import { basename, join } from "node:path";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { inject } from "vitest";
import { startThread as startFromSource } from "../../packages/tape/src/threads/start-thread.js";

/** In tests in the place of `startThread` of the tapes: starts the bundle of a thread's sources, if the run has made one. */
export function startThread(module: URL, caller: string, options: WorkerOptions = {}): Worker {
  const folder = inject("threadBundles");
  if (folder === undefined) return startFromSource(module, caller, options);
  return new Worker(join(folder, basename(module.pathname, ".js").concat(".mjs")), { ...options, execArgv: [] });
}
