import type { AppendOutcome, LiveTapeWriter } from "@tapedeck/live";
import type { RecordedFrame } from "./frame-assembler.js";

export interface AppendQueueEvents {
  /** A frame is on the tape, so many ms after it was handed over. */
  appended(frame: RecordedFrame, ms: number): void;
  /** Another feed has claimed the instrument. */
  fenced(): void;
  /** The tape cannot go on, or too much waits for Redis: claim anew. */
  lost(reason: string): void;
  failed(error: unknown): void;
}

/** Frames that wait for a Redis that is away: five minutes of them, then the hole is marked instead. */
const mostWaiting = 3_000;
const retryMs = 200;

/**
 * Frames on their way to the tape, in their order. Each is sent at once, without waiting for the one before it. When Redis goes
 * away, those without an answer are sent again when it is back; the writer sees to it that none is there twice.
 */
export class AppendQueue {
  readonly #writer: Pick<LiveTapeWriter, "append">;
  readonly #events: AppendQueueEvents;
  /** Without an answer yet, the oldest first. */
  #waiting: RecordedFrame[] = [];
  /** How many of them are under way. */
  #sent = 0;
  #failed = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #emptied: (() => void)[] = [];

  constructor(writer: Pick<LiveTapeWriter, "append">, events: AppendQueueEvents) {
    this.#writer = writer;
    this.#events = events;
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(frame: RecordedFrame): void {
    if (this.#closed) return;
    if (this.#waiting.length >= mostWaiting) {
      this.#stop(() => this.#events.lost("Redis was away for too long"));
      return;
    }
    this.#waiting.push(frame);
    this.#send();
  }

  /** Resolves when nothing waits any more, or after the deadline. */
  async drained(deadlineMs: number): Promise<void> {
    if (this.#waiting.length === 0 || this.#closed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      this.#emptied.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Sends nothing any more. */
  close(): void {
    this.#stop(() => {});
  }

  #send(): void {
    if (this.#failed) return;
    for (const frame of this.#waiting.slice(this.#sent)) {
      this.#sent++;
      void this.#append(frame);
    }
  }

  async #append(frame: RecordedFrame): Promise<void> {
    const sentAt = performance.now();
    let outcome: AppendOutcome;
    try {
      outcome = await this.#writer.append(frame.parts, frame.startNs);
    } catch (error) {
      this.#sent--;
      if (this.#closed) return;
      this.#events.failed(error);
      // A frame that can be on no tape would be in the way of all others for ever.
      if (error instanceof RangeError) this.#remove(this.#waiting.indexOf(frame));
      else this.#failed = true;
      this.#retry();
      return;
    }
    this.#sent--;
    if (this.#closed) return;
    if (outcome === "fenced") return this.#stop(() => this.#events.fenced());
    if (outcome === "lost") return this.#stop(() => this.#events.lost("its tape in Redis is gone"));
    // Behind one that failed it does not count: those are sent again, as the writer wants them, in order.
    if (this.#waiting[0] === frame) {
      this.#remove(0);
      this.#events.appended(frame, performance.now() - sentAt);
    }
    this.#retry();
  }

  #remove(at: number): void {
    this.#waiting.splice(at, 1);
    if (this.#waiting.length === 0) for (const tell of this.#emptied.splice(0)) tell();
  }

  /** When all that was under way has come back, everything is sent again. */
  #retry(): void {
    if (!this.#failed || this.#sent > 0 || this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#failed = false;
      this.#send();
    }, retryMs);
  }

  #stop(tell: () => void): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#waiting = [];
    for (const empty of this.#emptied.splice(0)) empty();
    tell();
  }
}
