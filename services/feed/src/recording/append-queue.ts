import type { AppendOutcome, LiveTapeWriter } from "@tapedeck/live";
import type { RecordedFrame } from "./frame-assembler.js";

interface AppendQueueEvents {
  /** A frame is on the tape, this many ms after it was sent. */
  appended(frame: RecordedFrame, ms: number): void;
  /** Another feed has claimed the instrument. */
  fenced(): void;
  /** The tape cannot be continued, or too many frames wait for Redis: claim anew. */
  lost(reason: string): void;
  failed(error: unknown): void;
  /** A frame was refused: what its events say is on no frame. */
  refused(): void;
}

/** Frames that may wait while Redis is away: five minutes of them. Beyond that a gap is marked instead. */
const maxWaiting = 3_000;
const retryMs = 200;

/**
 * Sends frames to the tape in order, each at once, without waiting for the one before it. After an outage of Redis it sends the
 * unacknowledged ones again; the writer makes sure that none is on the tape twice.
 */
export class AppendQueue {
  readonly #writer: Pick<LiveTapeWriter, "append">;
  readonly #events: AppendQueueEvents;
  /** Not acknowledged yet, the oldest first. */
  #waiting: RecordedFrame[] = [];
  /** How many of them are in flight. */
  #inFlight = 0;
  #failed = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #onDrained: (() => void)[] = [];

  constructor(writer: Pick<LiveTapeWriter, "append">, events: AppendQueueEvents) {
    this.#writer = writer;
    this.#events = events;
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(frame: RecordedFrame): void {
    if (this.#closed) return;
    if (this.#waiting.length >= maxWaiting) {
      this.close();
      this.#events.lost("Redis was away for too long");
      return;
    }
    this.#waiting.push(frame);
    this.#send();
  }

  /** Resolves when every frame is acknowledged, or at the deadline. */
  async drained(deadlineMs: number): Promise<void> {
    if (this.#waiting.length === 0 || this.#closed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      this.#onDrained.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Sends no more frames, and forgets the waiting ones. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#waiting = [];
    for (const resolve of this.#onDrained.splice(0)) resolve();
  }

  #send(): void {
    if (this.#failed) return;
    for (const frame of this.#waiting.slice(this.#inFlight)) {
      this.#inFlight++;
      void this.#append(frame);
    }
  }

  async #append(frame: RecordedFrame): Promise<void> {
    const sentAt = performance.now();
    let outcome: AppendOutcome;
    try {
      outcome = await this.#writer.append(frame.parts, frame.startNs, frame.events);
    } catch (error) {
      this.#inFlight--;
      if (this.#closed) return;
      this.#events.failed(error);
      // An invalid frame would block all later ones for ever.
      if (error instanceof RangeError) {
        this.#remove(this.#waiting.indexOf(frame));
        this.#events.refused();
      } else this.#failed = true;
      this.#retryLater();
      return;
    }
    this.#inFlight--;
    if (this.#closed) return;
    if (outcome !== "appended") {
      this.close();
      if (outcome === "fenced") this.#events.fenced();
      else this.#events.lost("its tape in Redis is gone");
      return;
    }
    // An acknowledgement behind a failed frame does not count: those are sent again, because the writer needs them in order.
    if (this.#waiting[0] === frame) {
      this.#remove(0);
      this.#events.appended(frame, performance.now() - sentAt);
    }
    this.#retryLater();
  }

  #remove(at: number): void {
    this.#waiting.splice(at, 1);
    if (this.#waiting.length === 0) for (const resolve of this.#onDrained.splice(0)) resolve();
  }

  /** After a failure, sends everything again once nothing is in flight. */
  #retryLater(): void {
    if (!this.#failed || this.#inFlight > 0 || this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#failed = false;
      this.#send();
    }, retryMs);
  }
}
