import type { TapeNs, WallMs } from "@tapedeck/protocol";
import type { Seq } from "@tapedeck/tape";
import { z } from "zod";

/**
 * A line of a session's log of trading actions. What an action does is known to packages/trading; here it has a place. Lines are never
 * changed or removed, so a number names one for as long as Redis has it.
 */
export interface LoggedAction {
  /** Its place in the log, from 1. */
  readonly number: number;
  /** The action that it followed; 0: it is the first line of a chain, with its settings. */
  readonly after: number;
  /** Random: see `ActionChain`. */
  readonly tag: string;
  /** When it was sent, in tape time; below 0 in the first line of a chain. */
  readonly ns: TapeNs;
  readonly body: string;
}

const line = /^(\d+) ([0-9a-z]+) (-?\d+) (.*)$/s;

/** As the log has it: few bytes, since every order has one. The body has no line break. */
export function encodeAction({ after, tag, ns, body }: Omit<LoggedAction, "number">): string {
  return `${after} ${tag} ${ns} ${body}`;
}

/** @throws RangeError for a line that no release wrote */
export function decodeAction(number: number, text: string): LoggedAction {
  const [, after, tag, ns, body] = line.exec(text) ?? [];
  if (after === undefined || tag === undefined || ns === undefined || body === undefined)
    throw new RangeError(`action ${number} of the log is not readable: ${text}`);
  return { number, after: Number(after), tag, ns: Number(ns), body };
}

/** What a rewind, another mode or another tape undid: the actions up to `head`, as they were with frame `seq` on `tape`. */
export interface LeftBranch {
  /** The epoch that ended. */
  readonly id: string;
  readonly head: number;
  readonly tag: string;
  readonly root: number;
  readonly ns: TapeNs;
  /** `id@version` */
  readonly tape: string;
  /** The playhead when it was left. */
  readonly seq: Seq;
  readonly leftAt: WallMs;
}

const leftBranch = z.object({
  id: z.string(),
  head: z.int(),
  tag: z.string(),
  root: z.int(),
  ns: z.number(),
  tape: z.string(),
  seq: z.int(),
  leftAt: z.number(),
});

export function decodeBranch(text: string): LeftBranch {
  return leftBranch.parse(JSON.parse(text));
}
