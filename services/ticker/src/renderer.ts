import type { WallMs } from "@tapedeck/protocol";
import type { Probe, RedisClock, RedisConnection } from "@tapedeck/runtime";
import { type Cut, DamagedBlock, render, renderStretch, type Seq } from "@tapedeck/tape";
import FlatQueue from "flatqueue";
import type { Batch } from "./batch.js";
import type { RendererMetrics } from "./metrics.js";
import type { Course, Rendering } from "./rendering.js";
import { Sender } from "./sender.js";

export interface RendererOptions {
  readonly publisher: RedisConnection;
  readonly clock: RedisClock;
  readonly probe: Pick<Probe, "heardWithin">;
  readonly metrics: RendererMetrics;
  /** Silence after which a session counts as unwatched. */
  readonly graceMs: number;
}

/** Timers fire on whole milliseconds, so what is due within half of one goes along. */
const alongMs = 0.5;
/**
 * Least time between two wake-ups: each costs as much as several messages here, in Redis and in the gateway, whatever it
 * brings. At 8,000 messages a second 4 ms instead of 2 saved a fifth of a frame's cost, and made it 1.5 ms later.
 */
const spacingMs = 4;
/** The least difference of two times on the queue: today's milliseconds are exact to 0.0003. */
const momentMs = 0.001;
const checkpointEveryMs = 1000;
/** A checkpoint that is nearly due goes along with a message instead of waking the renderer for itself. */
const checkpointEarlyMs = 250;
/** Messages of one session in one wake-up, so that one that catches up does not make the others late. */
const messagesPerVisit = 64;
/**
 * Messages in one wake-up, so that a ticker that was held up comes back: thousands at once, megabytes of text, cost three times as
 * much each as some hundred do, and the next wake-up has the more to do.
 */
const messagesPerWakeUp = 256;
/** A frame due longer ago than this is not sent on the quiet. */
const behindMs = 10_000;
const lookAgainMs = 50;

/**
 * Renders all sessions of this ticker: one queue of due times, one timer, and one batch for each wake-up. Nothing here waits
 * for anything; what has to wait (claims, loading, commands) is done by the session's run and comes back as `follow`.
 */
export class Renderer {
  readonly #clock: RedisClock;
  readonly #metrics: RendererMetrics;
  readonly #sender: Sender;
  readonly #queue = new FlatQueue<Rendering>();
  readonly #all = new Set<Rendering>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. Infinity: there is nothing to wake for. -Infinity: whoever is at work sets it when done. */
  #timerMs: WallMs = Number.POSITIVE_INFINITY;
  #wokeMs: WallMs = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor({ publisher, clock, probe, metrics, graceMs }: RendererOptions) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#sender = new Sender({ publisher, probe, metrics, graceMs, usable: (lost) => this.#resume(lost) });
  }

  add(rendering: Rendering): void {
    this.#all.add(rendering);
  }

  remove(rendering: Rendering): void {
    rendering.hold();
    rendering.wakeMs = Number.POSITIVE_INFINITY;
    rendering.checkpointMs = Number.POSITIVE_INFINITY;
    this.#all.delete(rendering);
  }

  /** Renders no more of a session until `follow`. */
  hold(rendering: Rendering): void {
    rendering.hold();
    this.#schedule(rendering);
  }

  /** Renders a session as its record says from now on. */
  follow(rendering: Rendering, course: Course): void {
    if (!this.#all.has(rendering)) return;
    rendering.follow(course);
    if (rendering.checkpointMs === Number.POSITIVE_INFINITY) {
      // Anywhere within the second, so that a thousand sessions taken at once do not checkpoint at once.
      rendering.checkpointMs = this.#clock.now() + Math.random() * checkpointEveryMs;
    }
    this.#schedule(rendering);
  }

  /** Times on the queue are of a clock that has jumped: looks at everyone again. */
  reschedule(): void {
    const now = this.#clock.now();
    this.#wokeMs = Number.NEGATIVE_INFINITY;
    for (const rendering of this.#all) {
      rendering.checkpointMs = now + Math.random() * checkpointEveryMs;
      this.#schedule(rendering);
    }
    if (this.#sender.ready) this.#arm();
  }

  /** Resolves when Redis has answered all that was sent up to now, well or ill. */
  settle(): Promise<void> {
    return this.#sender.settle();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const rendering of this.#all) this.remove(rendering);
  }

  /** @param after time before which it need not come by again */
  #schedule(rendering: Rendering, after: WallMs = Number.NEGATIVE_INFINITY): void {
    let at = Math.min(rendering.dueMs, rendering.checkpointMs);
    if (at <= after) at = after + momentMs;
    if (at === rendering.wakeMs) return;
    rendering.wakeMs = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#queue.push(rendering, at);
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

  // HOT: the whole work of a ticker is done here. No promise, timer, closure or JSON per frame.
  readonly #wake = (): void => {
    this.#timerMs = Number.NEGATIVE_INFINITY;
    if (this.#stopped || !this.#sender.ready) return; // `#resume` is called
    const now = this.#clock.now();
    const monotonic = performance.now();
    const horizon = now + alongMs;
    const batch = this.#sender.batch();
    this.#wokeMs = now;

    for (let at = this.#queue.peekValue(); at !== undefined && at <= horizon; at = this.#queue.peekValue()) {
      if (batch.messages >= messagesPerWakeUp) break;
      const rendering = this.#queue.pop();
      if (rendering === undefined || rendering.wakeMs !== at) continue; // it was rescheduled or has gone
      rendering.wakeMs = Number.POSITIVE_INFINITY;
      if (monotonic >= rendering.lease.heldUntil) {
        this.#passOver(rendering, now); // the lock may be another's by now
        continue;
      }
      if (rendering.dueMs <= horizon) this.#render(rendering, now, horizon, batch);
      if (rendering.checkpointMs <= now + checkpointEarlyMs) {
        rendering.checkpointMs = now + checkpointEveryMs;
        if (rendering.course !== undefined) batch.checkpoint(rendering);
      }
      this.#schedule(rendering, horizon);
    }
    if (batch.size > 0) this.#sender.send(batch);
    this.#arm();
  };

  // HOT
  #render(rendering: Rendering, now: WallMs, horizon: WallMs, batch: Batch): void {
    const { course } = rendering;
    if (course === undefined) return;
    if (rendering.dueMs === Number.NEGATIVE_INFINITY && !this.#advance(rendering, course)) return;
    let room = Math.min(messagesPerVisit, messagesPerWakeUp - batch.messages);
    for (; rendering.dueMs <= horizon; room--) {
      const cut = rendering.next;
      if (cut === undefined) {
        this.#end(rendering);
        return;
      }
      if (room === 0) return; // goes on in the next wake-up
      if (now - rendering.dueMs > behindMs || isOvertaken(rendering, course)) {
        this.#fallBehind(rendering);
        return;
      }
      const json = rendering.rendered ?? renderStretch(course.tape, rendering.sent, cut.seq);
      if (typeof json !== "string") {
        this.#renderApart(rendering, course, cut);
        return;
      }
      batch.message(rendering, cut.seq, json);
      this.#metrics.message(now - rendering.dueMs, cut.seq - rendering.sent);
      rendering.rendered = undefined;
      rendering.sent = cut.seq;
      if (!this.#advance(rendering, course)) return;
    }
  }

  // HOT: false if a block has to be waited for.
  #advance(rendering: Rendering, course: Course): boolean {
    if (isOvertaken(rendering, course)) {
      this.#fallBehind(rendering);
      return false;
    }
    const missing = rendering.advance(course);
    if (missing !== undefined) {
      this.#fetch(rendering, course, missing.missing);
      return false;
    }
    const { next } = rendering;
    if (next !== undefined && next.seq >= rendering.fetchFrom) fetchAhead(rendering, course, next.seq);
    return true;
  }

  /** Waits for a block that the next cut depends on. */
  #fetch(rendering: Rendering, course: Course, seq: Seq): void {
    this.#wait(rendering, course.tape.load(seq), () => rendering.lookForNext());
  }

  /** Renders a message whose blocks are not all in memory, and may not all fit there at a time. */
  #renderApart(rendering: Rendering, course: Course, cut: Cut): void {
    const { dueMs } = rendering;
    this.#wait(rendering, render(course.tape, rendering.sent, cut.seq), (json) => {
      rendering.rendered = json;
      rendering.dueMs = dueMs;
    });
  }

  #wait<T>(rendering: Rendering, work: Promise<T>, then: (result: T) => void): void {
    const since = performance.now();
    rendering.dueMs = Number.POSITIVE_INFINITY;
    rendering.waiting = work;
    work.then(
      (result) => {
        this.#metrics.blockWait(performance.now() - since);
        if (rendering.waiting !== work) return; // overtaken by a change
        rendering.waiting = undefined;
        then(result);
        this.#schedule(rendering);
      },
      (error: unknown) => {
        if (rendering.waiting !== work) return;
        if (!(error instanceof DamagedBlock)) {
          rendering.events.unreadable(error);
          return;
        }
        rendering.events.damaged(error);
        rendering.leaveOut(error);
        this.#schedule(rendering);
      },
    );
  }

  #fallBehind(rendering: Rendering): void {
    rendering.dueMs = Number.POSITIVE_INFINITY;
    rendering.events.behind();
  }

  #end(rendering: Rendering): void {
    rendering.dueMs = Number.POSITIVE_INFINITY;
    if (rendering.confirmed === rendering.sent) rendering.events.ended();
    else rendering.waiting = "confirmation";
  }

  #passOver(rendering: Rendering, now: WallMs): void {
    rendering.wakeMs = now + lookAgainMs;
    this.#queue.push(rendering, rendering.wakeMs);
  }

  /** Redis answers again. If it was away, sessions are read again before anything is published: it may have lost them. */
  #resume(lost: boolean): void {
    if (lost) {
      for (const rendering of this.#all) {
        this.hold(rendering);
        rendering.events.changed();
      }
    }
    this.#arm();
  }
}

/** HOT: whether retention has taken away what comes next; a tape that grows may be cut at its beginning at any time. */
function isOvertaken({ sent }: Rendering, { tape }: Course): boolean {
  return sent + 1 < tape.span.firstSeq;
}

/** Has the block after the one of a frame loaded, once per block. */
function fetchAhead(rendering: Rendering, course: Course, seq: Seq): void {
  const { tape, last } = course;
  const block = tape.block(seq);
  if (block === undefined) return;
  rendering.fetchFrom = block.lastSeq + 1;
  if (block.lastSeq >= Math.min(last, tape.span.lastSeq) || tape.block(block.lastSeq + 1) !== undefined) return;
  tape.load(block.lastSeq + 1).catch(() => {}); // whoever needs it asks again, and is told
}
