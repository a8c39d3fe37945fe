import { percentile } from "../../support/distribution.js";
import type { Violation } from "../oracle/history.js";
import type { Observations } from "../oracle/observations.js";
import { breaksIn } from "../oracle/rules/each-frame-once.js";
import type { Tapes } from "../oracle/tapes.js";
import { waitsOf } from "./stillness.js";

/** A fault that happened, from its beginning until the cluster was whole again. */
export interface Incident {
  readonly name: string;
  readonly from: number;
  /** Infinity while it lasts. */
  to: number;
}

/** Waits this long after a fault still count as its own. */
const afterMs = 3_000;

/** What the viewers of a run noticed, by kind of fault. */
export class Report {
  readonly violations: Violation[] = [];
  readonly stuck: string[] = [];
  sessions = 0;
  frames = 0;
  commands = 0;
  readonly #rows = new Map<string, { count: number; waits: number[]; lost: number; repeated: number }>();

  count(name: string): void {
    this.#row(name).count++;
  }

  /** Adds what the viewers of a session that has ended saw of the faults of its time. */
  add(observed: Observations, tapes: Tapes, incidents: readonly Incident[]): void {
    this.sessions++;
    this.commands += observed.commands.length;
    const waits = waitsOf(observed, tapes);
    for (const [nth, { items }] of observed.viewers.entries()) {
      this.frames += items.filter(({ kind }) => kind === "frame").length;
      for (const { name, from, to } of incidents) {
        const meanwhile = (waits[nth] ?? []).filter((wait) => wait.to >= from && wait.from <= to + afterMs);
        if (meanwhile.length > 0) this.#row(name).waits.push(Math.max(...meanwhile.map(({ ms }) => ms)));
      }
      for (const { frame, lost, repeated } of breaksIn(items)) {
        const cause = incidents.findLast(({ from }) => from <= frame.at)?.name ?? "no fault";
        this.#row(cause).lost += lost;
        this.#row(cause).repeated += repeated;
      }
      for (const wait of waits[nth] ?? []) {
        const quiet = !incidents.some(({ from, to }) => wait.to >= from && wait.from <= to + afterMs);
        if (quiet && wait.ms > 0) this.#longestQuiet = Math.max(this.#longestQuiet, wait.ms);
      }
    }
  }

  #longestQuiet = 0;

  get lost(): number {
    return [...this.#rows.values()].reduce((sum, { lost }) => sum + lost, 0);
  }

  table(): string {
    const line = (values: readonly (string | number)[]) => `| ${values.join(" | ")} |`;
    const rows = [...this.#rows]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, { count, waits, lost, repeated }]) => {
        const figures = [0.5, 0.99, 1].map((p) => (waits.length === 0 ? "-" : Math.round(percentile(waits, p))));
        return line([name, count, waits.length, ...figures, lost, repeated]);
      });
    const head = ["fault", "count", "viewers", "stillness p50 (ms)", "p99", "max", "frames lost", "repeated"];
    return [
      line(head),
      `|${" --- |".repeat(head.length)}`,
      ...rows,
      line(["between faults", "", "", "", "", Math.round(this.#longestQuiet), "", ""]),
    ].join("\n");
  }

  #row(name: string) {
    const row = this.#rows.get(name) ?? { count: 0, waits: [], lost: 0, repeated: 0 };
    this.#rows.set(name, row);
    return row;
  }
}
