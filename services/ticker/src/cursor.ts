import type { TapeNs, WallMs } from "@tapedeck/protocol";
import { publishHead, type Span } from "@tapedeck/runtime";
import type { PlaybackPlan, SessionRecord } from "@tapedeck/sessions";
import { type CacheMiss, type Cut, type DamagedBlock, nextCut, type Seq } from "@tapedeck/tape";
import type { SessionLease } from "./lease.js";

/** Events of a session's playback, for its lease runner. None occurs for each frame. */
export interface PlaybackEvents {
  /** The playhead is at the end of what is played, and every frame before it is published. */
  ended(): void;
  /** The session in Redis has another revision than the one rendered here. */
  changed(): void;
  /** The session was deleted or has expired. */
  gone(): void;
  /** No gateway has been subscribed for the whole grace time. */
  unwatched(): void;
  /** The next frame was due so long ago that sending all since would be a burst; or retention has removed it. */
  behind(): void;
  /** The tape cannot be read at the moment; rendering waits until it can. */
  unreadable(error: unknown): void;
  /** A block is damaged: its frames are skipped, and rendering goes on after them. */
  damaged(error: DamagedBlock): void;
}

/**
 * A session's position on its tape while this ticker renders it, and its next message. Messages form a chain: each stands for the
 * frames after the previous one.
 */
export class PlaybackCursor {
  readonly lease: SessionLease;
  readonly events: PlaybackEvents;
  readonly channel: string;
  /** The beginning of each PUBLISH. */
  readonly publishHead: string;
  readonly key: string;

  rev = 0;
  epoch = 0;
  /** Undefined while nothing is rendered: before the claim, and between a change and its plan. */
  plan: PlaybackPlan | undefined;

  /** The last frame sent to Redis, and the last one that Redis has confirmed as published. */
  sentSeq: Seq = -1;
  publishedSeq: Seq = -1;
  /** Grows at each restart of the chain, so that replies to messages of an earlier one are ignored. */
  generation = 0;

  /** The next message; undefined at the end of the plan, or while a block is loading. */
  next: Cut | undefined;
  /** When `next` is due, or the end if there is no next; Infinity while waiting for anything else than time. */
  dueMs: WallMs = Number.POSITIVE_INFINITY;
  /** The JSON of `next`, if it was rendered asynchronously. */
  renderedJson: string | undefined;
  /** What the cursor waits for; replacing it cancels the previous wait. */
  waiting: Promise<unknown> | "confirmation" | undefined;
  checkpointMs: WallMs = Number.POSITIVE_INFINITY;
  /** When the scheduler visits it next; queue entries with another time are obsolete. */
  wakeMs: WallMs = Number.POSITIVE_INFINITY;

  /** With tracing: ends with the first message that Redis publishes of this plan. */
  span: Span | undefined;

  /** When publishes began to reach no subscriber, without interruption since. */
  unwatchedSince: number | undefined;
  /** From this frame on the next block is prefetched. */
  prefetchFrom: Seq = 0;

  /** Damaged frames, to skip when the chain comes to them. */
  #damaged: { readonly firstSeq: Seq; readonly lastSeq: Seq } | undefined;
  /** The message before skipped frames: when it is confirmed, so are they. */
  skipFrom: Seq = -2;
  skipTo: Seq = -2;

  /** The record that was rendered before `suspend`. */
  #suspended: SessionRecord | undefined;
  #playingAnchor = 0;
  /** Wall milliseconds for a nanosecond of playing. */
  #wallPerNs = 0;

  constructor(lease: SessionLease, keys: { key: string; channel: string }, events: PlaybackEvents) {
    this.lease = lease;
    this.key = keys.key;
    this.channel = keys.channel;
    this.publishHead = publishHead(keys.channel);
    this.events = events;
  }

  /** Plays by a new plan. The chain restarts if the record moved the playhead; otherwise it goes on. */
  follow(plan: PlaybackPlan): void {
    const { record, pace } = plan;
    const before = this.plan?.record ?? this.#suspended;
    const moved = before?.epoch !== record.epoch || before.anchorWallMs !== record.anchorWallMs;
    this.#suspended = undefined;
    this.plan = plan;
    this.rev = record.rev;
    this.epoch = record.epoch;
    this.#playingAnchor = pace.timeline.playingOf(pace.anchorNs);
    this.#wallPerNs = 1e-6 / pace.speed;
    this.startFrom(moved ? record.publishedSeq : Math.max(this.publishedSeq, record.publishedSeq));
  }

  /** Stops rendering until `follow`, since a change has made the plan obsolete. */
  suspend(): void {
    this.#suspended = this.plan?.record ?? this.#suspended;
    this.plan = undefined;
    this.next = undefined;
    this.renderedJson = undefined;
    this.waiting = undefined;
    this.dueMs = Number.POSITIVE_INFINITY;
  }

  /** Restarts the chain after a frame. */
  startFrom(seq: Seq): void {
    this.generation++;
    this.sentSeq = seq;
    this.publishedSeq = seq;
    this.prefetchFrom = seq;
    this.skipFrom = -2;
    this.#damaged = undefined;
    this.findNext();
  }

  /** Skips the frames of a damaged block; those before it are still published. */
  skipDamaged(block: { readonly firstSeq: Seq; readonly lastSeq: Seq }): void {
    this.#damaged = block;
    this.findNext();
  }

  #skip(block: { readonly lastSeq: Seq }, last: Seq): void {
    const to = Math.min(block.lastSeq, last);
    if (this.publishedSeq === this.sentSeq) this.publishedSeq = to;
    else [this.skipFrom, this.skipTo] = [this.sentSeq, to];
    this.sentSeq = to;
    this.prefetchFrom = to;
    this.#damaged = undefined;
  }

  /** Lets the scheduler's next visit find the next message. */
  findNext(): void {
    this.waiting = undefined;
    this.next = undefined;
    this.renderedJson = undefined;
    this.dueMs = Number.NEGATIVE_INFINITY;
  }

  /** HOT: finds the message after the last one sent, and its time. Returns the frame whose block is not in memory. */
  advance(plan: PlaybackPlan): CacheMiss | undefined {
    const damaged = this.#damaged;
    const last = damaged === undefined ? plan.last : Math.min(damaged.firstSeq - 1, plan.last);
    const cut = nextCut(plan.tape, plan.pace, this.sentSeq, last);
    if (cut === undefined && damaged !== undefined) {
      this.#skip(damaged, plan.last);
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
