export interface SessionStats {
  /** Frames delivered since the session was opened in this program. */
  readonly framesReceived: number;
  /** Frames of the tape that were merged into those. */
  readonly framesSkipped: number;
  /** Delivered in the last full second. */
  readonly framesPerSecond: number;
  /** Round trip over the socket in milliseconds; undefined before the first measurement. */
  readonly latencyMs: number | undefined;
}

/** Counts delivered frames, in total and per full second of the clock. */
export class FrameCounter {
  received = 0;
  skipped = 0;
  #second = 0;
  #current = 0;
  #previous = 0;

  /** HOT: once per frame. @param now milliseconds */
  count(skipped: number, now: number): void {
    this.received++;
    this.skipped += skipped;
    this.#rollOver(now);
    this.#current++;
  }

  /** In the last full second. */
  perSecond(now: number): number {
    this.#rollOver(now);
    return this.#previous;
  }

  #rollOver(now: number): void {
    const second = Math.floor(now / 1000);
    if (second === this.#second) return;
    this.#previous = second === this.#second + 1 ? this.#current : 0;
    this.#second = second;
    this.#current = 0;
  }
}
