import { setTimeout as sleep } from "node:timers/promises";
import { type PubSubProbe, type RedisConnection, type Span, untilReady } from "@tapedeck/runtime";
import type { Seq } from "@tapedeck/tape";
import type { PlaybackCursor } from "./cursor.js";
import type { PublishMetrics } from "./metrics.js";
import { type BatchResults, PublishBatch } from "./publish-batch.js";

interface PublishPipelineOptions {
  /** A connection without offline queue: frames that wait for Redis to come back would be stale. */
  readonly publisher: RedisConnection;
  readonly probe: Pick<PubSubProbe, "receivedWithin">;
  readonly metrics: PublishMetrics;
  /** Without subscribers for this long, a session counts as unwatched. */
  readonly graceMs: number;
  /** Called when sending is possible again: after a reply that made room, or (`lost`) after an interruption. */
  readonly onReady: (lost: boolean) => void;
}

/**
 * The most messages and checkpoints without reply; more mean that Redis does not keep up. They stay in memory, where garbage
 * collections copy them: without a narrow bound, a ticker that is short of processor time spends it on those.
 */
const maxPending = 1024;
/** Viewers stand until the sessions have been read again. */
const retryMs = 50;
/** Missing subscribers count only if the own probe has come back within this time, or within the grace time. */
const probeWithinMs = 3000;

/** A batch to whose commands Redis has not replied, or one that waits for the batches before it. */
interface SentBatch {
  readonly batch: PublishBatch;
  /** When it was sent, on the monotonic clock. */
  readonly since: number;
  landed: boolean;
}

/** Sends batches in order, and records on each cursor what Redis has confirmed as published. */
export class PublishPipeline implements BatchResults {
  readonly #options: PublishPipelineOptions;
  #sent = 0;
  /** In the order in which they were sent. */
  readonly #underway: SentBatch[] = [];
  #pending = 0;
  #answered = 0;
  #waiting: { readonly batches: number; readonly resolve: () => void }[] = [];
  /** True from the first failed command until the publisher is usable again. */
  #interrupted = false;
  /** Suspended until they are read again from Redis. */
  readonly #suspended = new Set<PlaybackCursor>();
  #now = 0;
  #probeReceived = false;

  constructor(options: PublishPipelineOptions) {
    this.#options = options;
  }

  /** False while Redis is away or too far behind; `onReady` is called when that ends. */
  get ready(): boolean {
    return !this.#interrupted && this.#pending < maxPending;
  }

  batch(): PublishBatch {
    return new PublishBatch(this.#options.publisher);
  }

  send(batch: PublishBatch): void {
    const sent: SentBatch = { batch, since: performance.now(), landed: false };
    this.#underway.push(sent);
    this.#sent++;
    this.#pending += batch.size;
    batch.send(() => {
      sent.landed = true;
      this.#reportLanded();
    });
  }

  /**
   * What comes from Redis together may land in another order: a checkpoint's reply comes with a promise, a message's at once. Reported in that order, an
   * earlier message would undo what a later one has confirmed.
   */
  #reportLanded(): void {
    for (let next = this.#underway[0]; next?.landed; next = this.#underway[0]) {
      this.#underway.shift();
      this.#onReplies(next);
    }
  }

  /** Resolves when Redis has replied to everything sent up to now, or the connection has broken. */
  drained(): Promise<void> {
    if (this.#answered === this.#sent) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ batches: this.#sent, resolve }));
  }

  // HOT: batches are reported in order, so a cursor's messages are confirmed in order.
  published(cursor: PlaybackCursor, seq: Seq, listeners: number): void {
    cursor.publishedSeq = seq === cursor.skipFrom ? cursor.skipTo : seq;
    if (cursor.span !== undefined) endSpan(cursor, cursor.span, seq);
    if (listeners > 0 || !this.#probeReceived) cursor.unwatchedSince = undefined;
    else if (cursor.unwatchedSince === undefined) cursor.unwatchedSince = this.#now;
    else if (this.#now - cursor.unwatchedSince >= this.#options.graceMs) {
      cursor.unwatchedSince = undefined;
      cursor.events.unwatched();
    }
    if (cursor.waiting === "confirmation" && cursor.publishedSeq === cursor.sentSeq) {
      cursor.waiting = undefined;
      cursor.events.ended();
    }
  }

  failed(cursor: PlaybackCursor): void {
    cursor.startFrom(cursor.publishedSeq); // the later messages of this generation are sent again
    if (this.#options.publisher.isCluster) {
      this.#suspend(cursor);
      return;
    }
    if (this.#interrupted) return;
    this.#interrupted = true;
    this.#options.metrics.failedPipeline();
    void this.#recover();
  }

  /** A Redis that is out of memory refuses writes, but still publishes: only a broken connection stops publishing. */
  checkpointFailed(cursor: PlaybackCursor, error: Error): void {
    if (error.name !== "ReplyError") this.failed(cursor);
  }

  #onReplies({ batch, since }: SentBatch): void {
    const { metrics, probe, graceMs, onReady } = this.#options;
    const wasFull = !this.ready;
    this.#now = performance.now();
    this.#probeReceived = probe.receivedWithin(Math.min(probeWithinMs, graceMs));
    this.#answered++;
    this.#pending -= batch.size;
    metrics.pipeline(this.#now - since, batch.size);
    batch.reportTo(this);
    this.#waiting = this.#waiting.filter(({ batches, resolve }) => {
      if (batches > this.#answered) return true;
      resolve();
      return false;
    });
    if (wasFull && this.ready) onReady(false);
  }

  /** One master of a Cluster is away. Sessions on the others go on; this one is read again until that succeeds. */
  #suspend(cursor: PlaybackCursor): void {
    cursor.suspend();
    this.#suspended.add(cursor);
    if (this.#suspended.size > 1) return;
    this.#options.metrics.failedPipeline();
    setTimeout(() => {
      const lost = [...this.#suspended];
      this.#suspended.clear();
      for (const each of lost) each.events.changed();
    }, retryMs);
  }

  async #recover(): Promise<void> {
    await sleep(retryMs);
    await untilReady(this.#options.publisher);
    this.#interrupted = false;
    this.#options.onReady(true);
  }
}

function endSpan(cursor: PlaybackCursor, span: Span, seq: Seq): void {
  span.setAttribute("tapedeck.seq", seq).end();
  cursor.span = undefined;
}
