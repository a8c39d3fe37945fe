import type { TapeNs, WallMs } from "@tapedeck/protocol";
import type { Span } from "@tapedeck/runtime";
import type { SessionRecord } from "@tapedeck/sessions";
import { type CacheMiss, type Cut, type DamagedBlock, nextCut, type Pace, type Seq, type Tape } from "@tapedeck/tape";
import type { SessionLease } from "./lease.js";

/** What a renderer finds out about a session and leaves to others. Never called for each frame. */
export interface PlaybackEvents {
  /** The playhead is at the end of what is to be played, and every frame before it is published. */
  ended(): void;
  /** The session's revision in Redis is not the one that is rendered here. */
  changed(): void;
  /** No key, no session. */
  gone(): void;
  /** For the whole grace time nobody has listened. */
  unwatched(): void;
  /** The next frame was due so long ago that sending all since would be a burst, not a replay; or it is not there any more. */
  behind(): void;
  /** The tape cannot be read at the moment; rendering stands still until it can. */
  unreadable(error: unknown): void;
  /** A block is not what was written: its frames are left out, and rendering goes on behind them. */
  damaged(error: DamagedBlock): void;
}

/** The stretch of tape to be played and how: what follows from a session's record and its tape. */
export interface PlaybackPlan {
  readonly record: SessionRecord;
  readonly tape: Tape;
  readonly pace: Pace;
  /** Last frame to be played, and the tape time at which playing ends; Infinity: as far as a growing tape goes. */
  readonly last: Seq;
  readonly endNs: TapeNs;
}

/**
 * One session while this ticker renders it: where it is on its tape and what comes next. Frames go out as a chain, each
 * message standing for the frames after the one before it.
 */
export class PlaybackCursor {
  readonly lease: SessionLease;
  readonly events: PlaybackEvents;
  readonly channel: string;
  readonly key: string;

  rev = 0;
  epoch = 0;
  /** Undefined while there is nothing to render: before the claim, and between a change and what follows from it. */
  plan: PlaybackPlan | undefined;

  /** Last frame handed to Redis, and last one that Redis is known to have published. */
  sentSeq: Seq = -1;
  publishedSeq: Seq = -1;
  /** Raised at each new start of the chain, so that answers to messages of an earlier one are told apart. */
  generation = 0;

  /** The next message; undefined at the end of the course, or while a block is on its way. */
  next: Cut | undefined;
  /** When `next` is due, or the end if there is no next; Infinity while waiting for something else than time. */
  dueMs: WallMs = Number.POSITIVE_INFINITY;
  /** The JSON of `next`, where it had to be rendered apart. */
  renderedJson: string | undefined;
  /** What is waited for. A wait that has been replaced by another one is over. */
  waiting: Promise<unknown> | "confirmation" | undefined;
  checkpointMs: WallMs = Number.POSITIVE_INFINITY;
  /** When the renderer comes by next; entries of its queue that say otherwise are old. */
  wakeMs: WallMs = Number.POSITIVE_INFINITY;

  /** Ends with the first message that Redis publishes of this course, where the command that led to it is traced. */
  span: Span | undefined;

  /** First of an unbroken run of publishes that reached nobody. */
  unwatchedSince: number | undefined;
  /** Frame from which on the block after it is fetched ahead. */
  prefetchFrom: Seq = 0;

  /** Frames that are to be left out when the chain comes to them. */
  #hole: { readonly firstSeq: Seq; readonly lastSeq: Seq } | undefined;
  /** The message before frames that were left out: when it is confirmed, so are they. */
  skipFrom: Seq = -2;
  skipTo: Seq = -2;

  /** What was rendered before `hold`. */
  #held: SessionRecord | undefined;
  #playingAnchor = 0;
  /** Wall milliseconds for a nanosecond of playing. */
  #wallPerNs = 0;

  constructor(lease: SessionLease, keys: { key: string; channel: string }, events: PlaybackEvents) {
    this.lease = lease;
    this.key = keys.key;
    this.channel = keys.channel;
    this.events = events;
  }

  /** Follows a new record from now on. The chain starts anew where the record moved the deck; otherwise it goes on. */
  follow(plan: PlaybackPlan): void {
    const { record, pace } = plan;
    const before = this.plan?.record ?? this.#held;
    const moved = before?.epoch !== record.epoch || before.anchorWallMs !== record.anchorWallMs;
    this.#held = undefined;
    this.plan = plan;
    this.rev = record.rev;
    this.epoch = record.epoch;
    this.#playingAnchor = pace.timeline.playingOf(pace.anchorNs);
    this.#wallPerNs = 1e-6 / pace.speed;
    this.startFrom(moved ? record.publishedSeq : Math.max(this.publishedSeq, record.publishedSeq));
  }

  /** Renders no more until `follow`: what is rendered here has been overtaken by a change. */
  suspend(): void {
    this.#held = this.plan?.record ?? this.#held;
    this.plan = undefined;
    this.next = undefined;
    this.renderedJson = undefined;
    this.waiting = undefined;
    this.dueMs = Number.POSITIVE_INFINITY;
  }

  /** Starts the chain behind a frame. */
  startFrom(seq: Seq): void {
    this.generation++;
    this.sentSeq = seq;
    this.publishedSeq = seq;
    this.prefetchFrom = seq;
    this.skipFrom = -2;
    this.#hole = undefined;
    this.findNext();
  }

  /** Has a damaged block's frames left out; those before it are still shown. */
  skipDamaged(hole: { readonly firstSeq: Seq; readonly lastSeq: Seq }): void {
    this.#hole = hole;
    this.findNext();
  }

  #leap(hole: { readonly lastSeq: Seq }, last: Seq): void {
    const to = Math.min(hole.lastSeq, last);
    if (this.publishedSeq === this.sentSeq) this.publishedSeq = to;
    else [this.skipFrom, this.skipTo] = [this.sentSeq, to];
    this.sentSeq = to;
    this.prefetchFrom = to;
    this.#hole = undefined;
  }

  /** Has the renderer's next visit find out what comes next. */
  findNext(): void {
    this.waiting = undefined;
    this.next = undefined;
    this.renderedJson = undefined;
    this.dueMs = Number.NEGATIVE_INFINITY;
  }

  /** HOT: finds the message after the last one sent, and its time. Answers with the frame whose block is not in memory. */
  advance(plan: PlaybackPlan): CacheMiss | undefined {
    const hole = this.#hole;
    const last = hole === undefined ? plan.last : Math.min(hole.firstSeq - 1, plan.last);
    const cut = nextCut(plan.tape, plan.pace, this.sentSeq, last);
    if (cut === undefined && hole !== undefined) {
      this.#leap(hole, plan.last);
      return this.advance(plan);
    }
    if (cut !== undefined && "seqToLoad" in cut) return cut;
    this.next = cut;
    this.dueMs = this.#timeOf(plan, cut === undefined ? Math.min(plan.endNs, plan.tape.span.lastNs) : cut.ns);
    return undefined;
  }

  #timeOf(plan: PlaybackPlan, ns: TapeNs): WallMs {
    const playing = plan.pace.timeline.playingOf(ns) - this.#playingAnchor;
    return plan.record.anchorWallMs + playing * this.#wallPerNs;
  }
}
