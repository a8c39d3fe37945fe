import type { Frame } from "@tapedeck/protocol";

/** A frame as it was shown, with its tape time read once. */
export interface LoggedFrame {
  readonly frame: Frame;
  /** Milliseconds since 1970 of the frame's timestamp. */
  readonly ms: number;
  readonly epoch: number;
}

/**
 * The frames that the views can show: in tape order, none twice, bounded. What lies ahead of the playhead is never in here,
 * so that a step back takes frames off the end and leaves the rest, and with it the views, as they are.
 */
export class FrameLog {
  readonly capacity: number;
  /** Raised when anything but the end has changed: views then draw afresh instead of going on. */
  revision = 0;
  /** How many frames have ever been put at the end; `appended - length` is the number of the oldest one kept. */
  appended = 0;
  #frames: LoggedFrame[] = [];

  constructor(capacity = 4096) {
    this.capacity = capacity;
  }

  get length(): number {
    return this.#frames.length;
  }
  get last(): LoggedFrame | undefined {
    return this.#frames.at(-1);
  }
  get first(): LoggedFrame | undefined {
    return this.#frames[0];
  }

  /** By place, oldest first. */
  at(index: number): LoggedFrame | undefined {
    return this.#frames[index];
  }

  /** Puts a frame at the end. Frames that lie at or behind it on the tape are taken out first. */
  append(frame: Frame, epoch: number): void {
    const last = this.#frames.at(-1);
    if (last && frame.seq <= last.frame.seq) this.truncate(frame.seq);
    this.#frames.push({ frame, ms: Date.parse(frame.timestamp), epoch });
    this.appended++;
    // A quarter too many at most, so that moving the rest up is rare.
    if (this.#frames.length > this.capacity * 1.25) this.#frames.splice(0, this.#frames.length - this.capacity);
  }

  /**
   * Fills the hole before the newest frame with those that led up to it. Frames that are here already, or do not lie before
   * the newest one, are left out.
   */
  fill(frames: readonly Frame[], epoch: number): void {
    const newest = this.#frames.at(-1);
    if (!newest) return;
    const missing = frames.filter((frame) => frame.seq < newest.frame.seq && this.indexOfSeq(frame.seq) < 0);
    if (missing.length === 0) return;
    this.#frames.push(...missing.map((frame) => ({ frame, ms: Date.parse(frame.timestamp), epoch })));
    this.#frames.sort((a, b) => a.frame.seq - b.frame.seq);
    if (this.#frames.length > this.capacity) this.#frames.splice(0, this.#frames.length - this.capacity);
    this.appended += missing.length;
    this.revision++;
  }

  /** Takes out the frames from `seq` on. */
  truncate(seq: number): void {
    const keep = this.#place((logged) => logged.frame.seq >= seq);
    this.appended -= this.#frames.length - keep;
    this.#frames.length = keep;
    this.revision++;
  }

  clear(): void {
    this.#frames = [];
    this.appended = 0;
    this.revision++;
  }

  /** The last frame at or before a time; -1 where all are later. */
  indexAt(ms: number): number {
    return this.#place((logged) => logged.ms > ms) - 1;
  }

  /** The place of a frame; -1 where it is not here. */
  indexOfSeq(seq: number): number {
    const index = this.#place((logged) => logged.frame.seq >= seq);
    return this.#frames[index]?.frame.seq === seq ? index : -1;
  }

  /** The first place for which `after` holds; it holds for all that follow. */
  #place(after: (logged: LoggedFrame) => boolean): number {
    let low = 0;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const logged = this.#frames[middle];
      if (logged && after(logged)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Whether nothing lies between two frames of the log: no jump, no hole, no marked gap of the recording. */
export function follows(before: LoggedFrame | undefined, { frame }: LoggedFrame): boolean {
  if (before === undefined || frame.gap_before_ms !== undefined) return false;
  return frame.seq - (frame.skipped ?? 0) - 1 <= before.frame.seq;
}
