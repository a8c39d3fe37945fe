import { availableParallelism, loadavg } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { cpuOf } from "../../bench/cpu.js";

/** Processes by kind, at this moment: those that restart get others. */
export type Processes = () => Readonly<Record<string, readonly number[]>>;

const sampleMs = 1_000;
const cores = availableParallelism();
const resolutionMs = 10;
/** Above what a clock is slewed by in a second. */
const jumpMs = 50;

/** What the processes of a run use, and how late this one is: what it records late is not the product's. */
export class Load {
  readonly #delay = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #processes: Processes;
  readonly #timer: NodeJS.Timeout;
  readonly #last = new Map<number, number>();
  readonly #used = new Map<string, number>();
  readonly #beganAt = performance.now();
  /** By how much the wall clock was ahead of the monotonic one, and how far that moved: a machine that was stopped shows here alone. */
  #ahead = aheadMs();
  #jumpedMs = 0;

  constructor(processes: Processes) {
    this.#processes = processes;
    this.#delay.enable();
    this.#timer = setInterval(() => this.#sample(), sampleMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }

  lines(): string[] {
    const seconds = (performance.now() - this.#beganAt) / 1000;
    const used = [...this.#used].map(([kind, us]) => [kind, us / 1000 / seconds] as const);
    const sum = used.reduce((total, [, ms]) => total + ms, 0);
    const [late99, late999, latest] = [this.#delay.percentile(99), this.#delay.percentile(99.9), this.#delay.max].map(
      (ns) => Math.max(0, Math.round(ns / 1e6 - resolutionMs)),
    );
    const jumped = Math.round(this.#jumpedMs);
    return [
      `CPU, ms per second: ${used.map(([kind, ms]) => `${kind} ${Math.round(ms)}`).join(", ")}; together ${Math.round(sum)} of ${cores * 1000}. Load average ${loadavg()[0]?.toFixed(1)}.`,
      `The harness's own lateness (event loop): p99 ${late99}, p99.9 ${late999}, max ${latest} ms.`,
      ...(jumped > 0 ? [`The machine's clock jumped, or the machine stood still, by ${jumped} ms altogether.`] : []),
    ];
  }

  /** What a process used in the second in which it died is not counted. */
  #sample(): void {
    const ahead = aheadMs();
    if (Math.abs(ahead - this.#ahead) > jumpMs) this.#jumpedMs += Math.abs(ahead - this.#ahead);
    this.#ahead = ahead;
    for (const [kind, pids] of Object.entries(this.#processes())) {
      for (const pid of pids) {
        const us = readCpu(pid);
        if (us === undefined) continue;
        this.#used.set(kind, (this.#used.get(kind) ?? 0) + us - (this.#last.get(pid) ?? 0));
        this.#last.set(pid, us);
      }
    }
  }
}

function readCpu(pid: number): number | undefined {
  try {
    return cpuOf(pid);
  } catch {
    return undefined; // it has just ended, or this is not Linux
  }
}

function aheadMs(): number {
  return Date.now() - performance.timeOrigin - performance.now();
}
