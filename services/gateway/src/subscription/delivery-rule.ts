import { limits } from "@tapedeck/protocol";
import type { FrameHead, SessionRecord } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";

/** Which version of a session something belongs to. Both numbers only grow, the epoch also when an id is created again. */
export interface Revision {
  readonly epoch: number;
  readonly rev: number;
}

/** How far this node may deliver a session: its newest known revision, and the last frame of that epoch that clients may get. */
export interface DeliveryCursor extends Revision {
  readonly lastSeq: Seq;
}

/**
 * - `forward`: the message continues at the cursor; its bytes go out unchanged.
 * - `catch-up`: the message is current, but frames before it are missing; clients get (lastSeq, seq] from the tape.
 * - `stale`: drop it. It was rendered from an earlier revision of the session.
 * - `duplicate`: drop it. Its frames have been delivered already.
 * - `reread`: it was rendered from a revision that this node does not know yet; read the session from Redis.
 */
export type DeliveryDecision = "forward" | "catch-up" | "stale" | "duplicate" | "reread";

/**
 * The delivery rule: because of it, each client gets each frame once and in order even if tickers crash, overlap, lose
 * messages or continue after their lease has expired. HOT: once per published frame.
 */
export function decideDelivery(cursor: DeliveryCursor, frame: FrameHead): DeliveryDecision {
  if (frame.epoch !== cursor.epoch) return frame.epoch < cursor.epoch ? "stale" : "reread";
  if (frame.rev !== cursor.rev) return frame.rev < cursor.rev ? "stale" : "reread";
  if (frame.seq <= cursor.lastSeq) return "duplicate";
  return frame.prev === cursor.lastSeq ? "forward" : "catch-up";
}

/** Whether `revision` is newer than `known`. */
export function isNewer(known: Revision, { epoch, rev }: Revision): boolean {
  return epoch !== known.epoch ? epoch > known.epoch : rev > known.rev;
}

/**
 * Whether two records of one revision tell of different changes: a Redis that took over has lost one change, and another one has its
 * number.
 */
export function contradicts(known: SessionRecord, found: SessionRecord): boolean {
  if (known.epoch !== found.epoch || known.rev !== found.rev) return false;
  // In lossless pace the anchor moves within a revision.
  const fields = known.lossless === null ? changedByCommands : fixedByCommands;
  return fields.some((field) => known[field] !== found[field]);
}

const fixedByCommands = [
  "state",
  "speed",
  "tape",
  "fromNs",
  "toNs",
  "loop",
  "maxFps",
  "parked",
  "edge",
] as const satisfies readonly (keyof SessionRecord)[];
const changedByCommands = [...fixedByCommands, "anchorWallMs", "anchorNs"] as const;

/** Moves the cursor to a newer state of the session. Within an epoch it never moves back; a new epoch begins at its own frame. */
export function advanceToState(cursor: DeliveryCursor, { epoch, rev, lastSeq }: DeliveryCursor): DeliveryCursor {
  return { epoch, rev, lastSeq: epoch === cursor.epoch ? Math.max(cursor.lastSeq, lastSeq) : lastSeq };
}

/** Moves the cursor to a frame that `decideDelivery` did not drop. HOT. */
export function advanceToFrame({ epoch, rev }: DeliveryCursor, lastSeq: Seq): DeliveryCursor {
  return { epoch, rev, lastSeq };
}

/** The cursor that a session's record implies. */
export function cursorOf(record: SessionRecord): DeliveryCursor {
  return { epoch: record.epoch, rev: record.rev, lastSeq: deliverableSeq(record) };
}

/** The last frame that clients may get according to a record: either it was published, or the playhead is placed on it. */
export function deliverableSeq(record: SessionRecord): Seq {
  return Math.max(record.anchorSeq, record.publishedSeq);
}

/**
 * The frame after which a client that comes from another epoch continues. If it missed more than a resume may deliver, it
 * gets only the newest frame.
 */
export function seqBeforeEpoch(record: SessionRecord): Seq {
  const before = record.epochFromSeq - 1;
  return deliverableSeq(record) - before > limits.resumeFrames ? deliverableSeq(record) - 1 : before;
}

export function latestRevision(known: Revision, seen: Revision | undefined): Revision {
  return seen !== undefined && isNewer(known, seen) ? seen : known;
}

/** The later of two frames whose revision this node does not know yet. */
export function latestFrame(known: FrameHead | undefined, frame: FrameHead): FrameHead {
  if (known === undefined || isNewer(known, frame)) return frame;
  return isNewer(frame, known) || known.seq >= frame.seq ? known : frame;
}
