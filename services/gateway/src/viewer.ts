import { setTimeout as sleep } from "node:timers/promises";
import { type CloseCode, limits, type RefusalCode, type RefusedError } from "@tapedeck/protocol";
import { DamagedBlock, type Seq, type Tape } from "@tapedeck/tape";
import { assessBacklog, mergedMessage, recordedFrames } from "./catch-up.js";
import type { Counters } from "./counters.js";
import { type Leg, loadMessage, nextMessage, type Rendered } from "./leg.js";
import type { Outlet } from "./outlet.js";
import { awayMs, isPassing } from "./passing.js";

/** What a viewer follows: the newest frame that may be shown of the session's present epoch. */
export interface Source {
  readonly id: string;
  readonly last: Seq;
  /** A frame of that epoch has gone to a socket. */
  shown(epoch: number): void;
}

/** Something a viewer comes to in its turn: a change of the session, or a word to the client. */
export interface Note {
  /** Frames of that epoch which go out before it, if the viewer is still there. */
  readonly until?: { readonly epoch: number; readonly seq: Seq };
  /** A state: a later one makes it worthless. */
  readonly passing?: true;
  /** What the viewer's frames come from afterwards. */
  readonly leg?: Leg | Promise<Leg>;
  /** The frame after which the leg begins, for a viewer that comes from another epoch. */
  readonly from?: Seq;
  /** Frames up to this one are delivered by `history` messages, as they were recorded. */
  readonly history?: { readonly to: Seq; readonly complete: boolean };
  /** The message itself; sockets without the subprotocol are not told. */
  readonly text?: () => string | Promise<string>;
}

/** Above so many notes a reader is so slow that only the newest state matters to it. */
const mostNotes = 64;
/** Answers that may wait for a reader; one that asks on without reading is closed. */
const mostAnswers = 2_048;
/** Messages after which other sockets get a turn. */
const turn = 64;

/**
 * One socket's way through a session. Its cursor is the last frame it was given. While it is in step, frames are forwarded
 * as they come; otherwise one loop brings it up to the session's last frame out of the tape. A hole, the end of the
 * history, a resumption, a new epoch and a slow reader are all nothing but that.
 */
export class Viewer {
  /** HOT: nothing lies between the cursor and the source's last frame, and nothing waits to be told. */
  inStep = false;
  readonly #legacy: boolean;
  readonly #source: Source;
  readonly #outlet: Outlet;
  readonly #counters: Counters;
  #notes: Note[] = [];
  #leg: Leg | undefined;
  #cursor: Seq = -1;
  #history: Note["history"];
  /** The reader was too slow: `assess` its backlog, then merge it. */
  #lag: "none" | "assess" | "merge" = "none";
  /** A damaged block ahead: up to it frames are shown. */
  #hole: DamagedBlock | undefined;
  #working = false;
  readonly #onFailure: (error: unknown) => void;

  constructor(options: {
    legacy: boolean;
    source: Source;
    outlet: Outlet;
    counters: Counters;
    /** Told of damaged blocks, of a tape store that is away, and of anything unforeseen. */
    onFailure: (error: unknown) => void;
  }) {
    this.#legacy = options.legacy;
    this.#source = options.source;
    this.#outlet = options.outlet;
    this.#counters = options.counters;
    this.#onFailure = options.onFailure;
  }

  /** HOT: a frame that follows on the source's last one. The bytes are not copied before they are written. */
  forward(body: Uint8Array | string, seq: Seq): void {
    if (!this.inStep || this.#outlet.blocked) {
      this.wake();
      return;
    }
    this.#cursor = seq;
    this.#outlet.queue(body);
    this.#counters.framesForwarded++;
  }

  /** The source's last frame is further than what was forwarded. */
  wake(): void {
    this.inStep = false;
    if (!this.#working) void this.#work();
  }

  close(code: CloseCode, reason: string): void {
    this.#outlet.close(code, reason);
  }

  tell(note: Note): void {
    this.#notes.push(note);
    if (note.passing && this.#notes.length > mostNotes) this.#forgetOldStates();
    if (this.#notes.length > mostAnswers) this.close(4408, "answers are not read");
    this.wake();
  }

  #forgetOldStates(): void {
    const states = this.#notes.filter(({ passing }) => passing);
    const leg = states.findLast((note) => note.leg !== undefined);
    const text = states.findLast((note) => note.text !== undefined);
    this.#notes = this.#notes.filter((note) => !note.passing || note === leg || note === text);
  }

  async #work(): Promise<void> {
    this.#working = true;
    try {
      for (let steps = 1; this.#outlet.open; steps++) {
        const step = this.#step();
        if (step === "done") return;
        if (step !== undefined) await step;
        else if (steps % turn === 0) await new Promise(setImmediate);
      }
    } catch (error) {
      this.#onFailure(error);
      this.#outlet.close(1012, "this node failed to go on");
    } finally {
      this.#working = false;
    }
  }

  #step(): Promise<void> | undefined | "done" {
    if (this.#history) return this.#outlet.room() ?? this.#sendHistory(this.#history);
    if (this.#outlet.blocked) {
      this.#lag = "assess";
      return this.#outlet.room();
    }
    const note = this.#notes[0];
    const leg = this.#leg;
    if (leg !== undefined) {
      const goal = note === undefined ? this.#source.last : note.until?.epoch === leg.epoch ? note.until.seq : -1;
      if (this.#cursor < goal) return this.#show(leg, this.#beforeHole(goal), note?.from !== undefined);
    }
    if (note !== undefined) {
      this.#notes.shift();
      return this.#begin(note);
    }
    this.#lag = "none";
    // One who has come back may have seen frames that this node has yet to hear of.
    this.inStep = this.#cursor === this.#source.last;
    return "done";
  }

  /** @param leaving whether a new epoch follows, so that a slow reader need not see the rest of this one */
  #show(leg: Leg, goal: Seq, leaving: boolean): Promise<void> | undefined {
    const { tape } = leg;
    if (tape === undefined) {
      this.#cursor = goal; // nothing to render from: these frames are lost to this socket
      return undefined;
    }
    if (this.#lag !== "none") return this.#showMerged(tape, goal, leaving);
    const message = nextMessage(leg, this.#cursor, goal);
    if (message === "missing") {
      return this.#deliverLate(loadMessage(leg, this.#cursor, goal), goal);
    }
    this.#deliver(message, goal);
    return undefined;
  }

  #showMerged(tape: Tape, goal: Seq, leaving: boolean): Promise<void> | undefined {
    if (leaving) {
      this.#skip(goal, 0);
      return undefined;
    }
    const after = this.#cursor;
    if (this.#lag === "merge") {
      return this.#deliverLate(
        mergedMessage(tape, after, goal).then((message) => {
          this.#tellLag(message.seq - after - 1, 0);
          return message;
        }),
        goal,
      );
    }
    this.#lag = "merge";
    return assessBacklog(tape, after, goal).then(
      ({ skipTo, tradesLeftOut }) => this.#skip(skipTo, tradesLeftOut),
      (error) => {
        if (isPassing(error)) this.#lag = "assess";
        return this.#damaged(error, goal);
      },
    );
  }

  async #deliverLate(message: Promise<Rendered | undefined>, goal: Seq): Promise<void> {
    try {
      this.#deliver(await message, goal);
    } catch (error) {
      await this.#damaged(error, goal);
    }
  }

  #deliver(message: Rendered | undefined, goal: Seq): void {
    this.#cursor = message?.seq ?? goal; // no message: the tape ends before the goal
    if (message === undefined || !this.#outlet.open) return;
    this.#outlet.send(message.text);
    this.#counters.framesRendered++;
    this.#source.shown(this.#leg?.epoch ?? 0);
  }

  #skip(to: Seq, tradesLeftOut: number): void {
    this.#tellLag(to - this.#cursor, tradesLeftOut);
    this.#cursor = to;
  }

  #tellLag(frames: number, tradesLeftOut: number): void {
    if (frames === 0) return;
    this.#counters.lags++;
    this.#counters.framesMerged += frames;
    this.#counters.tradesLeftOut += tradesLeftOut;
    if (this.#legacy) return;
    this.#outlet.send(
      JSON.stringify({ type: "lag", frames, ...(tradesLeftOut > 0 ? { trades_left_out: tradesLeftOut } : {}) }),
    );
  }

  /** Frames before a damaged block are shown first; when there are no more of them, it is passed over. */
  #beforeHole(goal: Seq): Seq {
    const hole = this.#hole;
    return hole !== undefined && this.#cursor < hole.firstSeq - 1 ? Math.min(goal, hole.firstSeq - 1) : goal;
  }

  /** What cannot be read is passed over: what comes after it is worth more than standing still. But a store comes back. */
  #damaged(error: unknown, goal: Seq): Promise<void> | undefined {
    if (isPassing(error)) return this.#waitFor(error);
    if (!(error instanceof DamagedBlock)) {
      this.#onFailure(error);
      this.#cursor = goal;
      this.#tellDamage("A part of the tape cannot be read and is left out.");
    } else if (this.#cursor < error.firstSeq - 1 && this.#hole?.firstSeq !== error.firstSeq) {
      this.#hole = error;
    } else {
      this.#passOver(error);
      this.#cursor = Math.min(goal, error.lastSeq);
      this.#hole = undefined;
    }
    return undefined;
  }

  #waitFor(away: RefusedError): Promise<void> {
    this.#onFailure(away);
    return sleep(awayMs, undefined, { ref: false });
  }

  #passOver(error: DamagedBlock): void {
    this.#onFailure(error);
    this.#tellDamage(`Frames ${error.firstSeq} to ${error.lastSeq} of the tape are damaged and are left out.`);
  }

  #tellDamage(message: string): void {
    if (!this.#legacy) this.#outlet.send(errorText("TAPE_DAMAGED", message));
  }

  #begin(note: Note): Promise<void> | undefined {
    if (note.leg instanceof Promise) return note.leg.then((leg) => this.#enter(note, leg));
    return this.#enter(note, note.leg);
  }

  #enter(note: Note, leg: Leg | undefined): Promise<void> | undefined {
    if (leg !== undefined) {
      if (note.from !== undefined && leg.epoch !== this.#leg?.epoch) this.#cursor = note.from;
      this.#leg = leg;
      this.#history = note.history;
    }
    if (this.#legacy) return undefined;
    const text = note.text?.();
    if (text === undefined) return undefined;
    if (typeof text === "string") {
      this.#outlet.send(text);
      return undefined;
    }
    return text.then((late) => this.#outlet.send(late));
  }

  async #sendHistory({ to, complete }: NonNullable<Note["history"]>): Promise<void> {
    const tape = this.#leg?.tape;
    const damaged: unknown[] = [];
    const failed = (error: unknown) => damaged.push(error);
    const frames: string[] = [];
    let seq = tape === undefined ? to : this.#cursor;
    try {
      // A legacy client knows one history only, of the newest frames that fit.
      for (let first = true; tape !== undefined && (first || (this.#legacy && seq < to)); first = false) {
        const chunk = await recordedFrames(tape, seq, to, failed);
        frames.push(...chunk.frames);
        seq = chunk.seq;
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      return this.#waitFor(error);
    }
    this.#cursor = seq;
    this.#history = this.#cursor < to ? { to, complete } : undefined;
    this.#outlet.sendHistory(this.#legacy ? this.#legacyHistory(frames) : this.#historyText(frames, complete));
    for (const error of damaged) {
      if (error instanceof DamagedBlock) this.#passOver(error);
      else this.#onFailure(error);
    }
  }

  #historyText(frames: readonly string[], complete: boolean): string {
    const epoch = this.#leg?.epoch ?? 0;
    const id = JSON.stringify(this.#source.id);
    return `{"type":"history","session_id":${id},"epoch":${epoch},"complete":${complete},"data":[${frames.join(",")}]}`;
  }

  #legacyHistory(frames: readonly string[]): string {
    const head = '{"type":"history","data":[';
    const tail = `],"session_id":${JSON.stringify(this.#source.id)}}`;
    let bytes = head.length + tail.length;
    let first = frames.length;
    while (first > 0) {
      bytes += (frames[first - 1]?.length ?? 0) + 1;
      if (bytes > limits.historyBytes) break;
      first--;
    }
    return `${head}${frames.slice(first).join(",")}${tail}`;
  }
}

export function errorText(code: RefusalCode, message: string, id?: string | number): string {
  return JSON.stringify({ type: "error", ...(id === undefined ? {} : { id }), code, message });
}
