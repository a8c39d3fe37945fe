import type { Frame } from "@tapedeck/protocol";
import type { DeepHistory } from "../../../playback/deep-history";
import type { DepthChunk } from "../../../playback/depth-chunk";
import type { FrameLog } from "../../../playback/frame-log";
import { BookLine, writeFrame } from "./book-line";
import { Brightness, noLevel, sizesInBook, sizesInFrames, unknownDepth } from "./brightness";
import type { PriceGrid, PriceSpan } from "./price-grid";

export const rows = 1024;
export const slots = 4096;

/** Time for older columns at each update, in ms: the rest follows with the next animation frames. */
const patienceMs = 4;
/** Frames after the last whole book that is known, in which its deep levels are still shown. */
const carriedFrames = 512;

/** What the columns show. */
export interface DepthSource {
  readonly log: FrameLog;
  readonly grid: PriceGrid;
  readonly prices: PriceSpan;
  /** Whole books; undefined: only the levels of frames. */
  readonly deep: Pick<DeepHistory, "chunks" | "chunkWith" | "newestUpTo" | "revision"> | undefined;
}

/** A ring of `slots` lines of `rows` bytes: for each frame the brightness by price, as `brightness.ts` says. Renderers use the bytes as they are. */
export class DepthColumns {
  readonly bytes = new Uint8Array(rows * slots);
  grid: PriceGrid | undefined;
  #brightness = new Brightness([]);
  #seenRevision = -1;
  #seenAppended = 0;
  #sinceCheck = 0;
  /** Revision of the whole books; undefined while only frames are shown. */
  #seenDeep: number | undefined;
  #hasBooks = false;
  /** The last frame of each chunk whose book is in the ring. */
  #writtenThrough = new WeakMap<DepthChunk, number>();
  /** At the newest frame that has a whole book. */
  #newest: BookLine | undefined;

  /**
   * Brings the ring up to date. `onWritten` is called for each line that changed, and for all after a new grid.
   *
   * @returns true if older columns have to wait for the next update
   */
  update(source: DepthSource, onWritten: (slot: number) => void): boolean {
    const { log, grid, deep } = source;
    this.#sinceCheck += Math.max(0, log.appended - this.#seenAppended);
    const hasBooks = deep?.newestUpTo(log.last?.frame.seq ?? -1) !== undefined;
    const rewrite =
      grid !== this.grid ||
      log.revision !== this.#seenRevision ||
      deep?.revision !== this.#seenDeep ||
      (hasBooks && !this.#hasBooks) ||
      this.#isStale(source);
    if (rewrite) {
      this.grid = grid;
      this.#seenDeep = deep?.revision;
      this.#hasBooks = hasBooks;
      this.#brightness = brightnessOf(source);
      this.#sinceCheck = 0;
      this.#writtenThrough = new WeakMap();
      this.#newest = undefined;
    }
    const have = Math.min(log.length, slots);
    const fresh = rewrite ? have : Math.min(have, log.appended - this.#seenAppended);
    for (let index = log.length - fresh; index < log.length; index++) this.#writeAt(index, source, onWritten, rewrite);
    this.#seenRevision = log.revision;
    this.#seenAppended = log.appended;
    return deep !== undefined && this.#writeBooks(deep.chunks, source, onWritten);
  }

  #isStale(source: DepthSource): boolean {
    if (this.#sinceCheck <= 240) return false;
    this.#sinceCheck = 0;
    return this.#brightness.isFarFrom(brightnessOf(source));
  }

  // HOT: for each frame that comes in.
  #writeAt(index: number, source: DepthSource, onWritten: (slot: number) => void, isRewrite = false): void {
    const { log, grid, deep } = source;
    const frame = log.at(index)?.frame;
    if (!frame) return;
    const slot = slotOf(log, index);
    const line = this.bytes.subarray(slot * rows, (slot + 1) * rows);
    const chunk = isRewrite ? undefined : deep?.chunkWith(frame.seq);
    if (chunk) line.set(this.#lineAt(chunk, frame, grid));
    else {
      this.#fillBehind(line, frame, deep !== undefined);
      writeFrame(line, frame, grid, this.#brightness);
    }
    onWritten(slot);
  }

  /** The levels behind those of a frame: of the last whole book, if there was one shortly before. */
  #fillBehind(line: Uint8Array, { seq }: Frame, isDeep: boolean): void {
    const book = this.#newest;
    const through = book?.chunk.through ?? Infinity;
    if (isDeep && book && seq > through && seq - through <= carriedFrames) line.set(book.to(through));
    else line.fill(isDeep ? unknownDepth : noLevel);
  }

  #lineAt(chunk: DepthChunk, { seq }: Frame, grid: PriceGrid): Uint8Array {
    if (this.#newest?.chunk !== chunk || this.#newest.seq > seq) {
      this.#newest = new BookLine(chunk, grid, this.#brightness);
    }
    return this.#newest.to(seq);
  }

  /** Writes the books that were loaded since they were written last, the newest first. Returns whether some are left. */
  #writeBooks(chunks: readonly DepthChunk[], source: DepthSource, onWritten: (slot: number) => void): boolean {
    const until = performance.now() + patienceMs;
    const lastSeq = source.log.last?.frame.seq ?? -1;
    const newest = source.deep?.newestUpTo(lastSeq);
    for (const chunk of chunks) {
      if ((this.#writtenThrough.get(chunk) ?? -1) >= chunk.through) continue;
      if (chunk !== newest && performance.now() > until) return true;
      this.#writeBook(chunk, chunk === newest, source, onWritten);
    }
    return false;
  }

  #writeBook(chunk: DepthChunk, isNewest: boolean, source: DepthSource, onWritten: (slot: number) => void): void {
    const { log, grid } = source;
    const after = this.#writtenThrough.get(chunk) ?? chunk.first - 1;
    const kept = this.#newest?.chunk === chunk && this.#newest.seq <= after + 1 ? this.#newest : undefined;
    const book = kept ?? new BookLine(chunk, grid, this.#brightness);
    let index = Math.max(log.indexFrom(after + 1), log.length - slots);
    for (; index < log.length; index++) {
      const seq = log.at(index)?.frame.seq ?? Infinity;
      if (seq > chunk.through) break;
      const slot = slotOf(log, index);
      this.bytes.set(book.to(seq), slot * rows);
      onWritten(slot);
    }
    this.#writtenThrough.set(chunk, chunk.through);
    if (!isNewest) return;
    this.#newest = book;
    // The frames after it have levels of this book now, not of an earlier one.
    for (; index < log.length; index++) this.#writeAt(index, source, onWritten);
  }
}

/** The line of a frame. It stays the same for as long as the frame is in the log. */
export function slotOf(log: FrameLog, index: number): number {
  return (log.appended - log.length + index) % slots;
}

function brightnessOf({ log, grid, prices, deep }: DepthSource): Brightness {
  const book = deep?.newestUpTo(log.last?.frame.seq ?? -1);
  return new Brightness(
    book === undefined ? sizesInFrames(log, grid) : sizesInBook(book.bookAt(book.through).levels, grid, prices),
  );
}
