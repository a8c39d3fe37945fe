import { Worker } from "node:worker_threads";

/** Starts a module of this folder as a thread. Built code runs as it is, sources through the loader that tests have. */
export function startWorker(module: "segment-worker" | "search-worker"): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL(`./${module}.js`, import.meta.url));
  const source = JSON.stringify(new URL(`./${module}.ts`, import.meta.url).href);
  // Registered by hand, since Node 20 does not carry a loader named by --import over into a thread.
  const start = `import("tsx/esm/api").then(({ register }) => register()).then(() => import(${source}));`;
  return new Worker(start, { eval: true, execArgv: ["--conditions=tapedeck-source"] });
}
