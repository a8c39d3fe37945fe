import {
  BookReplay,
  DamagedTape,
  FileMissing,
  type FullBook,
  type Seq,
  type TrackDecimals,
  type TrackedEvent,
  type TrackPlace,
  type TrackRange,
  type TrackReader,
} from "@tapedeck/tape";
import { countUpTo, eachOf, eventsOfBatches, firstWhere } from "@tapedeck/tape/blocks";
import type { TrackPart } from "../track/track-parts.js";
import {
  bookBatchOf,
  columnsOfWholeBook,
  type EventColumns,
  type RowScale,
  tradeBatchOf,
  type WholeBook,
} from "./event-columns.js";
import { FinishedRest } from "./finished-rest.js";
import { reachesTime } from "./part-chunks.js";
import type { TrackLayout, TrackSource } from "./track-source.js";

/** Some events that follow on each other. */
interface Piece {
  readonly columns: EventColumns;
  /** Of the event after the last of them. */
  readonly nextN: number;
}

/** A whole book, and how to read the events that it is among. */
interface WholePlace extends Pick<WholeBook, "n" | "seq"> {
  readonly read: () => Promise<EventColumns>;
}

/** Where readers begin who want everything. */
interface Beginning {
  readonly n: number;
  /** The book that the events before it led to, whose events were erased. */
  readonly book: EventColumns | undefined;
}

type BookBatches = ReturnType<TrackReader["bookBatches"]>;
type TradeBatches = ReturnType<TrackReader["tradeBatches"]>;

/** How often a read is repeated because parts were joined meanwhile. */
const maxMoves = 5;

/**
 * A growing track as it was when it was pinned. Where events have moved since, from Redis to a part, to a joined part or to the finished tape, it
 * reads them there.
 */
export class PinnedTrack implements TrackReader {
  readonly decimals: TrackDecimals;
  readonly #source: TrackSource;
  readonly #tape: string;
  /** Of its first part when it was pinned. */
  readonly #firstN: number;
  readonly #endN: number;
  readonly #scale: RowScale;
  #layout: TrackLayout;
  /** The part that was inflated last. */
  #inflated: { readonly id: string; readonly text: Promise<Buffer> } | undefined;

  /**
   * @param tape `id@1`
   * @param firstSeq of the tape's first frame
   */
  constructor(source: TrackSource, tape: string, firstSeq: Seq) {
    this.#source = source;
    this.#tape = tape;
    this.#layout = source.layout;
    const { parts, recent } = this.#layout;
    this.#firstN = parts[0]?.firstN ?? 0;
    this.#endN = recent.at(-1)?.nextN ?? parts.at(-1)?.nextN ?? 0;
    this.decimals = this.#layout.decimals;
    const { price, size } = this.decimals;
    this.#scale = { price: Number(`1e${price}`), amount: Number(`1e${size}`), firstSeq };
  }

  events(range: TrackRange = {}): AsyncGenerator<TrackedEvent, void, undefined> {
    return eachOf(this.eventLists(range));
  }

  async *eventLists(range: TrackRange = {}): AsyncGenerator<readonly TrackedEvent[], void, undefined> {
    const { from, to } = await this.#limits(range);
    yield* eventsOfBatches(this.#bookBatches(from, to), this.#tradeBatches(from, to), this.decimals);
  }

  async *bookBatches(range: TrackRange = {}): BookBatches {
    const { from, to } = await this.#limits(range);
    yield* this.#bookBatches(from, to);
  }

  async *tradeBatches(range: TrackRange = {}): TradeBatches {
    const { from, to } = await this.#limits(range);
    yield* this.#tradeBatches(from, to);
  }

  /** Inflates the part with the last whole book before the place, and those after it, and decodes what is between. */
  async bookAt(place: TrackPlace): Promise<FullBook> {
    const end = await this.#endOfBook(place);
    const found = await this.#orFinished(async () => {
      const at = await this.#lastWholeBook(end);
      return at && wholeBookAt(at);
    });
    if (found instanceof FinishedRest) return found.bookAt(end);
    const replay = new BookReplay();
    let from = found?.n ?? end;
    if (found?.full !== undefined) {
      const columns = columnsOfWholeBook(found.full, found.n);
      replay.apply(bookBatchOf(columns, 0, columns.book.n.length, this.#scale));
      from = found.n + 1;
    }
    for await (const batch of this.#bookRows(from, end)) replay.apply(batch);
    const { n, book } = replay;
    const levels = (side: typeof book.bids) =>
      side.top(side.depth).map(([price, size]) => [price / this.#scale.price, size / this.#scale.amount] as const);
    const [bids, asks] = [levels(book.bids), levels(book.asks)];
    const { low, high } = knownPrices(found?.known, bids.at(-1)?.[0], asks.at(-1)?.[0]);
    return { n, bids, asks, knownLow: low, knownHigh: high, limitsKnown: found?.known !== undefined };
  }

  /** The number of the first book event that is not in the book at a place. */
  #endOfBook(place: TrackPlace): Promise<number> {
    if ("n" in place) return Promise.resolve(Math.min(place.n + 1, this.#endN));
    return this.#firstEvent("seq" in place ? { seq: place.seq + 1 } : { ts: place.ts + 1n });
  }

  async #limits({ from, to }: TrackRange): Promise<{ readonly from: number; readonly to: number }> {
    return {
      from: from === undefined ? 0 : await this.#firstEvent(from),
      to: to === undefined ? this.#endN : await this.#firstEvent(to),
    };
  }

  /** The number of the first event at or after a place; that of the track's end if there is none. */
  async #firstEvent(place: TrackPlace): Promise<number> {
    if ("n" in place) return Math.min(place.n, this.#endN);
    const first = await this.#orFinished(() => this.#firstThatReaches(place));
    if (first instanceof FinishedRest) return Math.min(await first.firstEvent(place, 0), this.#endN);
    for (let next = first; next < this.#endN; ) {
      const piece = await this.#pieceAt(next);
      if (piece === undefined) break;
      if (piece instanceof FinishedRest) return Math.min(await piece.firstEvent(place, next), this.#endN);
      const { book, trades } = piece.columns;
      const rowOf = ({ seq, timestamp }: Pick<typeof trades, "seq" | "timestamp">) =>
        "seq" in place ? countUpTo(seq, place.seq - 1) : timestamp.findIndex((ts) => ts >= place.ts);
      const n = Math.min(
        book.n[rowOf(book)] ?? Number.POSITIVE_INFINITY,
        trades.n[rowOf(trades)] ?? Number.POSITIVE_INFINITY,
      );
      if (n < Number.POSITIVE_INFINITY) return n;
      next = piece.nextN;
    }
    return this.#endN;
  }

  /** The number from which on there can be an event at or after a place. */
  async #firstThatReaches(place: { readonly seq: number } | { readonly ts: bigint }): Promise<number> {
    const { parts, recent } = this.#layout;
    if ("seq" in place) {
      const reaches = ({ lastSeq }: { readonly lastSeq: number }) => lastSeq >= place.seq;
      const part = parts.find(reaches);
      const chunks = part && (await this.#source.chunksOf(part, () => this.#textOf(part)));
      return chunks?.find(reaches)?.firstN ?? firstWhere(recent, reaches)?.firstN ?? this.#endN;
    }
    for (const part of parts) {
      if (BigInt(part.lastMs) * 1_000_000n < place.ts) continue;
      const text = await this.#textOf(part);
      const chunks = await this.#source.chunksOf(part, async () => text);
      const chunk = chunks.find((each) => reachesTime(text, each, place.ts));
      if (chunk !== undefined) return chunk.firstN;
    }
    return firstWhere(recent, ({ lastNs }) => lastNs >= place.ts)?.firstN ?? this.#endN;
  }

  async *#bookBatches(from: number, to: number): BookBatches {
    const beginning = await this.#orFinished(() => this.#begin(from));
    if (beginning instanceof FinishedRest) return yield* beginning.bookBatches(from, to, this.decimals);
    const { n: begin, book } = beginning;
    if (book !== undefined && from <= begin && begin < to) yield bookBatchOf(book, 0, book.book.n.length, this.#scale);
    yield* this.#bookRows(Math.max(from, book === undefined ? begin : begin + 1), to);
  }

  /** Those of events, wherever the track begins. */
  async *#bookRows(from: number, to: number): BookBatches {
    for (let next = from; ; ) {
      const piece = await this.#pieceAt(next, to);
      if (piece === undefined) return;
      if (piece instanceof FinishedRest) return yield* piece.bookBatches(next, to, this.decimals);
      const { n } = piece.columns.book;
      const [start, end] = [countUpTo(n, next - 1), countUpTo(n, to - 1)];
      if (start < end) yield bookBatchOf(piece.columns, start, end, this.#scale);
      next = piece.nextN;
    }
  }

  async *#tradeBatches(from: number, to: number): TradeBatches {
    const beginning = await this.#orFinished(() => this.#begin(from));
    if (beginning instanceof FinishedRest) return yield* beginning.tradeBatches(from, to, this.decimals);
    let next = Math.max(from, beginning.n);
    for (;;) {
      const piece = await this.#pieceAt(next, to);
      if (piece === undefined) return;
      if (piece instanceof FinishedRest) return yield* piece.tradeBatches(next, to, this.decimals);
      const { n, seq } = piece.columns.trades;
      const start = Math.max(countUpTo(n, next - 1), countUpTo(seq, this.#scale.firstSeq - 1));
      const end = countUpTo(n, to - 1);
      if (start < end) yield tradeBatchOf(piece.columns, start, end, this.#scale);
      next = piece.nextN;
    }
  }

  /** The events from number `n` on, as far as they are decoded together. Undefined: there are none before `end`. */
  #pieceAt(n: number, end = this.#endN): Promise<Piece | FinishedRest | undefined> {
    return this.#orFinished(async () => {
      if (n >= Math.min(end, this.#endN)) return undefined;
      const { parts, recent } = this.#layout;
      const part = parts.find(({ nextN }) => nextN > n);
      if (part !== undefined) {
        if (part.firstN > Math.max(n, this.#firstN) && part === parts[0]) {
          const events = `events ${n} to ${part.firstN - 1} of its event track`;
          throw new DamagedTape(
            this.#tape,
            `${events} are older than what is kept, and were erased while they were read`,
          );
        }
        if (part.firstN >= end) return undefined;
        const text = () => this.#textOf(part);
        const chunk = (await this.#source.chunksOf(part, text)).find(({ nextN }) => nextN > n);
        if (chunk === undefined) throw new RangeError(`part ${part.id} has no event ${n}`);
        return { columns: await this.#source.readChunk(part, chunk, text), nextN: chunk.nextN };
      }
      const chunk = firstWhere(recent, ({ nextN }) => nextN > n);
      if (chunk === undefined || chunk.firstN >= end) return undefined;
      return { columns: await this.#source.readRecent(chunk), nextN: chunk.nextN };
    });
  }

  #textOf(part: TrackPart): Promise<Buffer> {
    if (this.#inflated?.id === part.id) return this.#inflated.text;
    const inflated = { id: part.id, text: this.#source.textOf(part) };
    this.#inflated = inflated;
    inflated.text.catch(() => {
      if (this.#inflated === inflated) this.#inflated = undefined; // the store may be away only now
    });
    return inflated.text;
  }

  /** Reads, where the events are now. */
  async #orFinished<T>(read: () => Promise<T>): Promise<T | FinishedRest> {
    for (let moves = 0; ; moves++) {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof FileMissing)) throw error;
        this.#inflated = undefined;
        await this.#source.update({ list: true });
        const { finished } = this.#source;
        if (finished !== undefined) return new FinishedRest(finished);
        this.#layout = this.#source.layout;
        if (moves < maxMoves) continue;
        throw new DamagedTape(this.#tape, "a part of its event track is missing", error);
      }
    }
  }

  /** The last whole book whose last event is before `end`. */
  async #lastWholeBook(end: number): Promise<WholePlace | undefined> {
    const before = ({ n }: Pick<WholePlace, "n">) => n < end;
    const recent = this.#layout.recentBooks.findLast(before);
    if (recent !== undefined) return this.#placeOf(recent);
    for (const part of [...this.#layout.parts].reverse()) {
      if (part.firstN >= end || part.wholeSeq === undefined) continue;
      const found = (await this.#booksOf(part)).findLast(before);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #placeOf({ n, seq, chunk }: TrackLayout["recentBooks"][number]): WholePlace {
    return { n, seq, read: () => this.#source.readRecent(chunk) };
  }

  async #booksOf(part: TrackPart): Promise<WholePlace[]> {
    const text = () => this.#textOf(part);
    const chunks = await this.#source.chunksOf(part, text);
    return chunks.flatMap((chunk) =>
      chunk.wholeBooks.map(({ n, seq }) => ({ n, seq, read: () => this.#source.readChunk(part, chunk, text) })),
    );
  }

  /** Where the finished track begins, too: with the last whole book that the tape's first frame needs, or the first there is. */
  async #begin(from: number): Promise<Beginning> {
    const { parts } = this.#layout;
    const { firstSeq } = this.#scale;
    const needed = parts.findLast(({ wholeSeq = Number.POSITIVE_INFINITY }) => firstSeq > 0 && wholeSeq <= firstSeq);
    const part = needed ?? parts.find(({ wholeSeq }) => wholeSeq !== undefined);
    if (part !== undefined && part.nextN <= from) return { n: 0, book: undefined };
    const firstOf = <Book extends Pick<WholePlace, "seq">>(books: readonly Book[]) =>
      (firstSeq > 0 ? books.findLast(({ seq }) => seq <= firstSeq) : undefined) ?? books[0];
    const recent = part === undefined ? firstOf(this.#layout.recentBooks) : undefined;
    const at = part === undefined ? recent && this.#placeOf(recent) : firstOf(await this.#booksOf(part));
    if (at === undefined) return { n: this.#endN, book: undefined };
    if (Math.max(0, at.n) < from) return { n: 0, book: undefined };
    const found = await wholeBookAt(at);
    if (found?.full === undefined) return { n: at.n, book: undefined };
    const n = Math.max(0, at.n);
    return { n, book: columnsOfWholeBook(found.full, n) };
  }
}

async function wholeBookAt({ n, read }: WholePlace): Promise<WholeBook | undefined> {
  return (await read()).wholeBooks.findLast((each) => each.n === n);
}

/** Between which prices a book is complete: as its last whole book was, or between its outermost levels. */
function knownPrices(
  known: WholeBook["known"],
  lowest: number | undefined,
  highest: number | undefined,
): { readonly low: number | undefined; readonly high: number | undefined } {
  if (known === "levels") return { low: lowest, high: highest };
  const limit = (price = Number.NaN) => (Number.isFinite(price) ? price : undefined);
  return { low: limit(known?.low), high: limit(known?.high) };
}
