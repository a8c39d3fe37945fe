import type { BookRows, TradeRows } from "../../track/batches.js";

/**
 * Segment `s` has the event numbers from `s` times this on, so a number says its segment and its place in it. The first one is kept for the book
 * that the segment begins with. A segment has at most some 600,000 events: 900 trades and some messages in each of 600 frames.
 */
export const numbersPerSegment = 2 ** 20;

/** The number that is kept for the book that a segment begins with. */
export function firstNumberOf(segment: number): number {
  return segment * numbersPerSegment;
}

/** The book before the first of some rows. */
export interface OpeningRows {
  /** Place in `bookSides`. */
  readonly side: Uint8Array;
  readonly price: Float64Array;
  readonly amount: Float64Array;
}

/** The book's changes and the trades of a segment, or of some frames of it. */
export interface SegmentLevels {
  /** Empty at the tape's beginning, where an event says the whole book. */
  readonly opening: OpeningRows;
  readonly book: BookRows;
  readonly trades: TradeRows & Pick<SegmentOrders, "own">;
}

/** What happened to the orders of a segment, or in some frames of it. All times are both the venue's and the recorder's. */
export interface SegmentOrders {
  readonly n: Float64Array;
  readonly seq: Float64Array;
  readonly timestamp: BigInt64Array;
  readonly orderId: BigUint64Array;
  /** Place in `simulatedActions`. */
  readonly action: Uint8Array;
  /** Place in `orderSides`. */
  readonly side: Uint8Array;
  /** NaN for none. */
  readonly price: Float64Array;
  readonly amount: Float64Array;
  readonly rest: Float64Array;
  /** Place in `eventStates`. */
  readonly state: Uint8Array;
  /** 1: by an order of the user whose market it is. */
  readonly own: Uint8Array;
}

/** The buffers of rows, which can be handed to another thread. */
export function buffersOf(rows: object): ArrayBuffer[] {
  return columnsOf(rows).flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []));
}

/** Bytes that rows take in memory. */
export function bytesOf(rows: object): number {
  return columnsOf(rows).reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** The columns of rows, and of the rows that are in them. */
function columnsOf(rows: object): ArrayBufferView[] {
  return Object.values(rows).flatMap((value: unknown) => {
    if (ArrayBuffer.isView(value)) return [value];
    return typeof value === "object" && value !== null ? columnsOf(value) : [];
  });
}
