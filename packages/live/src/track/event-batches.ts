import type { Seq } from "@tapedeck/tape";

/** Events on their way to Redis. */
export interface EventBatch {
  /** Events `firstN` to `nextN` - 1; none if both are the same. */
  readonly firstN: number;
  readonly nextN: number;
  /** A line each. */
  readonly text: string;
  /** Batches in Redis that end before this event may leave. */
  readonly keepFrom: number;
  /** With this batch the track has all events of the frames up to this one; -1 before the first frame. */
  readonly through: Seq;
}

interface EventBatchesOptions {
  /** Number of the first event. */
  readonly nextN: number;
  /** Longest time from `add` to `send`, in ms, while Redis answers. */
  readonly batchMs: number;
  /** Bytes that Redis keeps. */
  readonly recentBytes: number;
  /** Rejects while Redis is away: the same batch is sent again. */
  readonly send: (batch: EventBatch) => Promise<void>;
}

/** Sends events to Redis a few times a second, one batch after the other. */
export class EventBatches {
  readonly #options: EventBatchesOptions;
  /** The last frame that was shown, and the one up to which Redis has been told that it has everything. */
  #shownSeq: Seq = -1;
  #through: Seq = -1;
  #waiting: string[] = [];
  #waitingFrom: number;
  #nextN: number;
  /** Sent, and not acknowledged: it is repeated as it was, so that Redis can tell that it has it. */
  #unacknowledged: EventBatch | undefined;
  #sending: Promise<void> | undefined;
  /** Batches in Redis. */
  #recent: { readonly nextN: number; readonly bytes: number }[] = [];
  #recentBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: EventBatchesOptions) {
    this.#options = options;
    this.#waitingFrom = this.#nextN = options.nextN;
  }

  /** Whether events wait, or readers for word that there are none. What is no event waits for the next one. */
  get pending(): boolean {
    if (this.#unacknowledged !== undefined || this.#nextN > this.#waitingFrom) return true;
    return this.#nextN > 0 && this.#shownSeq > this.#through;
  }

  /** @param nextN number of the event after it */
  add(line: string, nextN: number): void {
    this.#waiting.push(line);
    this.#nextN = nextN;
    this.#sendLater();
  }

  /** Every event that the frames up to this one show has been added. */
  shown(seq: Seq): void {
    this.#shownSeq = seq;
    this.#sendLater();
  }

  /** Sends the next batch, or waits for the one that is on its way. */
  send(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #sendLater(): void {
    if (this.#closed || this.#timer !== undefined || !this.pending) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.send()
        .catch(() => undefined) // Redis is away, which its connection logs
        .then(() => this.#sendLater());
    }, this.#options.batchMs);
    this.#timer.unref(); // a writer that ends flushes, or has lost its tape
  }

  async #send(): Promise<void> {
    if (this.#closed || !this.pending) return;
    this.#unacknowledged ??= this.#nextBatch();
    const { firstN, nextN, text, through } = this.#unacknowledged;
    await this.#options.send(this.#unacknowledged);
    this.#unacknowledged = undefined;
    this.#through = through;
    if (firstN === nextN) return;
    this.#recent.push({ nextN, bytes: text.length });
    this.#recentBytes += text.length;
  }

  #nextBatch(): EventBatch {
    const [firstN, nextN, through] = [this.#waitingFrom, this.#nextN, this.#shownSeq];
    if (firstN === nextN) return { firstN, nextN, text: "", keepFrom: 0, through };
    const text = this.#waiting.join("\n");
    this.#waiting = [];
    this.#waitingFrom = nextN;
    return { firstN, nextN, text, keepFrom: this.#makeRoom(text.length, nextN), through };
  }

  /** @returns the batch up to which the older ones leave */
  #makeRoom(bytes: number, nextN: number): number {
    let leaving = 0;
    for (; this.#recentBytes + bytes > this.#options.recentBytes && leaving < this.#recent.length; leaving++) {
      this.#recentBytes -= this.#recent[leaving]?.bytes ?? 0;
    }
    this.#recent.splice(0, leaving);
    return leaving === 0 ? 0 : (this.#recent[0]?.nextN ?? nextN);
  }
}
