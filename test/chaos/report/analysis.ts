import { rules } from "../oracle/check.js";
import type { History, Violation } from "../oracle/history.js";
import { type Observations, observe } from "../oracle/observations.js";
import { breaksIn } from "../oracle/rules/each-frame-once.js";
import type { Tapes } from "../oracle/tapes.js";
import { type Wait, waitsOf } from "./stillness.js";

/** What a run needs to know of a session that has ended. */
export interface Analysis {
  readonly session: string;
  readonly commands: number;
  readonly violations: readonly Violation[];
  readonly viewers: readonly {
    readonly viewer: string;
    readonly frames: number;
    readonly waits: readonly Wait[];
    readonly breaks: readonly { readonly at: number; readonly lost: number; readonly repeated: number }[];
  }[];
}

export interface TapeSource {
  /** Those that a history refers to. */
  tapesOf(observed: Observations): Promise<Tapes>;
}

/** Has the oracle check a history, rule by rule: others may have work in this process too. */
export async function analyse(history: History, source: TapeSource): Promise<Analysis> {
  const observed = observe(history);
  const tapes = await source.tapesOf(observed);
  const violations: Violation[] = [];
  for (const rule of rules) {
    violations.push(...rule(observed, tapes));
    await new Promise(setImmediate);
  }
  return { ...summaryOf(observed, tapes), violations: violations.sort((a, b) => a.at - b.at) };
}

/** What viewers noticed, without the oracle. */
export function summaryOf(observed: Observations, tapes: Tapes): Omit<Analysis, "violations"> {
  const waits = waitsOf(observed, tapes);
  const viewers = observed.viewers.map(({ viewer, items }, nth) => ({
    viewer,
    frames: items.filter(({ kind }) => kind === "frame").length,
    waits: waits[nth] ?? [],
    breaks: breaksIn(items).map(({ frame: { at }, lost, repeated }) => ({ at, lost, repeated })),
  }));
  return { session: observed.session, commands: observed.commands.length, viewers };
}
