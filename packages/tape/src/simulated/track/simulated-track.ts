import type { Seq } from "../../tape.js";
import { type BookBatch, bookSides, type OrderBatch, type TradeBatch } from "../../track/batches.js";
import { BookReplay } from "../../track/book-replay.js";
import { bookRows, tradeRows } from "../../track/parquet/row-group-parts.js";
import type { TrackDecimals } from "../../track/track.js";
import type {
  FullBook,
  OrderReader,
  TrackedEvent,
  TrackPlace,
  TrackRange,
  TrackReader,
} from "../../track/track-reader.js";
import { eachOf, eventsOfBatches } from "../../track/tracked-events.js";
import { frameCount } from "../layout.js";
import { simulatedActions } from "./order-recorder.js";
import type { SegmentLevels, SegmentOrders } from "./segment-track.js";
import { after, before, boundedRange, framesOfPlace, type OrderedRows, rowsBefore } from "./track-limits.js";

interface SimulatedTrackParts {
  /** `id@version` of the tape. */
  readonly id: string;
  /** Nanoseconds since 1970 of tape time 0. */
  readonly startNs: bigint;
  readonly decimals: TrackDecimals;
  /** The frames around one whose events are made together. */
  spanOf(seq: Seq): FrameSpan;
  /** The changes of levels and the trades that these frames show, and perhaps others of their segment; from a cache where they are there. */
  levels(span: FrameSpan): Promise<SegmentLevels>;
  /** What happens to orders, in the same way. */
  orders(span: FrameSpan): Promise<SegmentOrders>;
}

/** Frames `first` to `last`, both inclusive: of a whole segment, or of a part of one. */
export interface FrameSpan {
  readonly first: Seq;
  readonly last: Seq;
  readonly isWhole: boolean;
}

/**
 * The event track of a simulated tape, which is made when it is read: a segment at a time, where a user has given orders a block at a time. A reader waits
 * for one segment while the next one is made, and so never has more than two; no block is made ahead, since the next order would change it again. A range needs both ends: all methods with one reject with `RefusedError` for a range without, or of more than six hours.
 */
export class SimulatedTrack implements TrackReader {
  readonly decimals: TrackDecimals;
  readonly orders: OrderReader = { batches: (range) => this.#orderBatches(range) };
  readonly #parts: SimulatedTrackParts;

  constructor(parts: SimulatedTrackParts) {
    this.#parts = parts;
    this.decimals = parts.decimals;
  }

  events(range: TrackRange = {}): AsyncGenerator<TrackedEvent, void, undefined> {
    return eachOf(this.eventLists(range));
  }

  eventLists(range: TrackRange = {}): AsyncGenerator<readonly TrackedEvent[], void, undefined> {
    return eventsOfBatches(this.bookBatches(range), this.tradeBatches(range), this.decimals);
  }

  async *bookBatches(range: TrackRange = {}): AsyncGenerator<BookBatch, void, undefined> {
    for await (const { columns, start, end } of this.#slices(range, this.#parts.levels, ({ book }) => book)) {
      const rows = end - start;
      const part = bookRows.between(columns, start, end);
      const { timestamp, n } = part;
      const noIds = new Float64Array(rows).fill(Number.NaN);
      const ids = { firstId: noIds, lastId: noIds, previousId: noIds };
      yield { ...part, rows, origin: async () => ({ localTimestamp: timestamp, heard: n, ...ids }) };
    }
  }

  async *tradeBatches(range: TrackRange = {}): AsyncGenerator<TradeBatch, void, undefined> {
    for await (const { columns, start, end } of this.#slices(range, this.#parts.levels, ({ trades }) => trades)) {
      const rows = end - start;
      const part = tradeRows.between(columns, start, end);
      const { timestamp, n } = part;
      const id = new Array<string>(rows).fill("");
      const own = columns.own.subarray(start, end);
      yield { ...part, own, rows, origin: async () => ({ localTimestamp: timestamp, heard: n, id }) };
    }
  }

  /** Makes one span of frames, or two if nothing of the first one is in the book yet. Beyond the tape it is the book at its end. */
  async bookAt(place: TrackPlace): Promise<FullBook> {
    const { first, last } = framesOfPlace(place, this.#parts);
    if (first < 0) return { n: -1, bids: [], asks: [], knownLow: undefined, knownHigh: undefined, limitsKnown: true };
    let span = this.#parts.spanOf(Math.min(frameCount - 1, first));
    let { opening, book: rows } = await this.#parts.levels(span);
    // Of an event only the segment is known.
    while (
      "n" in place &&
      span.last < Math.min(last, frameCount - 1) &&
      rowsBefore(rows, after(place)) >= rowsUpTo(rows, span)
    ) {
      span = this.#parts.spanOf(span.last + 1);
      ({ opening, book: rows } = await this.#parts.levels(span));
    }
    const end = rowsBefore(rows, after(place));
    const replay = new BookReplay();
    const { side, price, amount } = opening;
    const level = (at: number) => [bookSides[side[at] ?? 0] ?? "bid", price[at] ?? 0, amount[at] ?? 0] as const;
    const before = end > 0 || span.first === 0 ? undefined : await this.#lastNumberUpTo(span.first - 1);
    replay.start(before ?? -1, Array.from(side.keys(), level));
    replay.apply(rows, 0, end);
    const { n, book } = replay;
    const [priceScale, sizeScale] = [Number(`1e${this.decimals.price}`), Number(`1e${this.decimals.size}`)];
    const levels = (of: typeof book.bids) =>
      of.top(of.depth).map(([units, lots]) => [units / priceScale, lots / sizeScale] as const);
    return {
      n,
      bids: levels(book.bids),
      asks: levels(book.asks),
      knownLow: undefined,
      knownHigh: undefined,
      limitsKnown: true,
    };
  }

  /** The number of the last change of the book by the end of a span. */
  async #lastNumberUpTo(seq: Seq): Promise<number | undefined> {
    const span = this.#parts.spanOf(seq);
    const { book } = await this.#parts.levels(span);
    return book.n[rowsUpTo(book, span) - 1];
  }

  async *#orderBatches(range: TrackRange = {}): AsyncGenerator<OrderBatch, void, undefined> {
    for await (const { columns, start, end } of this.#slices(range, this.#parts.orders, (orders) => orders)) {
      const rows = end - start;
      const timestamp = columns.timestamp.subarray(start, end);
      const n = columns.n.subarray(start, end);
      yield {
        ...{ rows, n, seq: columns.seq.subarray(start, end), heard: n, timestamp, localTimestamp: timestamp },
        orderId: columns.orderId.subarray(start, end),
        action: Array.from(columns.action.subarray(start, end), (place) => simulatedActions[place] ?? ""),
        side: columns.side.subarray(start, end),
        price: columns.price.subarray(start, end),
        amount: columns.amount.subarray(start, end),
        rest: columns.rest.subarray(start, end),
        state: columns.state.subarray(start, end),
        own: columns.own.subarray(start, end),
        sequence: new Float64Array(rows).fill(Number.NaN),
      };
    }
  }

  /** The rows of a range, span by span; those that have none are left out. */
  async *#slices<Made, Rows extends OrderedRows>(
    range: TrackRange,
    load: (span: FrameSpan) => Promise<Made>,
    rowsOf: (made: Made) => Rows,
  ) {
    const { from, to } = boundedRange(range, this.#parts);
    const first = Math.max(0, framesOfPlace(from, this.#parts).first);
    const last = Math.min(frameCount - 1, framesOfPlace(before(to), this.#parts).last);
    let span = first <= last ? this.#parts.spanOf(first) : undefined;
    let loading = span && load(span);
    while (span !== undefined && loading !== undefined) {
      const columns = rowsOf(await loading);
      const next: FrameSpan | undefined = span.last < last ? this.#parts.spanOf(span.last + 1) : undefined;
      loading = next?.isWhole ? load(next) : undefined;
      // Who stops reading does not hear of it.
      loading?.catch(() => undefined);
      const [own, whole] = [rowsBefore(columns, { seq: span.first }), rowsUpTo(columns, span)];
      const [start, end] = [Math.max(own, rowsBefore(columns, from)), Math.min(whole, rowsBefore(columns, to))];
      if (start < end) yield { columns, start, end };
      if (end < whole) return;
      loading ??= next && load(next);
      span = next;
    }
  }
}

/** How many rows there are up to the end of a span. */
function rowsUpTo(rows: OrderedRows, { last }: FrameSpan): number {
  return rowsBefore(rows, { seq: last + 1 });
}
