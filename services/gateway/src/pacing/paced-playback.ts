import type { CloseCode, WallMs } from "@tapedeck/protocol";
import type { Logger } from "@tapedeck/runtime";
import {
  boundAt,
  isPaced,
  lastPlayable,
  nextDueMs,
  type PacedPlace,
  type PlaybackPlan,
  planPlayback,
  type ReaderReport,
  reachOf,
  type SessionRecord,
  type SessionStore,
  type SystemCommand,
  willGrow,
} from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";
import type { PlaybackSegment } from "../subscription/playback-segment.js";
import { ackedIn, type Reader } from "./reader.js";

/** What paced playback needs of its subscription. */
export interface PacedSession {
  readonly id: string;
  readonly ended: boolean;
  readonly opened: boolean;
  readonly record: SessionRecord;
  readonly segment: PlaybackSegment | Promise<PlaybackSegment>;
  /** The last frame that clients may get. */
  readonly lastSeq: Seq;
  /** The playhead of this revision was moved. */
  playheadMoved(record: Pick<SessionRecord, "epoch" | "rev">, place: PacedPlace): void;
  reread(): Promise<void>;
  perform(command: SystemCommand): Promise<unknown>;
}

export interface PacingContext {
  readonly store: Pick<SessionStore, "advance">;
  readonly node: string;
  /** The cluster's clock. */
  readonly now: () => WallMs;
  /** A reader that has frames and acknowledges none for this long is closed, in ms. */
  readonly stallMs: number;
  readonly log: Logger;
}

/** Readers are reported so often at least: Redis forgets one that nobody reports. */
const renewMs = 2_500;
const retryMs = 200;
/** A command holds the playhead for some milliseconds. */
const heldRetryMs = 5;
const growthMs = 50;

/**
 * The readers that one session has on this node. What they acknowledge is reported to Redis, one report at a time, which moves the playhead as
 * far as the slowest reader of all nodes allows. While a report is under way further acknowledgements wait for the next one: the faster they
 * come, the more of them share a round trip.
 */
export class PacedPlayback {
  readonly #session: PacedSession;
  readonly #context: PacingContext;
  readonly #readers = new Map<Reader, { epoch: number; acked: Seq; idleSince: number }>();
  readonly #left = new Set<string>();
  #plan: PlaybackPlan | undefined;
  #due = false;
  #reporting = false;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(session: PacedSession, context: PacingContext) {
    this.#session = session;
    this.#context = context;
  }

  get size(): number {
    return this.#readers.size;
  }

  /** A socket acknowledges frames from now on; it is done with those up to `acked`. */
  add(name: string, acked: Seq, close: (code: CloseCode, reason: string) => void): Reader {
    const state = { epoch: this.#session.record.epoch, acked, idleSince: performance.now() };
    const reader: Reader = {
      name,
      get epoch() {
        return state.epoch;
      },
      get acked() {
        return state.acked;
      },
      get idleSince() {
        return state.idleSince;
      },
      close,
    };
    this.#readers.set(reader, state);
    this.#left.delete(name);
    this.#report();
    return reader;
  }

  /**
   * The client is done with all frames of an epoch up to this one.
   *
   * @returns whether that is news; an acknowledgement of an earlier epoch, or once more, is none. "ahead": the frame has not been sent
   */
  ack(reader: Reader, epoch: number, seq: Seq): boolean | "ahead" {
    const { record, lastSeq } = this.#session;
    const state = this.#readers.get(reader);
    if (state === undefined || epoch < record.epoch) return false;
    if (epoch > record.epoch || seq > lastSeq) return "ahead";
    if (seq <= ackedIn(record, reader)) return false;
    state.epoch = epoch;
    state.acked = seq;
    state.idleSince = performance.now();
    this.#report();
    return true;
  }

  /** @param forGood whether it does not come back: otherwise its place is kept for some seconds */
  remove(reader: Reader, forGood: boolean): void {
    if (!this.#readers.delete(reader)) return;
    if (forGood && ![...this.#readers.keys()].some(({ name }) => name === reader.name)) this.#left.add(reader.name);
    this.#report();
  }

  /** The session has changed, or its playhead was moved by another node: a bound's clock has another next frame. */
  changed(): void {
    if (this.#readers.size > 0) this.#report();
  }

  /** Called regularly: closes readers that have stalled, and renews the others' places. */
  check(now: number): void {
    if (this.#readers.size === 0 || !this.#session.opened) return;
    const { record, lastSeq } = this.#session;
    for (const [reader, state] of [...this.#readers]) {
      if (record.lossless === null || ackedIn(record, reader) >= lastSeq) {
        state.idleSince = now;
      } else if (now - state.idleSince > this.#context.stallMs) {
        this.remove(reader, true);
        reader.close(4408, `no frame acknowledged for ${this.#context.stallMs / 1000} s`);
      }
    }
    if (now - this.#reportedAt > renewMs) this.#report();
  }

  /** The last socket here has closed; a report of readers that left may still be under way. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #report(): void {
    this.#due = true;
    if (!this.#reporting) void this.#run();
  }

  async #run(): Promise<void> {
    this.#reporting = true;
    try {
      while (this.#due && !this.#session.ended) {
        this.#due = false;
        clearTimeout(this.#timer);
        await this.#advance();
      }
    } catch (error) {
      this.#context.log.debug({ err: error, session: this.#session.id }, "readers not reported; trying again");
      this.#reportAfter(retryMs);
    } finally {
      this.#reporting = false;
    }
  }

  async #advance(): Promise<void> {
    const { record } = this.#session;
    const leaves = this.#left.size > 0;
    if (record.lossless === null && !leaves) return;
    const plan = await this.#planOf(record);
    if (plan === undefined) return;
    const left = [...this.#left];
    const readers: ReaderReport[] = left.map((name) => ({ name, left: true }));
    for (const reader of this.#readers.keys()) {
      const acked = ackedIn(record, reader);
      readers.push({ name: reader.name, epoch: record.epoch, acked, reach: await reachOf(acked, plan) });
    }
    const standing = { seq: record.anchorSeq, ns: record.anchorNs };
    const bound = isPaced(record) ? await boundAt(plan, this.#context.now()) : standing;
    const reply = await this.#context.store.advance({ record, node: this.#context.node, readers, bound });
    this.#reportedAt = performance.now();
    for (const name of left) this.#left.delete(name);
    switch (reply.outcome) {
      case "gone":
        return;
      case "changed":
        // Its state is on its way, unless it was lost.
        if (!this.#due) this.#reportAfter(retryMs);
        return;
      case "held":
        this.#reportAfter(heldRetryMs);
        return;
      case "moved":
      case "same":
        this.#session.playheadMoved(record, reply.place);
        if (isPaced(record) && this.#readers.size > 0) await this.#afterwards(plan, reply.place.seq, reply.acked);
    }
  }

  /** At the end all readers have to be done; before it, a bound's clock says when to go on. */
  async #afterwards(plan: PlaybackPlan, at: Seq, acked: Seq): Promise<void> {
    const { record, tape } = plan;
    if (at >= lastPlayable(plan)) {
      if (willGrow(record, tape) || plan.last > tape.span.lastSeq) this.#reportAfter(growthMs);
      else if (acked >= at) await this.#session.perform({ type: record.loop ? "wrap" : "end" });
    } else if (record.lossless?.bounded) {
      const moved = await this.#planOf(this.#session.record);
      const due = moved && (await nextDueMs(moved, at));
      if (due !== undefined) this.#reportAfter(Math.max(1, due - this.#context.now()));
    }
  }

  /** The plan with the playhead where this node knows it. */
  async #planOf(record: SessionRecord): Promise<PlaybackPlan | undefined> {
    const { tape } = await this.#session.segment;
    if (tape === undefined) return undefined;
    const plan = this.#plan;
    const { pace, last, endNs } =
      plan?.record.rev === record.rev && plan.tape === tape ? plan : await planPlayback(record, tape);
    this.#plan = { record, tape, pace: { ...pace, anchorNs: record.anchorNs }, last, endNs };
    return this.#plan;
  }

  #reportAfter(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => this.#report(), ms);
  }
}
