import type { TapeNs, WallMs } from "@tapedeck/protocol";
import type { Span } from "@tapedeck/runtime";
import type { SessionRecord } from "@tapedeck/sessions";
import { type Cut, type DamagedBlock, type Missing, nextCut, type Pace, type Seq, type Tape } from "@tapedeck/tape";
import type { SessionLease } from "./lease.js";

/** What a renderer finds out about a session and leaves to others. Never called for each frame. */
export interface RenderingEvents {
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
export interface Course {
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
export class Rendering {
  readonly lease: SessionLease;
  readonly events: RenderingEvents;
  readonly channel: string;
  readonly key: string;

  rev = 0;
  epoch = 0;
  /** Undefined while there is nothing to render: before the claim, and between a change and what follows from it. */
  course: Course | undefined;

  /** Last frame handed to Redis, and last one that Redis is known to have published. */
  sent: Seq = -1;
  confirmed: Seq = -1;
  /** Raised at each new start of the chain, so that answers to messages of an earlier one are told apart. */
  chain = 0;

  /** The next message; undefined at the end of the course, or while a block is on its way. */
  next: Cut | undefined;
  /** When `next` is due, or the end if there is no next; Infinity while waiting for something else than time. */
  dueMs: WallMs = Number.POSITIVE_INFINITY;
  /** The JSON of `next`, where it had to be rendered apart. */
  rendered: string | undefined;
  /** What is waited for. A wait that has been replaced by another one is over. */
  waiting: Promise<unknown> | "confirmation" | undefined;
  checkpointMs: WallMs = Number.POSITIVE_INFINITY;
  /** When the renderer comes by next; entries of its queue that say otherwise are old. */
  wakeMs: WallMs = Number.POSITIVE_INFINITY;

  /** Ends with the first message that Redis publishes of this course, where the command that led to it is traced. */
  span: Span | undefined;

  /** First of an unbroken run of publishes that reached nobody. */
  unheardSince: number | undefined;
  /** Frame from which on the block after it is fetched ahead. */
  fetchFrom: Seq = 0;

  /** Frames that are to be left out when the chain comes to them. */
  #hole: { readonly firstSeq: Seq; readonly lastSeq: Seq } | undefined;
  /** The message before frames that were left out: when it is confirmed, so are they. */
  leapFrom: Seq = -2;
  leapTo: Seq = -2;

  /** What was rendered before `hold`. */
  #held: SessionRecord | undefined;
  #playingAnchor = 0;
  /** Wall milliseconds for a nanosecond of playing. */
  #wallPerNs = 0;

  constructor(lease: SessionLease, keys: { key: string; channel: string }, events: RenderingEvents) {
    this.lease = lease;
    this.key = keys.key;
    this.channel = keys.channel;
    this.events = events;
  }

  /** Follows a new record from now on. The chain starts anew where the record moved the deck; otherwise it goes on. */
  follow(course: Course): void {
    const { record, pace } = course;
    const before = this.course?.record ?? this.#held;
    const moved = before?.epoch !== record.epoch || before.anchorWallMs !== record.anchorWallMs;
    this.#held = undefined;
    this.course = course;
    this.rev = record.rev;
    this.epoch = record.epoch;
    this.#playingAnchor = pace.timeline.playingOf(pace.anchorNs);
    this.#wallPerNs = 1e-6 / pace.speed;
    this.startFrom(moved ? record.publishedSeq : Math.max(this.confirmed, record.publishedSeq));
  }

  /** Renders no more until `follow`: what is rendered here has been overtaken by a change. */
  hold(): void {
    this.#held = this.course?.record ?? this.#held;
    this.course = undefined;
    this.next = undefined;
    this.rendered = undefined;
    this.waiting = undefined;
    this.dueMs = Number.POSITIVE_INFINITY;
  }

  /** Starts the chain behind a frame. */
  startFrom(seq: Seq): void {
    this.chain++;
    this.sent = seq;
    this.confirmed = seq;
    this.fetchFrom = seq;
    this.leapFrom = -2;
    this.#hole = undefined;
    this.lookForNext();
  }

  /** Has a damaged block's frames left out; those before it are still shown. */
  leaveOut(hole: { readonly firstSeq: Seq; readonly lastSeq: Seq }): void {
    this.#hole = hole;
    this.lookForNext();
  }

  #leap(hole: { readonly lastSeq: Seq }, last: Seq): void {
    const to = Math.min(hole.lastSeq, last);
    if (this.confirmed === this.sent) this.confirmed = to;
    else [this.leapFrom, this.leapTo] = [this.sent, to];
    this.sent = to;
    this.fetchFrom = to;
    this.#hole = undefined;
  }

  /** Has the renderer's next visit find out what comes next. */
  lookForNext(): void {
    this.waiting = undefined;
    this.next = undefined;
    this.rendered = undefined;
    this.dueMs = Number.NEGATIVE_INFINITY;
  }

  /** HOT: finds the message after the last one sent, and its time. Answers with the frame whose block is not in memory. */
  advance(course: Course): Missing | undefined {
    const hole = this.#hole;
    const last = hole === undefined ? course.last : Math.min(hole.firstSeq - 1, course.last);
    const cut = nextCut(course.tape, course.pace, this.sent, last);
    if (cut === undefined && hole !== undefined) {
      this.#leap(hole, course.last);
      return this.advance(course);
    }
    if (cut !== undefined && "missing" in cut) return cut;
    this.next = cut;
    this.dueMs = this.#timeOf(course, cut === undefined ? Math.min(course.endNs, course.tape.span.lastNs) : cut.ns);
    return undefined;
  }

  #timeOf(course: Course, ns: TapeNs): WallMs {
    const playing = course.pace.timeline.playingOf(ns) - this.#playingAnchor;
    return course.record.anchorWallMs + playing * this.#wallPerNs;
  }
}
