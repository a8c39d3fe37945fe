import { setTimeout as sleep } from "node:timers/promises";
import { type PubSubProbe, type RedisConnection, type Span, untilReady } from "@tapedeck/runtime";
import type { Seq } from "@tapedeck/tape";
import type { PlaybackCursor } from "./cursor.js";
import type { PublishMetrics } from "./metrics.js";
import { type BatchResults, PublishBatch } from "./publish-batch.js";

export interface PublishPipelineOptions {
  /** A connection without offline queue: a frame that waits for Redis to come back is a stale one. */
  readonly publisher: RedisConnection;
  readonly probe: Pick<PubSubProbe, "receivedWithin">;
  readonly metrics: PublishMetrics;
  /** Silence after which a session counts as unwatched. */
  readonly graceMs: number;
  /** Sending is possible again: after an answer that was waited for, or (`lost`) after an interruption. */
  readonly onReady: (lost: boolean) => void;
}

/**
 * Messages and checkpoints that Redis has not answered; more of them mean that it is not keeping up. What is under way stays in
 * memory, where garbage collections copy it: without a narrow bound a ticker that is short of processor time spends it on those.
 */
const mostUnderWay = 1024;
const retryMs = 200;
/** An own message must have come back within this time, or within the grace, for the silence of others to mean anything. */
const probeWithinMs = 3000;

/** Sends batches in order, and notes on each rendering what Redis is known to have published. */
export class PublishPipeline implements BatchResults {
  readonly #options: PublishPipelineOptions;
  #sent = 0;
  #underWay = 0;
  #settled = 0;
  #waiting: { readonly batches: number; readonly resolve: () => void }[] = [];
  /** True from the first failed command until the publisher is usable again. */
  #interrupted = false;
  /** Held until what Redis has of them is read. */
  readonly #lost = new Set<PlaybackCursor>();
  #now = 0;
  #hearing = false;

  constructor(options: PublishPipelineOptions) {
    this.#options = options;
  }

  /** False while Redis is away or too far behind; `usable` is called when that is over. */
  get ready(): boolean {
    return !this.#interrupted && this.#underWay < mostUnderWay;
  }

  batch(): PublishBatch {
    return new PublishBatch(this.#options.publisher);
  }

  send(batch: PublishBatch): void {
    const since = performance.now();
    this.#sent++;
    this.#underWay += batch.size;
    batch.send(() => this.#land(batch, since));
  }

  /** Resolves when Redis has answered all that was sent up to now, well or ill. */
  drained(): Promise<void> {
    if (this.#settled === this.#sent) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ batches: this.#sent, resolve }));
  }

  // HOT: connections answer in order, so a rendering's messages are confirmed in order.
  published(cursor: PlaybackCursor, seq: Seq, listeners: number): void {
    cursor.publishedSeq = seq === cursor.skipFrom ? cursor.skipTo : seq;
    if (cursor.span !== undefined) endSpan(cursor, cursor.span, seq);
    if (listeners > 0 || !this.#hearing) cursor.unwatchedSince = undefined;
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
    cursor.startFrom(cursor.publishedSeq); // the rest of this chain is not believed any more
    if (this.#options.publisher.isCluster) {
      this.#lose(cursor);
      return;
    }
    if (this.#interrupted) return;
    this.#interrupted = true;
    this.#options.metrics.failedPipeline();
    void this.#comeBack();
  }

  /** A full Redis refuses to write, but goes on publishing: only a broken connection is a reason to stop. */
  checkpointFailed(cursor: PlaybackCursor, error: Error): void {
    if (error.name !== "ReplyError") this.failed(cursor);
  }

  #land(batch: PublishBatch, since: number): void {
    const { metrics, probe, graceMs, onReady } = this.#options;
    const wasFull = !this.ready;
    this.#now = performance.now();
    this.#hearing = probe.receivedWithin(Math.min(probeWithinMs, graceMs));
    this.#settled++;
    this.#underWay -= batch.size;
    metrics.pipeline(this.#now - since, batch.size);
    batch.reportTo(this);
    this.#waiting = this.#waiting.filter(({ batches, resolve }) => {
      if (batches > this.#settled) return true;
      resolve();
      return false;
    });
    if (wasFull && this.ready) onReady(false);
  }

  /** One master of a Cluster is away. The sessions of the others go on; this one is read again until it can be. */
  #lose(cursor: PlaybackCursor): void {
    cursor.suspend();
    this.#lost.add(cursor);
    if (this.#lost.size > 1) return;
    this.#options.metrics.failedPipeline();
    setTimeout(() => {
      const lost = [...this.#lost];
      this.#lost.clear();
      for (const each of lost) each.events.changed();
    }, retryMs);
  }

  async #comeBack(): Promise<void> {
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
