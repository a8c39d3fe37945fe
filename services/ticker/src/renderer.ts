import { setTimeout as sleep } from "node:timers/promises";
import type { WallMs } from "@tapedeck/protocol";
import { type Probe, type RedisClock, untilReady } from "@tapedeck/runtime";
import { frameHead } from "@tapedeck/sessions";
import { type Cut, render, renderStretch, type Seq } from "@tapedeck/tape";
import FlatQueue from "flatqueue";
import type { ChainableCommander, Redis } from "ioredis";
import type { RendererMetrics } from "./metrics.js";
import type { Course, Rendering } from "./rendering.js";

export interface RendererOptions {
  /** A connection without offline queue: a frame that waits for Redis to come back is a stale one. */
  readonly publisher: Redis;
  readonly clock: RedisClock;
  readonly probe: Pick<Probe, "heardWithin">;
  readonly metrics: RendererMetrics;
  /** Silence after which a session counts as unwatched. */
  readonly graceMs: number;
}

/** Timers fire on whole milliseconds, so what is due within half of one goes along. */
const alongMs = 0.5;
/** Least time between two wake-ups: each costs as much as several messages, whatever it brings. */
const spacingMs = 2;
/** The least difference of two times on the queue: today's milliseconds are exact to 0.0003. */
const momentMs = 0.001;
const checkpointEveryMs = 1000;
/** A checkpoint that is nearly due goes along with a message instead of waking the renderer for itself. */
const checkpointEarlyMs = 250;
/** Messages of one session in one wake-up, so that one that catches up does not make the others late. */
const messagesPerVisit = 64;
/** Wake-ups that Redis has not answered; more of them mean that it is not keeping up. */
const flightsInAir = 64;
/** A frame due longer ago than this is not sent on the quiet. */
const behindMs = 10_000;
const lookAgainMs = 50;
const retryMs = 200;
/** An own message must have come back within this time, or within the grace, for silence of others to mean anything. */
const probeWithinMs = 3000;

/** What went out in one wake-up, in order: whose it is, and the seq of a message or the rev of a checkpoint. */
class Flight {
  readonly of: Rendering[] = [];
  readonly mark: number[] = [];
  /** The chain a message belongs to; `checkpoint` for a checkpoint. */
  readonly chain: number[] = [];
}
const checkpoint = -1;
const noAnswer = [new Error("Redis did not answer"), undefined] as const;

/**
 * Renders all sessions of this ticker: one queue of due times, one timer, and one pipeline for each wake-up. Nothing here
 * waits for anything; what has to wait (claims, loading, commands) is done by the session's run and comes back as `follow`.
 */
export class Renderer {
  readonly #options: RendererOptions;
  readonly #queue = new FlatQueue<Rendering>();
  readonly #all = new Set<Rendering>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. Infinity: there is nothing to wake for. -Infinity: whoever is at work sets it when done. */
  #timerMs: WallMs = Number.POSITIVE_INFINITY;
  #wokeMs: WallMs = Number.NEGATIVE_INFINITY;
  #launched = 0;
  #landed = 0;
  readonly #settling: { readonly flights: number; readonly resolve: () => void }[] = [];
  /** True from the first failed publish until the publisher is usable again. */
  #down = false;
  #stopped = false;

  constructor(options: RendererOptions) {
    this.#options = options;
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
      rendering.checkpointMs = this.#options.clock.now() + Math.random() * checkpointEveryMs;
    }
    this.#schedule(rendering);
  }

  /** Times on the queue are of a clock that has jumped: looks at everyone again. */
  reschedule(): void {
    const now = this.#options.clock.now();
    this.#wokeMs = Number.NEGATIVE_INFINITY;
    for (const rendering of this.#all) {
      rendering.checkpointMs = now + Math.random() * checkpointEveryMs;
      this.#schedule(rendering);
    }
    if (!this.#down) this.#arm();
  }

  /** Resolves when Redis has answered all that was sent up to now, well or ill. */
  settle(): Promise<void> {
    if (this.#landed === this.#launched) return Promise.resolve();
    return new Promise((resolve) => this.#settling.push({ flights: this.#launched, resolve }));
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
    this.#timer = setTimeout(
      this.#wake,
      Math.max(1, Math.max(at, this.#wokeMs + spacingMs) - this.#options.clock.now()),
    );
  }

  // HOT: the whole work of a ticker is done here. No promise, timer, closure or JSON per frame.
  readonly #wake = (): void => {
    this.#timerMs = Number.NEGATIVE_INFINITY;
    if (this.#down || this.#stopped || this.#launched - this.#landed >= flightsInAir) return;
    const { publisher, clock } = this.#options;
    const now = clock.now();
    this.#wokeMs = now;
    const monotonic = performance.now();
    const horizon = now + alongMs;
    const pipeline = publisher.pipeline();
    const flight = new Flight();

    for (let at = this.#queue.peekValue(); at !== undefined && at <= horizon; at = this.#queue.peekValue()) {
      const rendering = this.#queue.pop();
      if (rendering === undefined || rendering.wakeMs !== at) continue; // it was rescheduled or has gone
      rendering.wakeMs = Number.POSITIVE_INFINITY;
      if (monotonic >= rendering.lease.heldUntil) {
        this.#passOver(rendering, now); // the lock may be another's by now
        continue;
      }
      if (rendering.dueMs <= horizon) this.#render(rendering, now, horizon, pipeline, flight);
      if (rendering.checkpointMs <= now + checkpointEarlyMs) this.#checkpoint(rendering, now, pipeline, flight);
      this.#schedule(rendering, horizon);
    }
    if (flight.of.length > 0) this.#send(pipeline, flight);
    this.#arm();
  };

  // HOT
  #render(rendering: Rendering, now: WallMs, horizon: WallMs, pipeline: ChainableCommander, flight: Flight): void {
    const course = rendering.course;
    if (course === undefined) return;
    if (rendering.next === undefined) {
      if (rendering.dueMs === Number.NEGATIVE_INFINITY) {
        if (!this.#advance(rendering, course)) return;
      } else {
        this.#end(rendering);
        return;
      }
    }
    const { metrics } = this.#options;
    for (let room = messagesPerVisit; rendering.dueMs <= horizon; room--) {
      const cut = rendering.next;
      if (cut === undefined) {
        this.#end(rendering);
        return;
      }
      if (room === 0) return; // comes again in the next wake-up
      if (now - rendering.dueMs > behindMs) {
        rendering.dueMs = Number.POSITIVE_INFINITY;
        rendering.events.behind();
        return;
      }
      const json = rendering.rendered ?? renderStretch(course.tape, rendering.sent, cut.seq);
      if (typeof json !== "string") {
        this.#renderApart(rendering, course, cut);
        return;
      }
      rendering.rendered = undefined;
      pipeline.publish(rendering.channel, frameHead(rendering.rev, rendering.epoch, rendering.sent, cut.seq) + json);
      flight.of.push(rendering);
      flight.mark.push(cut.seq);
      flight.chain.push(rendering.chain);
      metrics.message(now - rendering.dueMs, cut.seq - rendering.sent);
      rendering.sent = cut.seq;
      if (!this.#advance(rendering, course)) return;
    }
  }

  // HOT
  #advance(rendering: Rendering, course: Course): boolean {
    const missing = rendering.advance(course);
    if (missing !== undefined) {
      this.#fetch(rendering, course, missing.missing);
      return false;
    }
    const next = rendering.next;
    if (next !== undefined && next.seq >= rendering.fetchFrom) {
      const block = course.tape.block(next.seq);
      if (block !== undefined) {
        rendering.fetchFrom = block.lastSeq + 1;
        if (block.lastSeq < course.last && course.tape.block(block.lastSeq + 1) === undefined) {
          course.tape.load(block.lastSeq + 1).catch(() => {}); // whoever needs it asks again and is told
        }
      }
    }
    return true;
  }

  /** Waits for a block that the next cut depends on. */
  #fetch(rendering: Rendering, course: Course, seq: Seq): void {
    this.#wait(rendering, course.tape.load(seq), () => rendering.lookForNext());
  }

  /** Renders a message whose blocks are not all in memory, and may not all fit there at a time. */
  #renderApart(rendering: Rendering, course: Course, cut: Cut): void {
    const dueMs = rendering.dueMs;
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
        this.#options.metrics.blockWait(performance.now() - since);
        if (rendering.waiting !== work) return; // overtaken by a change
        rendering.waiting = undefined;
        then(result);
        this.#schedule(rendering);
      },
      (error: unknown) => {
        if (rendering.waiting === work) rendering.events.damaged(error);
      },
    );
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

  #checkpoint(rendering: Rendering, now: WallMs, pipeline: ChainableCommander, flight: Flight): void {
    rendering.checkpointMs = now + checkpointEveryMs;
    if (rendering.course === undefined) return;
    pipeline.sessionCheckpoint(rendering.key, rendering.rev, rendering.confirmed);
    flight.of.push(rendering);
    flight.mark.push(rendering.rev);
    flight.chain.push(checkpoint);
  }

  #send(pipeline: ChainableCommander, flight: Flight): void {
    const since = performance.now();
    this.#launched++;
    pipeline.exec((_, replies) => {
      this.#options.metrics.pipeline(performance.now() - since, flight.of.length);
      this.#landed++;
      this.#land(flight, replies ?? []);
      while ((this.#settling[0]?.flights ?? Number.POSITIVE_INFINITY) <= this.#landed)
        this.#settling.shift()?.resolve();
      if (this.#timerMs === Number.NEGATIVE_INFINITY && !this.#down) this.#arm();
    });
  }

  // HOT
  #land(flight: Flight, replies: readonly [error: Error | null, reply: unknown][]): void {
    const { graceMs, probe } = this.#options;
    const now = performance.now();
    const hearing = probe.heardWithin(Math.min(probeWithinMs, graceMs));
    let failed = false;
    for (let i = 0; i < flight.of.length; i++) {
      const rendering = flight.of[i];
      const mark = flight.mark[i];
      if (rendering === undefined || mark === undefined) continue;
      const [error, reply] = replies[i] ?? noAnswer;
      if (flight.chain[i] === checkpoint) {
        if (error) failed = true;
        else if (reply === -1) rendering.events.gone();
        else if (reply !== mark && reply !== rendering.rev) rendering.events.changed();
        continue;
      }
      if (flight.chain[i] !== rendering.chain) continue; // of a chain that was given up meanwhile
      if (error) {
        failed = true;
        rendering.startFrom(rendering.confirmed);
        continue;
      }
      rendering.confirmed = mark;
      if (reply !== 0 || !hearing) rendering.unheardSince = undefined;
      else if (rendering.unheardSince === undefined) rendering.unheardSince = now;
      else if (now - rendering.unheardSince >= graceMs) {
        rendering.unheardSince = undefined;
        rendering.events.unwatched();
      }
      if (rendering.waiting === "confirmation" && rendering.confirmed === rendering.sent) {
        rendering.waiting = undefined;
        rendering.events.ended();
      }
    }
    if (failed) void this.#standStill();
  }

  /** Stands still until the publisher is usable. Then the sessions are read again, since Redis may have lost them. */
  async #standStill(): Promise<void> {
    if (this.#down || this.#stopped) return;
    const { publisher, metrics } = this.#options;
    this.#down = true;
    this.#timerMs = Number.NEGATIVE_INFINITY;
    clearTimeout(this.#timer);
    metrics.failedPipeline();
    await sleep(retryMs);
    await untilReady(publisher);
    this.#down = false;
    for (const rendering of this.#all) {
      this.hold(rendering);
      rendering.events.changed();
    }
    this.#arm();
  }
}
