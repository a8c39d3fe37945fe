import type { WallMs } from "@tapedeck/protocol";
import type { PubSubProbe, RedisClock, RedisConnection } from "@tapedeck/runtime";
import type { PlaybackPlan } from "@tapedeck/sessions";
import { type Cut, DamagedBlock, render, renderStretch, type Seq } from "@tapedeck/tape";
import FlatQueue from "flatqueue";
import type { PlaybackCursor } from "./cursor.js";
import type { PublishMetrics } from "./metrics.js";
import type { PublishBatch } from "./publish-batch.js";
import { PublishPipeline } from "./publish-pipeline.js";

interface PublishSchedulerOptions {
  readonly publisher: RedisConnection;
  readonly clock: RedisClock;
  readonly probe: Pick<PubSubProbe, "receivedWithin">;
  readonly metrics: PublishMetrics;
  /** Without subscribers for this long, a session counts as unwatched. */
  readonly graceMs: number;
}

/** Timers fire on whole milliseconds, so a wake-up includes what is due within half of one. */
const alongMs = 0.5;
/**
 * Minimum time between two wake-ups: each costs as much as several messages here, in Redis and in the gateway, however little it
 * sends. At 8,000 messages a second 4 ms instead of 2 saved a fifth of a frame's cost, and made it 1.5 ms later.
 */
const spacingMs = 4;
/** The smallest difference of two times on the queue: milliseconds since 1970 are exact to 0.0003. */
const momentMs = 0.001;
const checkpointEveryMs = 2500;
/** A checkpoint that is nearly due is sent with a message, without a wake-up of its own. */
const checkpointEarlyMs = 500;
/** Messages of one session in one wake-up, so that a session that catches up does not delay the others. */
const messagesPerVisit = 64;
/**
 * Messages in one wake-up, so that a delayed ticker recovers: thousands at once, megabytes of text, cost three times as much each
 * as some hundred do, which would delay the next wake-up even more.
 */
const messagesPerWakeUp = 256;
/** A frame due longer ago than this is dropped; that triggers a failover. */
const behindMs = 10_000;
const revisitMs = 50;

/**
 * Renders all sessions of this ticker: one queue of due times, one timer, and one batch for each wake-up. Nothing here awaits;
 * what has to wait (claims, commands) is done by the session's lease runner, which then calls `follow`.
 */
export class PublishScheduler {
  readonly #clock: RedisClock;
  readonly #metrics: PublishMetrics;
  readonly #pipeline: PublishPipeline;
  readonly #queue = new FlatQueue<PlaybackCursor>();
  readonly #cursors = new Set<PlaybackCursor>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. Infinity: nothing is due. -Infinity: a wake-up is running and sets it when it ends. */
  #timerMs: WallMs = Number.POSITIVE_INFINITY;
  #wokeMs: WallMs = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor({ publisher, clock, probe, metrics, graceMs }: PublishSchedulerOptions) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#pipeline = new PublishPipeline({ publisher, probe, metrics, graceMs, onReady: (lost) => this.#resume(lost) });
  }

  add(cursor: PlaybackCursor): void {
    this.#cursors.add(cursor);
  }

  remove(cursor: PlaybackCursor): void {
    cursor.suspend();
    cursor.wakeMs = Number.POSITIVE_INFINITY;
    cursor.checkpointMs = Number.POSITIVE_INFINITY;
    this.#cursors.delete(cursor);
  }

  /** Stops rendering a session until `follow`. */
  suspend(cursor: PlaybackCursor): void {
    cursor.suspend();
    this.#schedule(cursor);
  }

  /** Renders a session by a new plan from now on. */
  follow(cursor: PlaybackCursor, plan: PlaybackPlan): void {
    if (!this.#cursors.has(cursor)) return;
    cursor.follow(plan);
    if (cursor.checkpointMs === Number.POSITIVE_INFINITY) {
      // Anywhere within the interval, so that a thousand sessions taken at once do not checkpoint at once.
      cursor.checkpointMs = this.#clock.now() + Math.random() * checkpointEveryMs;
    }
    this.#schedule(cursor);
  }

  /** The clock has jumped: schedules all sessions again. */
  reschedule(): void {
    const now = this.#clock.now();
    this.#wokeMs = Number.NEGATIVE_INFINITY;
    for (const cursor of this.#cursors) {
      cursor.checkpointMs = now + Math.random() * checkpointEveryMs;
      this.#schedule(cursor);
    }
    if (this.#pipeline.ready) this.#arm();
  }

  /** Resolves when Redis has replied to everything sent up to now, or the connection has broken. */
  drained(): Promise<void> {
    return this.#pipeline.drained();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const cursor of this.#cursors) this.remove(cursor);
  }

  /** @param after the next visit is later than this */
  #schedule(cursor: PlaybackCursor, after: WallMs = Number.NEGATIVE_INFINITY): void {
    let at = Math.min(cursor.dueMs, cursor.checkpointMs);
    if (at <= after) at = after + momentMs;
    if (at === cursor.wakeMs) return;
    cursor.wakeMs = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#queue.push(cursor, at);
    if (at < this.#timerMs) this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const at = this.#queue.peekValue();
    this.#timerMs = at ?? Number.POSITIVE_INFINITY;
    if (at === undefined || this.#stopped) return;
    const wait = Math.max(at, this.#wokeMs + spacingMs) - this.#clock.now();
    this.#timer = setTimeout(this.#wake, Math.max(1, wait));
  }

  // HOT: all of a ticker's rendering is done here. No promise, timer, closure or JSON per frame.
  readonly #wake = (): void => {
    this.#timerMs = Number.NEGATIVE_INFINITY;
    if (this.#stopped || !this.#pipeline.ready) return; // `#resume` is called
    const now = this.#clock.now();
    const monotonic = performance.now();
    const horizon = now + alongMs;
    const batch = this.#pipeline.batch();
    this.#wokeMs = now;

    for (let at = this.#queue.peekValue(); at !== undefined && at <= horizon; at = this.#queue.peekValue()) {
      if (batch.messages >= messagesPerWakeUp) break;
      const cursor = this.#queue.pop();
      if (cursor === undefined || cursor.wakeMs !== at) continue; // it was rescheduled or removed
      cursor.wakeMs = Number.POSITIVE_INFINITY;
      if (monotonic >= cursor.lease.heldUntil) {
        this.#revisitLater(cursor, now); // another worker may have the lock by now
        continue;
      }
      if (cursor.dueMs <= horizon) this.#render(cursor, now, horizon, batch);
      if (cursor.checkpointMs <= now + checkpointEarlyMs) {
        cursor.checkpointMs = now + checkpointEveryMs;
        if (cursor.plan !== undefined) batch.checkpoint(cursor);
      }
      this.#schedule(cursor, horizon);
    }
    if (batch.size > 0) this.#pipeline.send(batch);
    this.#arm();
  };

  // HOT
  #render(cursor: PlaybackCursor, now: WallMs, horizon: WallMs, batch: PublishBatch): void {
    const { plan } = cursor;
    if (plan === undefined) return;
    if (cursor.dueMs === Number.NEGATIVE_INFINITY && !this.#advance(cursor, plan)) return;
    let room = Math.min(messagesPerVisit, messagesPerWakeUp - batch.messages);
    for (; cursor.dueMs <= horizon; room--) {
      const cut = cursor.next;
      if (cut === undefined) {
        this.#end(cursor);
        return;
      }
      if (room === 0) return; // goes on in the next wake-up
      if (now - cursor.dueMs > behindMs || isTrimmed(cursor, plan)) {
        this.#reportBehind(cursor);
        return;
      }
      const json = cursor.renderedJson ?? renderStretch(plan.tape, cursor.sentSeq, cut.seq);
      if (typeof json !== "string") {
        this.#renderAsync(cursor, plan, cut);
        return;
      }
      batch.message(cursor, cut.seq, json);
      this.#metrics.message(now - cursor.dueMs, cut.seq - cursor.sentSeq);
      cursor.renderedJson = undefined;
      cursor.sentSeq = cut.seq;
      if (!this.#advance(cursor, plan)) return;
    }
  }

  // HOT: false if it has to wait for a block.
  #advance(cursor: PlaybackCursor, plan: PlaybackPlan): boolean {
    if (isTrimmed(cursor, plan)) {
      this.#reportBehind(cursor);
      return false;
    }
    const missing = cursor.advance(plan);
    if (missing !== undefined) {
      this.#fetch(cursor, plan, missing.seqToLoad);
      return false;
    }
    const { next } = cursor;
    if (next !== undefined && next.seq >= cursor.prefetchFrom) prefetch(cursor, plan, next.seq);
    return true;
  }

  /** Loads a block that the next cut depends on. */
  #fetch(cursor: PlaybackCursor, plan: PlaybackPlan, seq: Seq): void {
    this.#wait(cursor, plan.tape.load(seq), () => cursor.findNext());
  }

  /** Renders a message whose blocks are not all in memory, and may not fit there at the same time. */
  #renderAsync(cursor: PlaybackCursor, plan: PlaybackPlan, cut: Cut): void {
    const { dueMs } = cursor;
    this.#wait(cursor, render(plan.tape, cursor.sentSeq, cut.seq), (json) => {
      cursor.renderedJson = json;
      cursor.dueMs = dueMs;
    });
  }

  #wait<T>(cursor: PlaybackCursor, work: Promise<T>, then: (result: T) => void): void {
    const since = performance.now();
    cursor.dueMs = Number.POSITIVE_INFINITY;
    cursor.waiting = work;
    work.then(
      (result) => {
        this.#metrics.blockWait(performance.now() - since);
        if (cursor.waiting !== work) return; // a change has replaced it
        cursor.waiting = undefined;
        then(result);
        this.#schedule(cursor);
      },
      (error: unknown) => {
        if (cursor.waiting !== work) return;
        if (!(error instanceof DamagedBlock)) {
          cursor.events.unreadable(error);
          return;
        }
        cursor.events.damaged(error);
        cursor.skipDamaged(error);
        this.#schedule(cursor);
      },
    );
  }

  #reportBehind(cursor: PlaybackCursor): void {
    cursor.dueMs = Number.POSITIVE_INFINITY;
    cursor.events.behind();
  }

  #end(cursor: PlaybackCursor): void {
    cursor.dueMs = Number.POSITIVE_INFINITY;
    if (cursor.publishedSeq === cursor.sentSeq) cursor.events.ended();
    else cursor.waiting = "confirmation";
  }

  #revisitLater(cursor: PlaybackCursor, now: WallMs): void {
    cursor.wakeMs = now + revisitMs;
    this.#queue.push(cursor, cursor.wakeMs);
  }

  /** Redis replies again. If it was away, sessions are read again before anything is published, since it may have lost them. */
  #resume(lost: boolean): void {
    if (lost) {
      for (const cursor of this.#cursors) {
        this.suspend(cursor);
        cursor.events.changed();
      }
    }
    this.#arm();
  }
}

/** HOT: whether retention has removed the next frame; it may trim the beginning of a growing tape at any time. */
function isTrimmed({ sentSeq }: PlaybackCursor, { tape }: PlaybackPlan): boolean {
  return sentSeq + 1 < tape.span.firstSeq;
}

/** How many frames at 1x before a part of a block ends the rest is loaded. */
const framesOfNotice = 2;

/** Loads the block after that of a frame, once per block. */
function prefetch(cursor: PlaybackCursor, plan: PlaybackPlan, seq: Seq): void {
  const { tape, last } = plan;
  const block = tape.block(seq);
  if (block === undefined) return;
  const isPart = block.lastSeq < Math.min(last, tape.index.lastSeq(tape.index.blockOf(seq)));
  // What follows on a part of a block is made anew for each order that comes until then.
  const from = block.lastSeq - Math.ceil(framesOfNotice * plan.record.speed);
  cursor.prefetchFrom = isPart && seq < from ? from : block.lastSeq + 1;
  if (cursor.prefetchFrom === from) return;
  if (block.lastSeq >= Math.min(last, tape.span.lastSeq) || tape.block(block.lastSeq + 1) !== undefined) return;
  tape.load(block.lastSeq + 1).catch(() => {}); // the cursor that needs it loads it again, and gets the error
}
