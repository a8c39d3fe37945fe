import { OrderBook } from "@tapedeck/market";
import type { EventState, Seq, TapeWriter, TrackDecimals } from "@tapedeck/tape";
import { type TrackEvent, type TrackSummary, TrackWriter } from "@tapedeck/tape/blocks";
import { type BookEntry, isWholeBook, type KnownPrices, type PlacedEntry } from "./track-entry.js";
import type { TrackPart, TrackParts } from "./track-parts.js";

interface WrittenTape {
  readonly source: string;
  readonly symbol: string;
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
  /** Those of its prices and sizes, as far as they are known. */
  readonly decimals: TrackDecimals | undefined;
}

/** Other work of the process gets its turn after this long, in ms: it may be recording other instruments. */
const sliceMs = 5;

/**
 * Writes the event track of a tape that ends, from its parts. Undefined if it has none. Rejects with `DecimalsChanged`, `DamagedTape`, or as
 * `TapeWriter.append` does.
 */
export async function writeTrack(
  writer: Pick<TapeWriter, "appendTrack">,
  parts: Pick<TrackParts, "list" | "entries">,
  { source, symbol, firstSeq, lastSeq, decimals }: WrittenTape,
): Promise<TrackSummary | undefined> {
  const list = await parts.list();
  if (list.length === 0) return undefined;
  const track = new TrackWriter({ exchange: source, symbol }, decimals, { firstSeq });
  const begin = await beginningOf(parts, list, firstSeq);
  const replay = new Replay(track, { firstSeq, beginN: begin.n });
  const drain = async () => {
    for (const { file, bytes } of track.take()) await writer.appendTrack(file, bytes);
  };
  let sliceEnds = performance.now() + sliceMs;
  const pause = async () => {
    await drain();
    await new Promise(setImmediate);
    sliceEnds = performance.now() + sliceMs;
  };
  /** Ends all frames before this one. */
  const framesBefore = async (seq: Seq) => {
    while (track.nextSeq < Math.min(seq, lastSeq + 1)) {
      track.frameMade(replay.book, replay.known);
      if (performance.now() > sliceEnds) await pause();
    }
  };
  let newest: Seq = firstSeq;
  for (const part of list.slice(begin.part)) {
    for await (const entry of parts.entries(part)) {
      if (entry.seq > newest) {
        newest = entry.seq;
        await framesBefore(newest);
      }
      replay.add(entry);
      if (performance.now() > sliceEnds) await pause();
    }
  }
  if (newest < lastSeq) replay.markGap("the feed did not record events from here on");
  await framesBefore(lastSeq + 1);
  track.end();
  await drain();
  return track.summary;
}

/** The last whole book that the tape's first frame needs: the frames before it were erased. */
async function beginningOf(
  parts: Pick<TrackParts, "entries">,
  list: readonly TrackPart[],
  firstSeq: Seq,
): Promise<{ readonly part: number; readonly n: number }> {
  const at = list.findLastIndex(({ wholeSeq = Number.POSITIVE_INFINITY }) => wholeSeq <= firstSeq);
  const part = list[at];
  if (firstSeq === 0 || part === undefined) return { part: 0, n: 0 };
  let n = 0;
  for await (const entry of parts.entries(part)) {
    if (entry.seq > firstSeq) break;
    if (isWholeBook(entry)) ({ n } = entry);
  }
  return { part: at, n };
}

/** Takes the entries of a live track, as they were recorded, into the track of a finished tape. */
class Replay {
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
