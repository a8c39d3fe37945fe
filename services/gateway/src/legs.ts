import { setTimeout as sleep } from "node:timers/promises";
import { RefusedError } from "@tapedeck/protocol";
import type { Logger } from "@tapedeck/runtime";
import { playheadAt, type SessionRecord } from "@tapedeck/sessions";
import type { Tape, TapeCatalog } from "@tapedeck/tape";
import { type Leg, legOf } from "./leg.js";
import { awayMs, isPassing } from "./passing.js";

/** What a watched session's frames come from, change after change. The tape stays open as long as the session is on it. */
export class Legs {
  /** The tape that could not be opened because it does not exist; empty for none. */
  lost = "";
  readonly #tapes: Pick<TapeCatalog, "open">;
  readonly #log: Logger;
  #tape: Tape | undefined;
  /** That whose leg was asked for last. */
  #wanted: SessionRecord | undefined;

  constructor(tapes: Pick<TapeCatalog, "open">, log: Logger) {
    this.#tapes = tapes;
    this.#log = log;
  }

  /**
   * The leg that begins with a record. A promise where a tape has to be opened or looked at; it does not reject, and waits while the
   * tape store or Redis is away. At the edge it does not wait: the tape comes with the market's next frame.
   */
  settle(before: SessionRecord | undefined, record: SessionRecord): Leg | Promise<Leg> {
    this.#wanted = record;
    const steps = before !== undefined && mayHaveStepped(before, record);
    if (record.tape === "") return legOf(record, undefined);
    if (this.#tape?.id === record.tape && !steps) return legOf(record, this.#tape);
    return this.#settleLate(steps ? before : undefined, record);
  }

  /** The leg of a record whose tape has come to be known from elsewhere. */
  take(tape: Tape, record: SessionRecord): Leg {
    this.#tape = tape;
    return legOf(record, tape);
  }

  /** No leg is needed any more. */
  close(): void {
    this.#wanted = undefined;
  }

  async #settleLate(before: SessionRecord | undefined, record: SessionRecord): Promise<Leg> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#open(before, record);
      } catch (error) {
        if (error instanceof RefusedError && error.code === "TAPE_NOT_FOUND") this.lost = record.tape;
        const waits = isPassing(error) && !record.edge;
        if (attempt === 1) this.#log.error({ err: error, tape: record.tape }, waits ? waiting : notReadable);
        if (!waits || this.#wanted !== record) return legOf(record, undefined);
      }
      await sleep(awayMs, undefined, { ref: false });
    }
  }

  async #open(before: SessionRecord | undefined, record: SessionRecord): Promise<Leg> {
    const tape = await this.#tapes.open(record.tape);
    this.#tape = tape;
    this.lost = "";
    if (before === undefined) return legOf(record, tape);
    // Beyond where the playhead was when the step was made lie the frames that the step passed.
    const after = Math.max(before.anchorSeq, await tape.seqAt(playheadAt(before, record.anchorWallMs, tape)));
    return legOf(record, tape, { after, upTo: record.anchorSeq });
  }
}

const waiting = "tape not readable now: viewers wait for it";
const notReadable = "tape not readable: frames come only as they are published";

/** Only a step shows frames ahead of a playhead that stands still afterwards. */
function mayHaveStepped(before: SessionRecord, after: SessionRecord): boolean {
  return (
    after.state === "PAUSED" &&
    !before.edge &&
    after.epoch === before.epoch &&
    after.tape === before.tape &&
    after.anchorSeq > before.anchorSeq
  );
}
