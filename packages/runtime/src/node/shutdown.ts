import type { Logger } from "../observability/logger.js";
import { announceLeaving, endWithParent } from "./parent-process.js";

export interface Shutdown {
  /**
   * Adds a step; steps run in the order in which they were added.
   *
   * @param share of the remaining budget, relative to the later steps (1 each by default). Later steps get what a step leaves over.
   */
  step(name: string, run: () => unknown, share?: number): void;
  /** Starts the shutdown without a signal. Resolves when all steps have run; safe to call more than once. */
  begin(why: string): Promise<void>;
}

interface ShutdownOptions {
  readonly log: Logger;
  /** Time for all steps together, in ms; keep it below the pod's grace period. */
  readonly budgetMs: number;
  /** Called at the end, with 0 if every step succeeded, otherwise 1. Ends the process by default. */
  readonly exit?: (code: number) => void;
}

const signals = ["SIGTERM", "SIGINT"] as const;

/**
 * Ends a process in order. The first SIGTERM or SIGINT runs the steps, the second ends the process at once. A step that fails or exceeds its
 * share does not stop the next one.
 */
export function createShutdown({ log, budgetMs, exit = (code) => process.exit(code) }: ShutdownOptions): Shutdown {
  const steps: { name: string; run: () => unknown; share: number }[] = [];
  let running: Promise<void> | undefined;

  const runAll = async (): Promise<void> => {
    const deadline = performance.now() + budgetMs;
    let clean = true;
    for (const [index, { name, run, share }] of steps.entries()) {
      const shares = steps.slice(index).reduce((sum, step) => sum + step.share, 0);
      const budget = Math.max(0, ((deadline - performance.now()) * share) / shares);
      const start = performance.now();
      const ms = () => Math.round(performance.now() - start);
      try {
        await runWithin(budget, run);
        log.info({ step: name, ms: ms() }, `shutdown: ${name}`);
      } catch (error) {
        clean = false;
        log.error({ step: name, ms: ms(), err: error }, `shutdown: ${name} failed`);
      }
    }
    for (const signal of signals) process.off(signal, onSignal);
    exit(clean ? 0 : 1);
  };

  const begin = (why: string): Promise<void> => {
    if (!running) {
      log.info({ why }, "shutting down");
      announceLeaving();
      running = runAll();
    }
    return running;
  };

  const onSignal = (signal: NodeJS.Signals): void => {
    if (running) {
      log.warn({ signal }, "second signal: exiting at once");
      exit(1);
      return;
    }
    void begin(signal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  endWithParent();

  return { step: (name, run, share = 1) => void steps.push({ name, run, share }), begin };
}

async function runWithin(ms: number, run: () => unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${Math.round(ms)} ms`)), ms);
  });
  try {
    await Promise.race([(async () => run())(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
