import { setTimeout as sleep } from "node:timers/promises";
import { RefusedError } from "@tapedeck/protocol";
import type { Logger } from "@tapedeck/runtime";
import { planPlayback, playheadAt, type SessionRecord } from "@tapedeck/sessions";
import type { Seq, Tape, TapeCatalog } from "@tapedeck/tape";
import { type PlaybackSegment, segmentOf } from "./playback-segment.js";

/** How long to wait before reading again from a tape store or Redis that is unavailable. */
export const retryMs = 1_000;

/** The tape store or Redis cannot be read at the moment; a later attempt may succeed. */
export function isUnavailable(error: unknown): error is RefusedError {
  return error instanceof RefusedError && error.code === "UNAVAILABLE";
}

/** Makes the playback segment for each change of one session, and keeps the tape open as long as the session stays on it. */
export class SegmentOpener {
  /** The id of the tape that could not be opened because it does not exist; empty if there is none. */
  missingTape = "";
  readonly #tapes: Pick<TapeCatalog, "open">;
  readonly #log: Logger;
  #tape: Tape | undefined;
  /** The last frame of each round of the loop that is played. */
  #roundEnd: { readonly tape: Tape; readonly toNs: SessionRecord["toNs"]; readonly seq: Seq } | undefined;
  /** The record whose segment was requested last; undefined after `close`. */
  #current: SessionRecord | undefined;

  constructor(tapes: Pick<TapeCatalog, "open">, log: Logger) {
    this.#tapes = tapes;
    this.#log = log;
  }

  /**
   * The segment that begins with a record; a promise if a tape has to be opened or read. The promise does not reject: it waits while
   * the tape store or Redis is unavailable. At the live edge it does not wait, since the market's next frame brings the tape.
   */
  open(before: SessionRecord | undefined, record: SessionRecord): PlaybackSegment | Promise<PlaybackSegment> {
    this.#current = record;
    const stepped = before !== undefined && mayHaveStepped(before, record);
    if (record.tape === "") return segmentOf(record, undefined);
    if (this.#tape?.id === record.tape && !stepped) {
      if (record.loop) this.#findRoundEnd(record, this.#tape);
      return segmentOf(record, this.#tape);
    }
    return this.#retry(stepped ? before : undefined, record);
  }

  /** The segment of a record whose tape was opened elsewhere. */
  useTape(tape: Tape, record: SessionRecord): PlaybackSegment {
    this.#tape = tape;
    return segmentOf(record, tape);
  }

  /** The last frame of a round of a loop; undefined if it is not known (yet). */
  roundEnd({ loop, tape, toNs }: SessionRecord): Seq | undefined {
    const end = this.#roundEnd;
    return loop && end?.tape.id === tape && end.toNs === toNs ? end.seq : undefined;
  }

  #findRoundEnd(record: SessionRecord, tape: Tape): void {
    if (this.roundEnd(record) !== undefined) return;
    planPlayback(record, tape).then(
      ({ last: seq }) => {
        this.#roundEnd = { tape, toNs: record.toNs, seq };
      },
      () => {}, // of a tape that cannot be read nothing is shown either
    );
  }

  /** Stops waiting for tapes. */
  close(): void {
    this.#current = undefined;
  }

  async #retry(before: SessionRecord | undefined, record: SessionRecord): Promise<PlaybackSegment> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#load(before, record);
      } catch (error) {
        if (error instanceof RefusedError && error.code === "TAPE_NOT_FOUND") this.missingTape = record.tape;
        const waits = isUnavailable(error) && !record.edge;
        if (attempt === 1) this.#log.error({ err: error, tape: record.tape }, waits ? waiting : notReadable);
        if (!waits || this.#current !== record) return segmentOf(record, undefined);
      }
      await sleep(retryMs, undefined, { ref: false });
    }
  }

  async #load(before: SessionRecord | undefined, record: SessionRecord): Promise<PlaybackSegment> {
    const tape = await this.#tapes.open(record.tape);
    this.#tape = tape;
    this.missingTape = "";
    if (record.loop) this.#findRoundEnd(record, tape);
    if (before === undefined) return segmentOf(record, tape);
    // The step passed the frames between where the playhead was when it was made and the new anchor.
    const after = Math.max(before.anchorSeq, await tape.seqAt(playheadAt(before, record.anchorWallMs, tape)));
    return segmentOf(record, tape, { after, upTo: record.anchorSeq });
  }
}

const waiting = "tape not readable at the moment: clients wait for it";
const notReadable = "tape not readable: clients get only frames that are published";

/** Only a step moves the anchor of a paused session forward within its epoch. */
function mayHaveStepped(before: SessionRecord, after: SessionRecord): boolean {
  return (
    after.state === "PAUSED" &&
    !before.edge &&
    after.epoch === before.epoch &&
    after.tape === before.tape &&
    after.anchorSeq > before.anchorSeq
  );
}
