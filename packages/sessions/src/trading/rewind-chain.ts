import type { TapeNs } from "@tapedeck/protocol";
import { parseSimulatedName, type TapePosition } from "@tapedeck/tape";
import type { Moment } from "../rules/commands.js";
import type { ActionChain, SessionRecord } from "../rules/record.js";
import type { LeftBranch, LoggedAction } from "./action-log.js";

interface Sources {
  /** Lines of the log, from number `from` to `to`, both inclusive. */
  actions(from: number, to: number): Promise<readonly LoggedAction[]>;
  /** A simulated tape without what actions sent after `until` took from its market. */
  undo(tape: string, until: TapeNs): Promise<string>;
}

/** What of a chain stays when the session changes: all of it, none, or what was sent at or before a tape time. */
export type KeptActions = "all" | "none" | { readonly until: TapeNs };

/** Lines that are read at once while a chain is followed back. */
const linesPerRead = 200;

/**
 * What a change leaves of the session's chain. A rewind (of whatever kind: seek, stop, step, loop) undoes what was sent after the place that
 * it leads to; another mode or market undoes everything. Moving forward undoes nothing. Pure.
 */
function keptActions(before: SessionRecord, after: SessionRecord, here: TapePosition): KeptActions {
  const { chain } = before;
  if (chain === null || chain.head === chain.root) return "all";
  if (!isSameMarket(before, after)) return "none";
  const isRewind = after.epoch !== before.epoch && after.anchorNs < here.ns;
  return isRewind && after.anchorNs < chain.ns ? { until: after.anchorNs } : "all";
}

/** Whether orders of one are orders of the other. */
export function isSameMarket(
  one: Pick<SessionRecord, "mode" | "tape">,
  other: Pick<SessionRecord, "mode" | "tape">,
): boolean {
  return one.mode === other.mode && marketOf(one.tape) === marketOf(other.tape);
}

/** Orders with an effect on a simulated market make another tape of it, whose frames up to there are the same. */
function marketOf(tape: string): string {
  return parseSimulatedName(tape)?.fork === undefined ? tape : tape.replace(/~[^@]*/, "");
}

/** The session with what is left of its chain, the market as it was with that, and what was undone, if anything was. */
export async function rewindChain(
  before: SessionRecord,
  after: SessionRecord,
  { here, now }: Pick<Moment, "here" | "now">,
  sources: Sources,
): Promise<{ readonly after: SessionRecord; readonly branch?: LeftBranch }> {
  const kept = keptActions(before, after, here);
  const { chain } = before;
  if (kept === "all" || chain === null) return { after };
  const until = kept === "none" ? -1 : kept.until;
  const left = await lastSent(chain, until, sources);
  const branch = {
    ...chain,
    id: `${before.epoch}`,
    tape: before.tape,
    seq: here.seq,
    leftAt: Math.floor(now),
  };
  return { after: { ...(await withMarket(before, after, until, sources)), chain: left }, branch };
}

/** Plays the market that has seen nothing of what was undone, also where the session comes back to it from another mode. */
async function withMarket(
  before: SessionRecord,
  after: SessionRecord,
  until: TapeNs,
  { undo }: Pick<Sources, "undo">,
): Promise<SessionRecord> {
  if (parseSimulatedName(before.tape)?.fork === undefined) return after;
  if (after.mode === before.mode && after.tape === before.tape)
    return { ...after, tape: await undo(before.tape, until) };
  const kept = after.kept[before.mode];
  if (kept === null || kept.tape !== before.tape) return after;
  return { ...after, kept: { ...after.kept, [before.mode]: { ...kept, tape: await undo(before.tape, until) } } };
}

/** The chain up to the last action that was sent at or before a tape time; without any, that of its settings alone. */
async function lastSent(
  chain: ActionChain,
  until: TapeNs,
  { actions: read }: Pick<Sources, "actions">,
): Promise<ActionChain> {
  let lines: readonly LoggedAction[] = [];
  for (let number = chain.head; ; ) {
    let line = lines.find((each) => each.number === number);
    if (line === undefined) {
      lines = await read(Math.max(1, number - linesPerRead + 1), number);
      line = lines.at(-1);
    }
    if (line === undefined) return chain; // Redis has lost it: what is left is what it is
    if (line.after === 0 || line.ns <= until) return { root: chain.root, head: number, tag: line.tag, ns: line.ns };
    number = line.after;
  }
}
