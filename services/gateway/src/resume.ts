import { limits } from "@tapedeck/protocol";
import type { EndedEpoch } from "@tapedeck/sessions";
import type { Seq, Tape, TapeCatalog } from "@tapedeck/tape";
import { countTrades } from "./catch-up.js";

/** The last frame that a client has got: (epoch, seq) names it for ever. */
export interface Token {
  readonly epoch: number;
  readonly after: Seq;
}

/** Frames (after, to] of one epoch that a client has missed. */
export interface Stretch {
  readonly epoch: number;
  /** `id@version`. */
  readonly tape: string;
  readonly after: Seq;
  readonly to: Seq;
}

/**
 * What the client of a token has missed up to the present stretch's end, or undefined where that is not known exactly, or is
 * more than is worth sending: then it starts afresh.
 *
 * @param ended the epochs that the session remembers, the oldest first
 * @param present the epoch that the session is in, from its first frame on
 */
export async function missedSince(
  token: Token,
  ended: readonly EndedEpoch[],
  present: Stretch,
  tapes: Pick<TapeCatalog, "open">,
): Promise<Stretch[] | undefined> {
  const missed = stretchesAfter(token, ended, present);
  if (missed === undefined) return undefined;
  const frames = missed.reduce((sum, { after, to }) => sum + to - after, 0);
  if (frames > limits.resumeFrames) return undefined;
  let trades = 0;
  for (const { tape, after, to } of missed) {
    if (tape === "" || to <= after) continue;
    trades += await tapes.open(tape).then((opened: Tape) => countTrades(opened, after, to));
    if (trades > limits.resumeTrades) return undefined;
  }
  return missed;
}

function stretchesAfter(token: Token, ended: readonly EndedEpoch[], present: Stretch): Stretch[] | undefined {
  if (token.epoch === present.epoch) {
    // A client cannot be ahead of what this node knows by more than what is on its way.
    return token.after < present.after ? undefined : [{ ...present, after: Math.min(token.after, present.to) }];
  }
  const known = ended.findIndex(({ epoch }) => epoch === token.epoch);
  if (known < 0) return undefined;
  const past = ended
    .slice(known)
    .filter(({ epoch }) => epoch < present.epoch)
    .map(({ epoch, tape, first, last }, nth) => {
      const after = nth === 0 ? Math.max(token.after, first - 1) : first - 1;
      return { epoch, tape, after, to: Math.max(after, last) };
    });
  return [...past, present];
}
