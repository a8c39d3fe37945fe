import type { Logger } from "../observability/logger.js";
import { announceLeaving, endWithParent } from "./parent-process.js";

export interface Shutdown {
  /**
   * Adds a step; steps run in the order in which they were added.
   *
   * @param share how much of the budget the step may take, in relation to the steps after it (1 each by default).
   *   What a step leaves over goes to the later ones.
   */
  step(name: string, run: () => unknown, share?: number): void;
  /** Begins by itself, without a signal. Resolves when all steps have run; safe to call more than once. */
  begin(why: string): Promise<void>;
  /** Aborts when the shutdown begins. */
  readonly signal: AbortSignal;
}

export interface ShutdownOptions {
  readonly log: Logger;
  /** Time for all steps together, in ms; keep it under the pod's grace period. */
  readonly budgetMs: number;
  /** Called at the end: 0 when every step went well, otherwise 1. Ends the process by default. */
  readonly exit?: (code: number) => void;
}

const signals = ["SIGTERM", "SIGINT"] as const;

/**
 * Ordered end of a process. The first SIGTERM or SIGINT runs the steps, the second jumps to the end. A step that fails or
 * outlasts its share does not keep the next from running.
 */
export function createShutdown({ log, budgetMs, exit = (code) => process.exit(code) }: ShutdownOptions): Shutdown {
  const steps: { name: string; run: () => unknown; share: number }[] = [];
  const begun = new AbortController();
  let running: Promise<void> | undefined;

  const runAll = async (): Promise<void> => {
    const deadline = performance.now() + budgetMs;
    let clean = true;
    for (const [index, { name, run, share }] of steps.entries()) {
      const shares = steps.slice(index).reduce((sum, step) => sum + step.share, 0);
      const atMostMs = Math.max(0, ((deadline - performance.now()) * share) / shares);
      const start = performance.now();
      const ms = () => Math.round(performance.now() - start);
      try {
        await within(atMostMs, run);
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
      begun.abort();
      announceLeaving();
      running = runAll();
    }
    return running;
  };

  const onSignal = (signal: NodeJS.Signals): void => {
    if (running) {
      log.warn({ signal }, "second signal: leaving at once");
      exit(1);
      return;
    }
    void begin(signal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  endWithParent();

  return { step: (name, run, share = 1) => void steps.push({ name, run, share }), begin, signal: begun.signal };
}

async function within(ms: number, run: () => unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${Math.round(ms)} ms`)), ms);
  });
  try {
    await Promise.race([(async () => run())(), late]);
  } finally {
    clearTimeout(timer);
  }
}
