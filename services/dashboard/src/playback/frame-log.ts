import type { Frame } from "@tapedeck/protocol";

/** A frame with its tape time, parsed once. */
export interface LoggedFrame {
  readonly frame: Frame;
  /** Milliseconds since 1970 of the frame's timestamp. */
  readonly ms: number;
  readonly epoch: number;
}

/**
 * The frames that the views can show: in tape order, without duplicates, bounded. It contains no frame after the playhead, so a
 * step back only removes frames from the end, and the rest of the views stays as it is.
 */
export class FrameLog {
  readonly capacity: number;
  /** Raised when anything but the end changed. Views then redraw instead of appending. */
  revision = 0;
  /** Count of all frames appended so far; `appended - length` is the number of the oldest one in the log. */
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

  /** By index, oldest first. */
  at(index: number): LoggedFrame | undefined {
    return this.#frames[index];
  }

  /** Appends a frame. Frames at or after its seq are removed first. */
  append(frame: Frame, epoch: number): void {
    const last = this.#frames.at(-1);
    if (last && frame.seq <= last.frame.seq) this.truncate(frame.seq);
    this.#frames.push({ frame, ms: Date.parse(frame.timestamp), epoch });
    this.appended++;
    // Trimmed at a quarter over capacity, because each trim moves the array.
    if (this.#frames.length > this.capacity * 1.25) this.#frames.splice(0, this.#frames.length - this.capacity);
  }

  /** Fills the gap before the newest frame. Frames that are already here, or are not before the newest one, are ignored. */
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

  /** Removes the frames from `seq` on. */
  truncate(seq: number): void {
    const keep = this.indexFrom(seq);
    this.appended -= this.#frames.length - keep;
    this.#frames.length = keep;
    this.revision++;
  }

  clear(): void {
    this.#frames = [];
    this.appended = 0;
    this.revision++;
  }

  /** Index of the last frame at or before a time; -1 if all are later. */
  indexAt(ms: number): number {
    return this.#firstIndex((logged) => logged.ms > ms) - 1;
  }

  /** Index of a frame; -1 if it is not in the log. */
  indexOfSeq(seq: number): number {
    const index = this.indexFrom(seq);
    return this.#frames[index]?.frame.seq === seq ? index : -1;
  }

  /** Index of the first frame at or after a seq; the length of the log if there is none. */
  indexFrom(seq: number): number {
    return this.#firstIndex((logged) => logged.frame.seq >= seq);
  }

  /** The first index for which `after` holds. It has to hold for all later ones. */
  #firstIndex(after: (logged: LoggedFrame) => boolean): number {
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

/** Whether a frame directly follows another: no jump, no missing frames, no marked gap between them. */
export function follows(before: LoggedFrame | undefined, { frame }: LoggedFrame): boolean {
  if (before === undefined || frame.gap_before_ms !== undefined) return false;
  return frame.seq - (frame.skipped ?? 0) - 1 <= before.frame.seq;
}

/** A list derived from the frames of a log, such as its trades. Reading `items` adds what is new in the log. Bounded like the log. */
export class DerivedList<Item> {
  readonly capacity: number;
  /** Raised when anything but the end changed. */
  revision = 0;
  #log: FrameLog;
  #derive: (logged: LoggedFrame) => readonly Item[];
  #items: Item[] = [];
  #seenRevision = -1;
  #seenAppended = 0;

  constructor(log: FrameLog, capacity: number, derive: (logged: LoggedFrame) => readonly Item[]) {
    this.#log = log;
    this.capacity = capacity;
    this.#derive = derive;
  }

  /** Oldest first. */
  get items(): readonly Item[] {
    const log = this.#log;
    const rebuild = log.revision !== this.#seenRevision;
    if (rebuild) {
      this.#items = [];
      this.#seenRevision = log.revision;
      this.revision++;
    }
    const fresh = rebuild ? log.length : Math.min(log.length, log.appended - this.#seenAppended);
    for (let index = log.length - fresh; index < log.length; index++) {
      const logged = log.at(index);
      if (logged) this.#items.push(...this.#derive(logged));
    }
    this.#seenAppended = log.appended;
    if (this.#items.length > this.capacity * 1.25) this.#items.splice(0, this.#items.length - this.capacity);
    return this.#items;
  }
}
