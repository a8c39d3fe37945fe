import type { BookSideName } from "@tapedeck/market";
import { cleared, type OrderAction, type TrackOrder } from "../../../track/orders/order-rows.js";
import type { Instrument, SourceEvent } from "../../events/source-event.js";
import { BrokenLine } from "../../import-errors.js";
import type { ReadContext } from "../format.js";
import { type OrderId, RestingOrders } from "../resting-orders.js";
import { type DatabentoRecord, flag, type RecordTimes } from "./record.js";

/** An event of the venue whose last record has not come yet. */
interface OpenEvent {
  readonly times: RecordTimes;
  /** The venue's time of its last record. */
  readonly eventNs: bigint | undefined;
  readonly fromSnapshot: boolean;
  readonly sequence: number | undefined;
}

/**
 * Rebuilds the book of one instrument from its orders, record by record. The records of an event of the venue change the book at once, as the
 * last one of them says: in between, a book may be crossed that never was.
 */
export class OrderEvents {
  readonly #instrument: Instrument;
  readonly #fileName: string;
  readonly #reading: ReadContext;
  readonly #resting = new RestingOrders();
  #open: OpenEvent | undefined;
  /** What the open event says of orders. */
  #orders: TrackOrder[] = [];
  #instrumentId: number | undefined;
  /** Whole books are said as such: what a file before this one left is not in them. */
  #whole = true;
  /** Time of the newest change of the book, nanoseconds since 1970. */
  #newest = 0n;

  constructor(instrument: Instrument, fileName: string, reading: ReadContext) {
    this.#instrument = instrument;
    this.#fileName = fileName;
    this.#reading = reading;
  }

  /** Adds the events that the record completes to `out`. `trades`: the record itself, if it is one. Throws `BrokenLine`. */
  push(
    record: DatabentoRecord,
    orderId: OrderId,
    times: RecordTimes,
    trades: readonly SourceEvent[],
    out: SourceEvent[],
  ): void {
    checkOrder(record);
    const fromSnapshot = (record.flags & flag.snapshot) !== 0;
    const begins = record.instrumentId !== this.#instrumentId;
    const open = this.#open;
    if (open !== undefined && (begins || !continues(open, record, fromSnapshot))) this.#complete(open, out);
    if (begins) this.#begin(record, times);
    const known = "AM".includes(record.action) || this.#resting.has(orderId);
    this.#apply(record, orderId);
    this.#noteOrder(record, orderId, times, known);
    out.push(...trades);
    this.#open = { times, eventNs: record.eventNs, fromSnapshot, sequence: record.sequence };
    if ((record.flags & flag.last) !== 0) this.#complete(this.#open, out);
  }

  /** Adds what the file's end completes. */
  end(out: SourceEvent[]): void {
    if (this.#open !== undefined) this.#complete(this.#open, out);
  }

  /** The first record of the file, or of the next contract of a continuous symbol. */
  #begin({ instrumentId, action }: DatabentoRecord, { ns, receivedNs }: RecordTimes): void {
    this.#instrumentId = instrumentId;
    this.#resting.clear();
    this.#whole = true;
    if (action === "R") return;
    const { source, symbol } = this.#instrument;
    this.#reading.notice(
      `${this.#fileName}: ${source} ${symbol} begins without the orders that rested before, so its book lacks those that are not touched later.`,
    );
    this.#orders.push({ ...cleared, timestampNs: ns, receivedNs });
  }

  #apply({ action, side, price, size, flags }: DatabentoRecord, id: OrderId): void {
    const of: BookSideName = side === "A" ? "ask" : "bid";
    if (action === "R") {
      this.#resting.clear();
      if ((flags & flag.snapshot) !== 0) this.#whole = true;
    } else if ("AMC".includes(action) && (flags & flag.topOfBook) !== 0) {
      this.#resting.replaceSide(of, price === undefined || action === "C" ? undefined : [price, size]);
    } else if (action === "C") {
      if (!this.#resting.cancel(id, size)) this.#reading.ignore("cancellation of an order that is not known");
    } else if ((action === "A" || action === "M") && price !== undefined) {
      if (action === "A" && this.#resting.has(id)) this.#reading.ignore("order that was there already");
      this.#resting.add(id, { side: of, price, size });
    }
    // Trades and fills change nothing: cancellations or modifications of the orders follow them.
  }

  /** @param known what rests of the order is known */
  #noteOrder(record: DatabentoRecord, id: OrderId, times: RecordTimes, known: boolean): void {
    const { action, side, price, size, flags, sequence, eventNs } = record;
    const what = orderActions[action];
    // Nothing is an order that has no number, be it what came and traded or what a venue without orders says of its best price.
    if (what === undefined || (flags & flag.topOfBook) !== 0 || (action === "T" && id === 0)) return;
    this.#orders.push({
      timestampNs: eventNs ?? times.ns,
      receivedNs: times.receivedNs,
      action: what,
      id,
      side: side === "N" ? undefined : side === "A" ? "ask" : "bid",
      price,
      amount: size,
      rest: known ? this.#resting.sizeOf(id) : undefined,
      sequence,
    });
  }

  #complete({ times, sequence }: OpenEvent, out: SourceEvent[]): void {
    this.#open = undefined;
    // The order of the records is the venue's, whatever their times.
    if (times.ns > this.#newest) this.#newest = times.ns;
    const orders = this.#orders;
    this.#orders = [];
    const base = { instrument: this.#instrument, ns: this.#newest, receivedNs: times.receivedNs, sequence, orders };
    if (this.#whole) {
      this.#whole = false;
      out.push({ kind: "snapshot", ...base, ...this.#resting.levels() });
      return;
    }
    const changes = this.#resting.takeChanges();
    // Orders can change without their levels: they are on the track all the same.
    if (changes.bids.length + changes.asks.length + orders.length > 0) out.push({ kind: "diff", ...base, ...changes });
  }
}

const orderActions: Readonly<Record<string, OrderAction>> = {
  A: "add",
  M: "modify",
  C: "cancel",
  F: "execute",
  T: "trade",
  R: "clear",
};

/** Not all venues mark an event's last record; then a later time begins another. The orders of a snapshot have times of their own. */
function continues(open: OpenEvent, { eventNs }: DatabentoRecord, fromSnapshot: boolean): boolean {
  return open.fromSnapshot ? fromSnapshot : !fromSnapshot && open.eventNs === eventNs;
}

/** Before anything changes: a broken record changes nothing. */
function checkOrder({ action, side, price, flags }: DatabentoRecord): void {
  if (!"AMC".includes(action)) return;
  if (side === "N") throw new BrokenLine("an order has no side");
  if (action !== "C" && price === undefined && (flags & flag.topOfBook) === 0) {
    throw new BrokenLine("an order has no price");
  }
}
