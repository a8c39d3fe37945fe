import { readdirSync } from "node:fs";
import { setPriority } from "node:os";
import type { Cluster } from "@tapedeck/cli";

const starting = 10;
const serving = 0;
const harness = -5;
const lookEveryMs = 20;

/**
 * A process that starts takes more than a second of CPU, and the harness has hundreds of viewers. On few cores both would be measured as
 * stillness: so a process gets what the others leave until it serves, as if it started elsewhere, and viewers record in time. Needs Linux
 * and root; without them nothing is changed.
 */
export class Priorities {
  /** For the report; empty if nothing is changed. */
  readonly note: string;
  readonly #cluster: Cluster;
  readonly #known = new Set<number>();
  readonly #starting = new Set<number>();
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    for (const { pid } of this.#services()) this.#known.add(pid);
    const possible = process.platform === "linux" && process.getuid?.() === 0;
    this.note = possible
      ? `A process that started had a nice value of ${starting} until it served, the viewers' process ${harness}.`
      : "";
    if (!possible) return;
    prioritise(process.pid, harness);
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #services() {
    const { gateways, apis, tickers, feeds } = this.#cluster;
    return [...gateways, ...apis, ...tickers, ...feeds];
  }

  #look(): void {
    for (const { pid, ready } of this.#services()) {
      if (!this.#known.has(pid)) {
        this.#known.add(pid);
        if (ready) continue;
        this.#starting.add(pid);
        prioritise(pid, starting);
      } else if (ready && this.#starting.delete(pid)) prioritise(pid, serving);
    }
  }
}

/** Linux has priorities of threads: new ones inherit that of the thread that starts them. */
function prioritise(pid: number, priority: number): void {
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), priority);
  } catch {
    // It has ended, or a container may not do this.
  }
}
