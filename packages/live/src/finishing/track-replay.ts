import { OrderBook } from "@tapedeck/market";
import type { EventState, Seq, TrackDecimals } from "@tapedeck/tape";
import { type TrackEvent, type TrackSummary, TrackWriter } from "@tapedeck/tape/blocks";
import { type BookEntry, isWholeBook, type KnownPrices, type PlacedEntry } from "../track/track-entry.js";

/** The tape that a track is made for. */
export interface ReplayedTape {
  readonly source: string;
  readonly symbol: string;
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
  /** Those of its prices and sizes, as far as they are known. */
  readonly decimals: TrackDecimals | undefined;
  /** The number of the first whole book that is used: the events before it were erased with their frames, or are not needed. */
  readonly beginN: number;
}

/** Makes the files of a finished tape's track of the entries of a live one, as they were recorded. Throws `DecimalsChanged`. */
export class TrackReplay {
  readonly #tape: ReplayedTape;
  readonly #track: TrackWriter;
  readonly #entries: Entries;
  #newest: Seq;

  constructor(tape: ReplayedTape) {
    const { source: exchange, symbol, decimals, firstSeq } = tape;
    this.#tape = tape;
    this.#track = new TrackWriter({ exchange, symbol }, decimals, { firstSeq });
    this.#entries = new Entries(this.#track, tape);
    this.#newest = firstSeq;
  }

  add(entry: PlacedEntry): void {
    if (entry.seq > this.#newest) {
      this.#newest = entry.seq;
      this.#framesBefore(entry.seq);
    }
    this.#entries.add(entry);
  }

  /** Nothing follows. */
  end(): TrackSummary {
    const { lastSeq } = this.#tape;
    if (this.#newest < lastSeq) this.#entries.markGap("the feed did not record events from here on");
    this.#framesBefore(lastSeq + 1);
    this.#track.end();
    return this.#track.summary;
  }

  /** The bytes that are to be appended to each file. */
  take(): ReturnType<TrackWriter["take"]> {
    return this.#track.take();
  }

  /** Ends all frames before this one. */
  #framesBefore(seq: Seq): void {
    const end = Math.min(seq, this.#tape.lastSeq + 1);
    while (this.#track.nextSeq < end) this.#track.frameMade(this.#entries.book, this.#entries.known);
  }
}

/** Takes the entries into the track, and follows the book. */
class Entries {
  readonly book = new OrderBook();
  #known: KnownPrices | undefined;
  readonly #track: TrackWriter;
  readonly #firstSeq: Seq;
  readonly #beginN: number;
  /** Whether the book is known. */
  #begun = false;
  /** Of the gap just before. */
  #gap: string | undefined;

  /** @param beginN the first whole book that is used has this number or a higher one */
  constructor(track: TrackWriter, { firstSeq, beginN }: { readonly firstSeq: Seq; readonly beginN: number }) {
    this.#track = track;
    this.#firstSeq = firstSeq;
    this.#beginN = beginN;
  }

  /** The prices between which the book has every level; undefined: no limit is known. */
  get known(): { readonly low: number; readonly high: number } | undefined {
    if (this.#known !== "levels") return this.#known;
    const { bids, asks } = this.book;
    return {
      low: bids.worstPrice ?? Number.NEGATIVE_INFINITY,
      high: asks.worstPrice ?? Number.POSITIVE_INFINITY,
    };
  }

  add(entry: PlacedEntry): void {
    const track = this.#track;
    if (!this.#begun) {
      if (isWholeBook(entry) && entry.n >= this.#beginN) this.#begin(entry);
      else {
        this.#gap = entry.kind === "gap" ? entry.reason : undefined;
        return;
      }
    }
    if (entry.n < track.nextN || entry.kind === "full") return;
    if (entry.kind === "gap") track.markGap(entry.reason);
    track.skipTo(entry.n);
    switch (entry.kind) {
      case "gap":
        return;
      case "derived":
        for (const price of entry.prices) this.book.set(entry.side, price, 0);
        track.addDerived(entry.side, entry.prices);
        return;
      case "trade": {
        const { state, id, side, price, size: amount } = entry;
        if (entry.seq >= this.#firstSeq) track.addTrade(messageOf(entry), state, { id, side, price, amount });
        return;
      }
      case "book":
        this.#addBook(entry);
    }
  }

  #addBook(entry: BookEntry): void {
    const { state, snapshot, bids, asks, ids, known } = entry;
    if (state === "applied" && snapshot) {
      this.book.replace(bids, asks);
      this.#known = known;
    } else if (state === "applied") this.book.apply(bids, asks);
    this.#write({ ...messageOf(entry), ...(ids && { ids }) }, state, snapshot, entry);
  }

  #begin(entry: PlacedEntry): void {
    this.#begun = true;
    if (entry.kind !== "full") {
      if (this.#gap !== undefined) this.#track.markGap(this.#gap);
      return;
    }
    // What the erased events led to, under the number of the last of them.
    this.book.replace(entry.bids, entry.asks);
    this.#known = entry.known;
    this.#track.skipTo(Math.max(0, entry.n - 1));
    this.#write(messageOf(entry), "derived", true, entry);
  }

  #write(
    event: TrackEvent,
    state: EventState,
    snapshot: boolean,
    { bids, asks }: Pick<BookEntry, "bids" | "asks">,
  ): void {
    this.#track.beginBook(event, state, snapshot);
    this.#track.addLevels("bid", bids);
    this.#track.addLevels("ask", asks);
  }

  markGap(reason: string): void {
    this.#track.markGap(reason);
  }
}

function messageOf({ heard, timestampNs, receivedNs }: TrackEvent): TrackEvent {
  return { heard, timestampNs, receivedNs };
}
