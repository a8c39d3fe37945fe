import { setTimeout as sleep } from "node:timers/promises";
import { type Probe, type RedisConnection, type Span, untilReady } from "@tapedeck/runtime";
import type { Seq } from "@tapedeck/tape";
import { Batch, type Outcome } from "./batch.js";
import type { RendererMetrics } from "./metrics.js";
import type { Rendering } from "./rendering.js";

export interface SenderOptions {
  /** A connection without offline queue: a frame that waits for Redis to come back is a stale one. */
  readonly publisher: RedisConnection;
  readonly probe: Pick<Probe, "heardWithin">;
  readonly metrics: RendererMetrics;
  /** Silence after which a session counts as unwatched. */
  readonly graceMs: number;
  /** Sending is possible again: after an answer that was waited for, or (`lost`) after an interruption. */
  readonly usable: (lost: boolean) => void;
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
export class Sender implements Outcome {
  readonly #options: SenderOptions;
  #sent = 0;
  #underWay = 0;
  #settled = 0;
  #waiting: { readonly batches: number; readonly resolve: () => void }[] = [];
  /** True from the first failed command until the publisher is usable again. */
  #interrupted = false;
  /** Held until what Redis has of them is read. */
  readonly #lost = new Set<Rendering>();
  #now = 0;
  #hearing = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** False while Redis is away or too far behind; `usable` is called when that is over. */
  get ready(): boolean {
    return !this.#interrupted && this.#underWay < mostUnderWay;
  }

  batch(): Batch {
    return new Batch(this.#options.publisher);
  }

  send(batch: Batch): void {
    const since = performance.now();
    this.#sent++;
    this.#underWay += batch.size;
    batch.send(() => this.#land(batch, since));
  }

  /** Resolves when Redis has answered all that was sent up to now, well or ill. */
  settle(): Promise<void> {
    if (this.#settled === this.#sent) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ batches: this.#sent, resolve }));
  }

  // HOT: connections answer in order, so a rendering's messages are confirmed in order.
  published(rendering: Rendering, seq: Seq, listeners: number): void {
    rendering.confirmed = seq === rendering.leapFrom ? rendering.leapTo : seq;
    if (rendering.span !== undefined) endSpan(rendering, rendering.span, seq);
    if (listeners > 0 || !this.#hearing) rendering.unheardSince = undefined;
    else if (rendering.unheardSince === undefined) rendering.unheardSince = this.#now;
    else if (this.#now - rendering.unheardSince >= this.#options.graceMs) {
      rendering.unheardSince = undefined;
      rendering.events.unwatched();
    }
    if (rendering.waiting === "confirmation" && rendering.confirmed === rendering.sent) {
      rendering.waiting = undefined;
      rendering.events.ended();
    }
  }

  failed(rendering: Rendering): void {
    rendering.startFrom(rendering.confirmed); // the rest of this chain is not believed any more
    if (this.#options.publisher.isCluster) {
      this.#lose(rendering);
      return;
    }
    if (this.#interrupted) return;
    this.#interrupted = true;
    this.#options.metrics.failedPipeline();
    void this.#comeBack();
  }

  /** A full Redis refuses to write, but goes on publishing: only a broken connection is a reason to stop. */
  unchecked(rendering: Rendering, error: Error): void {
    if (error.name !== "ReplyError") this.failed(rendering);
  }

  #land(batch: Batch, since: number): void {
    const { metrics, probe, graceMs, usable } = this.#options;
    const wasFull = !this.ready;
    this.#now = performance.now();
    this.#hearing = probe.heardWithin(Math.min(probeWithinMs, graceMs));
    this.#settled++;
    this.#underWay -= batch.size;
    metrics.pipeline(this.#now - since, batch.size);
    batch.settle(this);
    this.#waiting = this.#waiting.filter(({ batches, resolve }) => {
      if (batches > this.#settled) return true;
      resolve();
      return false;
    });
    if (wasFull && this.ready) usable(false);
  }

  /** One master of a Cluster is away. The sessions of the others go on; this one is read again until it can be. */
  #lose(rendering: Rendering): void {
    rendering.hold();
    this.#lost.add(rendering);
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
    this.#options.usable(true);
  }
}

function endSpan(rendering: Rendering, span: Span, seq: Seq): void {
  span.setAttribute("tapedeck.seq", seq).end();
  rendering.span = undefined;
}
