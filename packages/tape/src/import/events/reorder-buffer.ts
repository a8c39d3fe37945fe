import type { SourceEvent } from "./source-event.js";

/** An event with its time in nanoseconds since the import's origin. */
export interface TimedEvent {
  readonly ns: number;
  readonly event: SourceEvent;
}

/** How late an event may be and still be put in order. A venue's streams are up to a second apart. */
export const reorderWindowNs = 2e9;

/**
 * Puts an instrument's events in order of time. An event is released once no event within the window can precede it. At the same
 * time, trades go before the book updates that they led to, and each stream keeps the order of its ids, or of its lines. Messages
 * whose format has checked their sequence stay in that order, whatever their times are.
 */
export class ReorderBuffer<Timed extends TimedEvent = TimedEvent> {
  /** By stream: events that came after a later one, and those of them that came too late to be put in order. */
  readonly counts = { bookOutOfOrder: 0, tradesOutOfOrder: 0, bookTooLate: 0, tradesTooLate: 0 };
  readonly #release: (timed: Timed) => void;
  readonly #leaveOut: (timed: Timed) => void;
  /** Ascending; most events are inserted at the end. */
  readonly #waiting: Timed[] = [];
  #newestNs = Number.NEGATIVE_INFINITY;
  #releasedNs = Number.NEGATIVE_INFINITY;
  #lastBook: Timed | undefined;
  #lastTrade: Timed | undefined;
  /** The last snapshot without a time of its own. */
  #floating: Timed | undefined;

  /** @param leaveOut gets each event that came too late, and would undo newer changes */
  constructor(release: (timed: Timed) => void, leaveOut: (timed: Timed) => void = () => {}) {
    this.#release = release;
    this.#leaveOut = leaveOut;
  }

  push(timed: Timed): void {
    this.#noteOrder(timed);
    if (timed.ns < this.#releasedNs) {
      this.#handleLate(timed);
      return;
    }
    this.#insert(timed);
    if (isTimeless(timed.event)) this.#floating = timed;
    else if (timed.event.kind === "diff") this.#moveSnapshotBefore(timed.ns);
    if (timed.ns > this.#newestNs) {
      this.#newestNs = timed.ns;
      this.#releaseUntil(timed.ns - reorderWindowNs);
    }
  }

  /** Releases everything: the recording has ended, or was silent for longer than the window. */
  flush(): void {
    this.#releaseUntil(Number.POSITIVE_INFINITY);
  }

  #noteOrder(timed: Timed): void {
    const { event } = timed;
    if (isChecked(event) || isTimeless(event) || (event.kind === "snapshot" && isJoinedById(event))) return;
    const trade = event.kind === "trade";
    const last = trade ? this.#lastTrade : this.#lastBook;
    if (last !== undefined && compareInStream(timed, last) < 0) {
      if (trade) this.counts.tradesOutOfOrder++;
      else this.counts.bookOutOfOrder++;
    } else if (trade) this.#lastTrade = timed;
    else this.#lastBook = timed;
  }

  /** Late trades are real trades; some books have an order of their own; other late books would undo newer changes. */
  #handleLate(timed: Timed): void {
    const { event } = timed;
    if (isChecked(event)) this.#insert({ ...timed, ns: this.#releasedNs });
    else if (event.kind === "trade" || isJoinedById(event)) {
      if (event.kind === "trade") this.counts.tradesTooLate++;
      this.#release({ ...timed, ns: this.#releasedNs });
    } else {
      this.counts.bookTooLate++;
      this.#leaveOut(timed);
    }
  }

  #insert(timed: Timed): void {
    let at = this.#waiting.length;
    while (at > 0 && belongsBefore(timed, this.#waiting[at - 1])) at--;
    if (at === this.#waiting.length) this.#waiting.push(timed);
    else this.#waiting.splice(at, 0, timed);
  }

  /** A snapshot without a time got the time of the event before it; a diff received later must come after it. */
  #moveSnapshotBefore(ns: number): void {
    const floating = this.#floating;
    if (floating === undefined || floating.ns <= ns) return;
    const at = this.#waiting.indexOf(floating);
    this.#floating = undefined;
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.#insert({ ...floating, ns });
  }

  #releaseUntil(ns: number): void {
    let count = 0;
    for (const timed of this.#waiting) {
      if (timed.ns > ns) break;
      count++;
      this.#releasedNs = Math.max(this.#releasedNs, timed.ns);
      this.#release(timed);
    }
    // In place: a dense market has ten thousand events in the window, and copying them for each took a third of an import's time.
    if (count > 0) this.#waiting.splice(0, count);
  }
}

function belongsBefore(a: TimedEvent, b: TimedEvent | undefined): boolean {
  if (b !== undefined && isChecked(a.event) && isChecked(b.event)) return false;
  return compare(a, b) < 0;
}

function compare(a: TimedEvent, b: TimedEvent | undefined): number {
  if (b === undefined) return 0;
  return a.ns - b.ns || rank(a.event) - rank(b.event) || idOf(a.event) - idOf(b.event) || 0;
}

/** Order within one stream: by id if there is one, since the venue assigns it, else by time. */
function compareInStream(a: TimedEvent, b: TimedEvent): number {
  const [idA, idB] = [idOf(a.event), idOf(b.event)];
  return idA !== 0 && idB !== 0 ? idA - idB : a.ns - b.ns;
}

/** A snapshot without a time of its own, whose place is before the next diff. */
function isTimeless(event: SourceEvent): boolean {
  return event.kind === "snapshot" && !isChecked(event) && (event.ns === undefined || event.timeless === true);
}

function isChecked(event: SourceEvent): boolean {
  return (event.kind === "diff" || event.kind === "snapshot") && event.link !== undefined;
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
