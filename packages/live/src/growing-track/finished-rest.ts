import type { BookBatch, FullBook, TrackDecimals, TrackPlace, TrackReader, TradeBatch } from "@tapedeck/tape";

/**
 * Reads on in the track of the finished tape where a growing one was finished while it was read: events keep their numbers. Its decimals are at least
 * those of the growing one.
 */
export class FinishedRest {
  readonly #track: TrackReader;

  constructor(track: TrackReader) {
    this.#track = track;
  }

  /** The book with the events before `end`. */
  bookAt(end: number): Promise<FullBook> {
    return this.#track.bookAt({ n: end - 1 });
  }

  /** The number of the first event at or after a place, and not before event `n`; infinite if there is none. */
  async firstEvent(place: TrackPlace, n: number): Promise<number> {
    for await (const event of this.#track.events({ from: place })) return Math.max(n, event.n);
    return Number.POSITIVE_INFINITY;
  }

  /** Events `from` to `to` - 1 with these decimals. */
  async *bookBatches(from: number, to: number, decimals: TrackDecimals): ReturnType<TrackReader["bookBatches"]> {
    for await (const batch of this.#track.bookBatches({ from: { n: from }, to: { n: to } })) {
      yield this.#scaled(batch, decimals);
    }
  }

  async *tradeBatches(from: number, to: number, decimals: TrackDecimals): ReturnType<TrackReader["tradeBatches"]> {
    for await (const batch of this.#track.tradeBatches({ from: { n: from }, to: { n: to } })) {
      yield this.#scaled(batch, decimals);
    }
  }

  #scaled<Batch extends Pick<BookBatch | TradeBatch, "price" | "amount">>(
    batch: Batch,
    decimals: TrackDecimals,
  ): Batch {
    const { price, size } = this.#track.decimals;
    return {
      ...batch,
      price: rescaled(batch.price, decimals.price - price),
      amount: rescaled(batch.amount, decimals.size - size),
    };
  }
}

function rescaled(values: Float64Array, decimals: number): Float64Array {
  if (decimals === 0) return values;
  const scale = Number(`1e${Math.abs(decimals)}`);
  return values.map((value) => Math.round(decimals > 0 ? value * scale : value / scale));
}
