import { RefusedError, type WallMs } from "@tapedeck/protocol";
import type { Tapes } from "./choose-mode.js";
import { type Moment, momentWithoutTape } from "./commands.js";
import { momentOnTape } from "./places.js";
import type { SeekableTape } from "./playhead.js";
import type { SessionRecord } from "./record.js";

export async function openIfPresent(name: string, tapes: Pick<Tapes, "open">): Promise<SeekableTape | undefined> {
  try {
    return await tapes.open(name);
  } catch (error) {
    if (error instanceof RefusedError && error.code === "TAPE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** The moment at which a tape is left: a tape that is gone or damaged keeps nobody on it. */
export async function momentOrLost(session: SessionRecord, now: WallMs, tapes: Tapes): Promise<Moment> {
  if (session.tape === "") return momentWithoutTape(now);
  try {
    return await momentOnTape(await tapes.open(session.tape), session, now);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return momentWithLostTape(session, now);
  }
}

/** The moment of a session whose tape is not to be had. */
export function momentWithLostTape({ publishedSeq, anchorNs }: SessionRecord, now: WallMs): Moment {
  return { ...momentWithoutTape(now), here: { seq: publishedSeq, ns: anchorNs } };
}
