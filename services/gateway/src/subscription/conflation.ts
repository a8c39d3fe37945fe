import type { TapeNs } from "@tapedeck/protocol";

/**
 * The frame cap at the live edge, where the next frame is unknown. Time is divided into intervals at anchor + k / maxFps. The first
 * frame of each interval is sent at once, merged with those left over from the interval before; so all gateways send the same
 * messages. When the market goes quiet, left-over frames are sent one interval later, as the message of the next interval.
 */
export class EdgeFrameCap {
  /** Wall time of an interval; 0 if there is no cap. */
  readonly intervalMs: number;
  readonly #anchorNs: TapeNs;
  readonly #maxFps: number;
  /** The newest interval for which a message was sent. */
  #interval: number;

  /** @param sentNs tape time of the newest frame that clients may have already */
  constructor({ anchorNs, maxFps }: { anchorNs: TapeNs; maxFps: number }, sentNs: TapeNs) {
    this.intervalMs = maxFps === 0 ? 0 : 1000 / maxFps;
    this.#anchorNs = anchorNs;
    this.#maxFps = maxFps;
    this.#interval = this.#intervalOf(sentNs);
  }

  /** HOT: whether the newest frame, which has this tape time, is sent at once. */
  admits(ns: TapeNs): boolean {
    if (this.#maxFps === 0) return true;
    const interval = this.#intervalOf(ns);
    if (interval <= this.#interval) return false;
    this.#interval = interval;
    return true;
  }

  /** The frames left over up to this tape time are sent now; they use up the interval after theirs. */
  flushed(ns: TapeNs): void {
    this.#interval = Math.max(this.#interval, this.#intervalOf(ns) + 1);
  }

  #intervalOf(ns: TapeNs): number {
    return Math.ceil(((ns - this.#anchorNs) * this.#maxFps) / 1e9);
  }
}

/** Something that has frames to send later, merged. */
export interface ConflatedSource {
  /** On the monotonic clock. */
  readonly flushAtMs: number;
  flush(): void;
}

/** How late a flush may be. */
const checkMs = 5;

/** Flushes all conflated sources of the process. One timer serves all, and runs only while any are waiting. */
export class ConflationTimer {
  readonly #waiting = new Set<ConflatedSource>();
  #timer: NodeJS.Timeout | undefined;

  add(source: ConflatedSource): void {
    this.#waiting.add(source);
    this.#timer ??= setInterval(this.#check, checkMs);
  }

  delete(source: ConflatedSource): void {
    this.#waiting.delete(source);
  }

  readonly #check = (): void => {
    const now = performance.now();
    for (const source of this.#waiting) if (source.flushAtMs <= now) source.flush();
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  };
}
