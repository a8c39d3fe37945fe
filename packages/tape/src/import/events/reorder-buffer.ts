import type { SourceEvent } from "./source-event.js";

/** An event with its place in time: nanoseconds since the import's origin. */
export interface TimedEvent {
  readonly ns: number;
  readonly event: SourceEvent;
}

/** How far behind the newest event one may come and still find its place. Streams of a venue run up to a second apart. */
export const reorderWindowNs = 2e9;

/**
 * Puts an instrument's events into the order of their time. Events are let go when nothing that is no more than the window late
 * can come before them any more. At one moment trades go before the book updates they led to, and each stream keeps the order
 * of its ids, or that of its lines.
 */
export class ReorderBuffer {
  /** By stream: events that came after one that was later, and of those the ones that came too late to find their place. */
  readonly counts = { bookOutOfOrder: 0, tradesOutOfOrder: 0, bookTooLate: 0, tradesTooLate: 0 };
  readonly #release: (placed: TimedEvent) => void;
  /** Ascending; most events belong at the end. */
  #waiting: TimedEvent[] = [];
  #newestNs = Number.NEGATIVE_INFINITY;
  #releasedNs = Number.NEGATIVE_INFINITY;
  #lastBook: TimedEvent | undefined;
  #lastTrade: TimedEvent | undefined;
  /** The last book that carried no time of its own. */
  #floating: TimedEvent | undefined;

  constructor(release: (placed: TimedEvent) => void) {
    this.#release = release;
  }

  push(placed: TimedEvent): void {
    this.#noteOrder(placed);
    if (placed.ns < this.#releasedNs) {
      this.#tooLate(placed);
      return;
    }
    this.#insert(placed);
    if (placed.event.kind === "snapshot" && placed.event.ns === undefined) this.#floating = placed;
    else if (placed.event.kind === "diff") this.#moveSnapshotBefore(placed.ns);
    if (placed.ns > this.#newestNs) {
      this.#newestNs = placed.ns;
      this.#releaseUntil(placed.ns - reorderWindowNs);
    }
  }

  /** Lets everything go: the recording is over, or was silent for longer than the window. */
  flush(): void {
    this.#releaseUntil(Number.POSITIVE_INFINITY);
  }

  #noteOrder(placed: TimedEvent): void {
    const { event } = placed;
    if (event.kind === "snapshot" && (event.ns === undefined || isJoinedById(event))) return;
    const trade = event.kind === "trade";
    const last = trade ? this.#lastTrade : this.#lastBook;
    if (last !== undefined && compareInStream(placed, last) < 0) {
      if (trade) this.counts.tradesOutOfOrder++;
      else this.counts.bookOutOfOrder++;
    } else if (trade) this.#lastTrade = placed;
    else this.#lastBook = placed;
  }

  /** Trades are real whenever they come; numbered books are judged by their number; others would undo newer changes. */
  #tooLate({ event }: TimedEvent): void {
    if (event.kind === "trade") this.counts.tradesTooLate++;
    else if (!isJoinedById(event)) this.counts.bookTooLate++;
    if (event.kind === "trade" || isJoinedById(event)) this.#release({ ns: this.#releasedNs, event });
  }

  #insert(placed: TimedEvent): void {
    let at = this.#waiting.length;
    while (at > 0 && compare(placed, this.#waiting[at - 1]) < 0) at--;
    if (at === this.#waiting.length) this.#waiting.push(placed);
    else this.#waiting.splice(at, 0, placed);
  }

  /** A book without a time was guessed to be as late as what came last; a diff that came after it was made after it. */
  #moveSnapshotBefore(ns: number): void {
    const floating = this.#floating;
    if (floating === undefined || floating.ns <= ns) return;
    const at = this.#waiting.indexOf(floating);
    this.#floating = undefined;
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.#insert({ ns, event: floating.event });
  }

  #releaseUntil(ns: number): void {
    let count = 0;
    for (const placed of this.#waiting) {
      if (placed.ns > ns) break;
      count++;
      this.#releasedNs = placed.ns;
      this.#release(placed);
    }
    if (count > 0) this.#waiting = this.#waiting.slice(count);
  }
}

function compare(a: TimedEvent, b: TimedEvent | undefined): number {
  if (b === undefined) return 0;
  return a.ns - b.ns || rank(a.event) - rank(b.event) || idOf(a.event) - idOf(b.event) || 0;
}

/** Order within one stream: by id where there is one, since that is the venue's own word on it. */
function compareInStream(a: TimedEvent, b: TimedEvent): number {
  const [idA, idB] = [idOf(a.event), idOf(b.event)];
  return idA !== 0 && idB !== 0 ? idA - idB : a.ns - b.ns;
}

function isJoinedById(event: SourceEvent): boolean {
  return (
    (event.kind === "diff" && event.ids !== undefined) || (event.kind === "snapshot" && event.lastId !== undefined)
  );
}

function rank({ kind }: SourceEvent): number {
  return kind === "trade" ? 0 : kind === "snapshot" ? 1 : 2;
}

function idOf(event: SourceEvent): number {
  if (event.kind === "trade") return typeof event.id === "number" ? event.id : 0;
  return event.kind === "diff" ? (event.ids?.last ?? 0) : 0;
}
