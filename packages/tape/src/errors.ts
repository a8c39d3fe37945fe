import { RefusedError, refuse } from "@tapedeck/protocol";
import { parseSimulatedName } from "./simulated/simulated-name.js";

export class TapeNotFound extends RefusedError {
  constructor(id: string) {
    super(refuse("TAPE_NOT_FOUND", `Tape ${id} does not exist.`));
  }
}

/** The tape exists, but has frames only; or it grows, and the files of its track are made when it is finished; or it is simulated, and has none. */
export class TrackNotFound extends RefusedError {
  constructor(tape: string, { growing = false } = {}) {
    const isSimulated = parseSimulatedName(tape) !== undefined;
    const why = growing ? "is being recorded" : isSimulated ? "is made when it is asked for" : "was made without one";
    const what = growing || isSimulated ? "no files of its event track" : "no event track";
    super(refuse("TRACK_NOT_FOUND", `Tape ${tape} has ${what}${growing ? " yet" : ""}: it ${why}.`));
  }
}

/** The tape has an event track without orders. */
export class OrdersNotFound extends RefusedError {
  constructor(tape: string) {
    super(refuse("TRACK_NOT_FOUND", `Tape ${tape} has no orders: its source does not say what happens to each order.`));
  }
}

/** The store does not answer, or its folder is missing. Its tapes are unchanged, and can be read when it is back. */
export class StoreUnavailable extends RefusedError {
  constructor(cause: unknown) {
    super(refuse("UNAVAILABLE", "The tape store cannot be read at the moment. Try again in some seconds."), {
      cause,
      retryAfter: 5,
    });
  }
}

/** A file of a tape differs from what was written. Other tapes, and other blocks of this one, are not affected. */
export class DamagedTape extends RefusedError {
  readonly tape: string;

  constructor(tape: string, what: string, cause?: unknown) {
    super(refuse("TAPE_DAMAGED", `Tape ${tape} is damaged: ${what}.`), { cause });
    this.tape = tape;
  }
}

export class DamagedBlock extends DamagedTape {
  readonly block: number;
  /** The frames that cannot be read. */
  readonly firstSeq: number;
  readonly lastSeq: number;

  constructor(tape: string, block: number, firstSeq: number, lastSeq: number, what: string, cause?: unknown) {
    super(tape, `block ${block} (frames ${firstSeq} to ${lastSeq}) ${what}`, cause);
    this.block = block;
    this.firstSeq = firstSeq;
    this.lastSeq = lastSeq;
  }
}

/** The tape was written by a release whose format this one does not know. */
export class UnknownTapeFormat extends RefusedError {
  constructor(tape: string, found: unknown, known: readonly number[]) {
    super(
      refuse(
        "TAPE_DAMAGED",
        `Tape ${tape} has format ${String(found)}, and this release reads ${known.join(" and ")}. ` +
          "Use the release that wrote it, or import the recording again.",
      ),
    );
  }
}

/** Writing stopped. Nothing of the new version is kept; earlier versions are unchanged. */
export class TapeWriteError extends Error {
  override readonly name = "TapeWriteError";
}

/** Deleting was refused; nothing was changed. */
export class TapeInUse extends RefusedError {
  constructor(message: string) {
    super(refuse("TAPE_IN_USE", message));
  }
}

/** Deleting was begun and failed. What was deleted before is gone; the rest is unchanged. */
export class StoreNotWritable extends RefusedError {
  constructor(cause: unknown) {
    super(refuse("UNAVAILABLE", `The tape store cannot be written: ${writeFailureReason(cause)}.`), {
      cause,
      retryAfter: 60,
    });
  }
}

const writeFailures: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the disk is read-only",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  ENOTDIR: "a file is in the place of a folder",
  EEXIST: "a file is in the place of a folder",
};

/** Why a write failed, in words, with the path if the system names one. */
export function writeFailureReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const reason = "code" in error && typeof error.code === "string" ? writeFailures[error.code] : undefined;
  if (reason === undefined) return error.message;
  return "path" in error && typeof error.path === "string" ? `${error.path}: ${reason}` : reason;
}
