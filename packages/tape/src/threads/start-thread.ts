import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * Starts a module as a thread. Built code runs as it is, sources through the loader that tests have.
 *
 * @param module beside the caller's, by the name that it has when it is built: `new URL("./segment-worker.js", import.meta.url)`
 * @param caller the caller's `import.meta.url`
 */
export function startThread(module: URL, caller: string, options: WorkerOptions = {}): Worker {
  if (!caller.endsWith(".ts")) return new Worker(module, options);
  const source = JSON.stringify(module.href.replace(/\.js$/, ".ts"));
  // Registered by hand, since Node 20 does not carry a loader named by --import over into a thread.
  const start = `import("tsx/esm/api").then(({ register }) => register()).then(() => import(${source}));`;
  return new Worker(start, { ...options, eval: true, execArgv: ["--conditions=tapedeck-source"] });
}
