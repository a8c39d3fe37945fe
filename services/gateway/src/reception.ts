import type { FrameHead } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";

/**
 * What a gateway has heard of a session: the newest revision by a state, and the last frame of that epoch that was published.
 * Whatever publishers do, crash, overlap, lose messages or come back from the dead, viewers see each frame once and in
 * order because of the one rule below.
 */
export interface Reception {
  readonly epoch: number;
  readonly rev: number;
  /** All frames of the epoch up to this one may be shown. */
  readonly last: Seq;
}

/**
 * - `forward`: the message follows on what was heard: its bytes go out as they are.
 * - `stale`: rendered from a revision that is no longer the session's. A state has told, or will tell, where it stands.
 * - `repeat`: its frames were heard before.
 * - `heal`: it is news but does not begin where the last one ended: viewers get (last, seq] from the tape.
 * - `ahead`: rendered from a revision that no state has told of: the session is to be read again.
 */
export type Verdict = "forward" | "stale" | "repeat" | "heal" | "ahead";

/** The one rule of the gateway. HOT: once per received frame. */
export function judge(heard: Reception, frame: FrameHead): Verdict {
  if (frame.epoch !== heard.epoch) return frame.epoch < heard.epoch ? "stale" : "ahead";
  if (frame.rev !== heard.rev) return frame.rev < heard.rev ? "stale" : "ahead";
  if (frame.seq <= heard.last) return "repeat";
  return frame.prev === heard.last ? "forward" : "heal";
}

/** Whether a revision is newer than what was heard. Both numbers only grow, the epoch also when an id is made again. */
export function isNews(heard: Revision, { epoch, rev }: Revision): boolean {
  return epoch !== heard.epoch ? epoch > heard.epoch : rev > heard.rev;
}

export type Revision = Pick<Reception, "epoch" | "rev">;

/** A session as a state or a read of its hash tells it: everything up to `seq` was published or is to be shown now. */
export interface Standing {
  readonly epoch: number;
  readonly rev: number;
  readonly seq: Seq;
}

/** Takes in news. A new epoch begins at its own frame; within one, what was heard stays heard. */
export function takeIn(heard: Reception, { epoch, rev, seq }: Standing): Reception {
  return { epoch, rev, last: epoch === heard.epoch ? Math.max(heard.last, seq) : seq };
}

/** Takes in a frame that `judge` let pass. HOT. */
export function passed({ epoch, rev }: Reception, { seq }: Pick<FrameHead, "seq">): Reception {
  return { epoch, rev, last: seq };
}
