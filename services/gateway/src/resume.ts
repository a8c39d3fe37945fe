import { limits, RefusedError } from "@tapedeck/protocol";
import type { EndedEpoch } from "@tapedeck/sessions";
import type { Seq, Tape, TapeCatalog } from "@tapedeck/tape";
import { countTrades } from "./catch-up.js";

/** The last frame that a client has got: (epoch, seq) names it for ever. */
export interface Token {
  readonly epoch: number;
  readonly after: Seq;
}

/** Frames (after, to] of one epoch that a client has missed; none where `to` is not above `after`. */
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
 * @param present the epoch that the session is in, from its first frame on, as far as this node knows it
 * @param furthest the last frame that anyone can have seen of it
 */
export async function missedSince(
  token: Token,
  ended: readonly EndedEpoch[],
  present: Stretch,
  furthest: Seq,
  tapes: Pick<TapeCatalog, "open">,
): Promise<Stretch[] | undefined> {
  const missed = stretchesAfter(token, ended, present, furthest);
  if (missed === undefined) return undefined;
  const frames = missed.reduce((sum, { after, to }) => sum + Math.max(0, to - after), 0);
  if (frames > limits.resumeFrames) return undefined;
  let trades = 0;
  for (const { tape, after, to } of missed) {
    if (tape === "" || to <= after) continue;
    const opened = await openIfThere(tape, tapes);
    // Redis has lost it with what came next, or retention has taken that away.
    if (opened === undefined || after < opened.span.firstSeq - 1) return undefined;
    trades += await countTrades(opened, after, to);
    if (trades > limits.resumeTrades) return undefined;
  }
  return missed;
}

export async function openIfThere(name: string, tapes: Pick<TapeCatalog, "open">): Promise<Tape | undefined> {
  try {
    return await tapes.open(name);
  } catch (error) {
    if (error instanceof RefusedError && error.code === "TAPE_NOT_FOUND") return undefined;
    throw error;
  }
}

function stretchesAfter(
  token: Token,
  ended: readonly EndedEpoch[],
  present: Stretch,
  furthest: Seq,
): Stretch[] | undefined {
  if (token.epoch === present.epoch) {
    // A client may well have seen more than this node knows of: a ticker tells Redis once a second how far it has come.
    const credible = token.after >= present.after && token.after <= furthest;
    return credible ? [{ ...present, after: token.after }] : undefined;
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
