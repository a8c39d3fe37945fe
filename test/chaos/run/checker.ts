import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "../oracle/check.js";
import type { History } from "../oracle/history.js";
import type { Analysis } from "../report/analysis.js";
import type { Incidents } from "../report/incidents.js";
import type { Report } from "../report/report.js";
import type { ChaosSession } from "./session.js";

/** Violations that are reported; more of them say nothing new. */
const maxViolations = 50;

interface CheckerOptions {
  readonly analyse: (history: History) => Promise<Analysis>;
  readonly report: Report;
  readonly incidents: Incidents;
  readonly tell: ((line: string) => void) | undefined;
}

/** Checks the histories of sessions that have ended, one after the other. */
export class Checker {
  readonly #options: CheckerOptions;
  /** When the sessions began that wait for their check. */
  readonly #waiting: number[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(options: CheckerOptions) {
    this.#options = options;
  }

  /** Infinity if none waits. */
  get oldest(): number {
    return Math.min(...this.#waiting);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when all that was given has been checked. */
  get done(): Promise<void> {
    return this.#last;
  }

  /** Resolves when this and all earlier ones have been checked. */
  check(session: ChaosSession, began: number): Promise<void> {
    this.#waiting.push(began);
    this.#last = this.#last.then(async () => {
      await this.#check(session, began);
      this.#waiting.splice(this.#waiting.indexOf(began), 1);
    });
    return this.#last;
  }

  async #check({ recorder: { history }, character }: ChaosSession, began: number): Promise<void> {
    const { analyse, report, tell } = this.#options;
    const analysis = await analyse(history);
    const { violations } = analysis;
    const incidents = this.#options.incidents.since(began);
    for (const violation of violations.slice(0, 3)) {
      const cause = incidents.findLast(({ from }) => from <= violation.at)?.name ?? "no fault";
      tell?.(`VIOLATION in ${character.name}, after ${cause}: ${describe(violation)}`);
    }
    if (violations.length > 0) keep(history);
    report.found(violations, maxViolations);
    report.add(analysis, incidents, this.#options.incidents.quietSince(began));
  }
}

/** For a look at it, or for a test of its own. */
export function keep(history: History): void {
  const folder = process.env.TAPEDECK_CHAOS_HISTORIES;
  if (!folder) return;
  const lines = history.events.map((event) => JSON.stringify(event));
  appendFileSync(join(folder, `${history.session}.jsonl`), `${lines.join("\n")}\n`);
}
