import { percentile } from "../../support/distribution.js";
import type { Violation } from "../oracle/history.js";
import type { Analysis } from "./analysis.js";
import { afterMs, type Incident, type Span } from "./incidents.js";
import type { Wait } from "./stillness.js";

type Summary = Omit<Analysis, "violations">;

/** Longest stillness of each viewer in each incident, ms. */
interface Row {
  readonly targetMs: number | undefined;
  alone: number;
  overlapped: number;
  /** Of incidents that were alone: viewers that depended on what failed, and the others. */
  readonly affected: number[];
  /** Of the affected those with a recording: a simulated market has to be generated again where a viewer comes to. */
  readonly recorded: number[];
  readonly others: number[];
  /** Affected ones of incidents that were not alone. */
  readonly beside: number[];
  /** How long a Redis master's replacement took, and how long affected viewers stood after it. */
  readonly replacedAfter: number[];
  readonly afterwards: number[];
  readonly afterwardsBeside: number[];
}

/** What the viewers of a run noticed, by kind of fault. */
export class Report {
  readonly violations: Violation[] = [];
  readonly stuck: string[] = [];
  /** What the run's processes used. */
  readonly load: string[] = [];
  /** Violations by rule, also those that are not kept. */
  readonly broken = new Map<string, number>();
  sessions = 0;
  frames = 0;
  commands = 0;
  /** Viewers that were connected when the last fault began. */
  watching = 0;
  readonly #rows = new Map<string, Row>();
  readonly #breaks = new Map<string, { lost: number; repeated: number }>();
  /** Longest stillness of each viewer in each span without a fault. */
  readonly #quiet: number[] = [];

  get faults(): number {
    return [...this.#rows.values()].reduce((sum, { alone, overlapped }) => sum + alone + overlapped, 0);
  }

  count(incident: Incident): void {
    const row = this.#row(incident);
    if (incident.alone) row.alone++;
    else row.overlapped++;
    if (incident.replacedAt !== undefined) row.replacedAfter.push(incident.replacedAt - incident.from);
  }

  found(violations: readonly Violation[], kept: number): void {
    for (const { rule } of violations) this.broken.set(rule, (this.broken.get(rule) ?? 0) + 1);
    this.violations.push(...violations.slice(0, Math.max(0, kept - this.violations.length)));
  }

  /** Adds what the viewers of a session that has ended saw of the faults of its time. */
  add({ session, commands, viewers }: Summary, incidents: readonly Incident[], quiet: readonly Span[]): void {
    this.sessions++;
    this.commands += commands;
    for (const { viewer, frames, waits, breaks } of viewers) {
      this.frames += frames;
      for (const incident of incidents) this.#notice(incident, keyOf(session, viewer), waits);
      for (const { from, to } of quiet) {
        const longest = longestOf(waits.filter((wait) => wait.from >= from && wait.to <= to));
        if (longest !== undefined) this.#quiet.push(longest);
      }
      for (const { at, lost, repeated } of breaks) {
        const cause = incidents.findLast(({ from }) => from <= at)?.name ?? "no fault";
        const sum = this.#breaks.get(cause) ?? { lost: 0, repeated: 0 };
        this.#breaks.set(cause, { lost: sum.lost + lost, repeated: sum.repeated + repeated });
      }
    }
  }

  #notice(incident: Incident, key: string, waits: readonly Wait[]): void {
    const { from, to, replacedAt, alone, affected, recorded } = incident;
    const meanwhile = waits.filter((wait) => wait.to >= from && wait.from <= to + afterMs);
    const longest = longestOf(meanwhile);
    if (longest === undefined) return;
    const row = this.#row(incident);
    if (!affected.has(key)) {
      if (alone) row.others.push(longest);
      return;
    }
    (alone ? row.affected : row.beside).push(longest);
    if (alone && recorded.has(key)) row.recorded.push(longest);
    if (replacedAt === undefined) return;
    const after = meanwhile.filter((wait) => wait.to > replacedAt);
    const longestAfter = longestOf(after.map((wait) => ({ ...wait, ms: Math.min(wait.ms, wait.to - replacedAt) })));
    if (longestAfter !== undefined) (alone ? row.afterwards : row.afterwardsBeside).push(longestAfter);
  }

  get lost(): number {
    return [...this.#breaks.values()].reduce((sum, { lost }) => sum + lost, 0);
  }

  get repeated(): number {
    return [...this.#breaks.values()].reduce((sum, { repeated }) => sum + repeated, 0);
  }

  /** In Markdown. */
  table(): string {
    const rows = [...this.#rows].sort(([a], [b]) => a.localeCompare(b));
    const plain = rows.filter(([, { replacedAfter }]) => replacedAfter.length === 0);
    const replaced = rows.filter(([, { replacedAfter }]) => replacedAfter.length > 0);
    const title = [
      "fault",
      "alone",
      "viewers",
      "p50",
      "p99",
      "max",
      "target p99",
      "met",
      "recordings p99",
      "others p99",
    ];
    const first = [...title, "overlapped", "viewers", "p99", "max"];
    const stillness = plain.map(([name, row]) => [
      ...[name, row.alone, ...figures(row.affected), ...verdict(row.affected, row.targetMs), p99(row.recorded)],
      ...[p99(row.others), row.overlapped, row.beside.length, p99(row.beside), max(row.beside)],
    ]);
    const none = ["none (between faults)", "", ...figures(this.#quiet), "", "", "", "", "", "", "", ""];
    const parts = [markdown(first, [...stillness, none])];
    if (replaced.length > 0) {
      const head = ["fault", "alone", "replaced after p50", "max", "then viewers", "p50", "p99", "max", "target p99"];
      const lines = replaced.map(([name, row]) => [
        ...[name, row.alone, Math.round(percentile(row.replacedAfter, 0.5)), max(row.replacedAfter)],
        ...[...figures(row.afterwards), ...verdict(row.afterwards, row.targetMs), p99(row.affected), p99(row.others)],
        ...[row.overlapped, p99(row.afterwardsBeside)],
      ]);
      parts.push(markdown([...head, "met", "in all p99", "others p99", "overlapped", "then p99"], lines));
    }
    const wrong = this.broken.get("C3") ?? 0;
    const early = this.broken.get("TK2") ?? 0;
    const all = [...this.broken.values()].reduce((sum, count) => sum + count, 0);
    const causes = [...this.#breaks].map(([name, { lost, repeated }]) => `${name}: ${lost} lost, ${repeated} twice`);
    parts.push(
      `Frames lost ${this.lost}, twice ${this.repeated}, wrong ${wrong}, early ${early}; violations of any rule ${all}.` +
        (causes.length > 0 ? ` By the last fault before: ${causes.join("; ")}.` : ""),
      `${this.faults} faults; ${this.watching} viewers at the last one; ${this.sessions} sessions checked, ${this.frames} frames, ${this.commands} commands.`,
    );
    return parts.join("\n\n");
  }

  #row({ name, targetMs }: Incident): Row {
    const lists = {
      affected: [],
      recorded: [],
      others: [],
      beside: [],
      replacedAfter: [],
      afterwards: [],
      afterwardsBeside: [],
    };
    const row = this.#rows.get(name) ?? { targetMs, alone: 0, overlapped: 0, ...lists };
    this.#rows.set(name, row);
    return row;
  }
}

export function keyOf(session: string, viewer: string): string {
  return `${session} ${viewer}`;
}

function longestOf(waits: readonly Wait[]): number | undefined {
  return waits.length === 0 ? undefined : waits.reduce((most, { ms }) => Math.max(most, ms), 0);
}

function figures(values: readonly number[]): (string | number)[] {
  return [values.length, p(values, 0.5), p99(values), max(values)];
}

function verdict(values: readonly number[], targetMs: number | undefined): (string | number)[] {
  if (targetMs === undefined) return ["-", "-"];
  if (values.length === 0) return [targetMs, "not seen"];
  return [targetMs, percentile(values, 0.99) <= targetMs ? "yes" : "**no**"];
}

function p(values: readonly number[], share: number): string | number {
  return values.length === 0 ? "-" : Math.round(percentile(values, share));
}

function p99(values: readonly number[]): string | number {
  return p(values, 0.99);
}

function max(values: readonly number[]): string | number {
  return p(values, 1);
}

function markdown(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (values: readonly (string | number)[]) => `| ${values.join(" | ")} |`;
  return [line(head), `|${" --- |".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
