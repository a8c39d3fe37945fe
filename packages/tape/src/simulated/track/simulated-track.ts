import { segments } from "@tapedeck/market";
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
import { eventsOfBatches } from "../../track/tracked-events.js";
import { simulatedActions } from "./order-recorder.js";
import type { SegmentLevels, SegmentOrders } from "./segment-track.js";
import { after, before, boundedRange, rowsBefore, segmentOfPlace } from "./track-limits.js";

interface SimulatedTrackParts {
  /** `id@version` of the tape. */
  readonly id: string;
  /** Nanoseconds since 1970 of tape time 0. */
  readonly startNs: bigint;
  readonly decimals: TrackDecimals;
  /** The changes of levels and the trades of a segment, from a cache where they are there. */
  levels(segment: number): Promise<SegmentLevels>;
  /** What happens to its orders, in the same way. */
  orders(segment: number): Promise<SegmentOrders>;
}

/**
 * The event track of a simulated tape, which is made a segment at a time when it is read. A reader waits for one segment while the next one is made,
 * and so never has more than two. A range needs both ends: all methods with one reject with `RefusedError` for a range without, or of more than six hours.
 */
export class SimulatedTrack implements TrackReader {
  readonly decimals: TrackDecimals;
  readonly orders: OrderReader = { batches: (range) => this.#orderBatches(range) };
  readonly #parts: SimulatedTrackParts;

  constructor(parts: SimulatedTrackParts) {
    this.#parts = parts;
    this.decimals = parts.decimals;
  }

  async *events(range: TrackRange = {}): AsyncGenerator<TrackedEvent, void, undefined> {
    yield* eventsOfBatches(this.bookBatches(range), this.tradeBatches(range), this.decimals);
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

  /** Makes one segment, or two if nothing of the first one is in the book yet. Beyond the tape it is the book at its end. */
  async bookAt(place: TrackPlace): Promise<FullBook> {
    const segment = Math.min(segments - 1, segmentOfPlace(place, this.#parts));
    if (segment < 0) return { n: -1, bids: [], asks: [], knownLow: undefined, knownHigh: undefined, limitsKnown: true };
    const { opening, book: rows } = await this.#parts.levels(segment);
    const end = rowsBefore(rows, after(place));
    const replay = new BookReplay();
    const { side, price, amount } = opening;
    const level = (at: number) => [bookSides[side[at] ?? 0] ?? "bid", price[at] ?? 0, amount[at] ?? 0] as const;
    const last = end > 0 || segment === 0 ? undefined : (await this.#parts.levels(segment - 1)).book.n.at(-1);
    replay.start(last ?? -1, Array.from(side.keys(), level));
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

  /** The rows of a range, segment by segment; those that have none are left out. */
  async *#slices<Segment, Rows extends Parameters<typeof rowsBefore>[0]>(
    range: TrackRange,
    load: (segment: number) => Promise<Segment>,
    rowsOf: (segment: Segment) => Rows,
  ) {
    const { from, to } = boundedRange(range, this.#parts);
    const first = Math.max(0, segmentOfPlace(from, this.#parts));
    const last = Math.min(segments - 1, segmentOfPlace(before(to), this.#parts));
    let next = first <= last ? load(first) : undefined;
    for (let segment = first; next !== undefined; segment++) {
      const columns = rowsOf(await next);
      next = segment < last ? load(segment + 1) : undefined;
      // Who stops reading does not hear of it.
      next?.catch(() => undefined);
      const [start, end] = [rowsBefore(columns, from), rowsBefore(columns, to)];
      if (start < end) yield { columns, start, end };
    }
  }
}
