import { type BorderOrder, type OrderObserver, type RestingOrder, simulatedStartNs, tapeMsOf } from "@tapedeck/market";
import type { OrderAction } from "../../track/orders/order-rows.js";
import { eventStates } from "../../track/track.js";
import type { RecordedEvent } from "./level-recorder.js";
import { firstNumberOf, type SegmentOrders } from "./segment-track.js";

/** What the numbers in `action` stand for, by place. */
export const simulatedActions = [
  "add",
  "modify",
  "cancel",
  "execute",
  "trade",
  "clear",
] as const satisfies readonly OrderAction[];
type Action = (typeof simulatedActions)[number];

const sides = { bid: 0, ask: 1, none: 2 } as const;
const takers = { buy: sides.bid, sell: sides.ask } as const;

interface Row {
  readonly action: Action;
  /** 0: none. */
  readonly id: number;
  readonly side: number;
  /** NaN: none. */
  readonly tick: number;
  readonly lots: number;
  readonly rest: number;
  /** By an order of the user. */
  readonly own?: boolean;
}

const clear: Row = { action: "clear", id: 0, side: sides.none, tick: Number.NaN, lots: 0, rest: Number.NaN };

/**
 * Keeps what happens to the orders of a segment as rows. Orders have numbers from the segment's first event number on, without 0: first those of the
 * book that it begins with, in that book's order, which are the same numbers in the segment before, whose orders become them.
 */
export class OrderRecorder implements OrderObserver {
  readonly #segment: number;
  /** By the numbers of orders in their segment, which its copies share. */
  readonly #ids = new Map<number, number>();
  readonly #resting = new Set<number>();
  /** Numbers of the orders of the book that the segment ends with. */
  #closing: ReadonlyMap<BorderOrder, number> = new Map();
  #orders = 0;
  #state = eventStates.indexOf("applied");
  #lastTick = Number.NaN;
  #rows: Row[] = [];
  #times: bigint[] = [];
  #states: number[] = [];
  /** Of the rows whose event is known: the first ones. */
  #n: number[] = [];
  #seq: number[] = [];
  #lastEvent: RecordedEvent;

  constructor(segment: number) {
    this.#segment = segment;
    this.#lastEvent = { n: firstNumberOf(segment), seq: 0 };
    if (segment === 0) return;
    this.#state = eventStates.indexOf("derived");
    this.#add(clear, 1);
    this.#state = eventStates.indexOf("again");
  }

  /** All orders of the book that the segment begins with have been seen. */
  opened(event: RecordedEvent, closing: readonly BorderOrder[]): void {
    const first = firstNumberOf(this.#segment + 1) + 1;
    this.#closing = new Map(closing.map((order, at) => [order, first + at]));
    this.shownBy(event);
    this.#state = eventStates.indexOf("applied");
  }

  /** One that goes on here, with the rows whose event is not known yet. Only after `take`. */
  copy(): OrderRecorder {
    const copy = new OrderRecorder(this.#segment);
    for (const [number, id] of this.#ids) copy.#ids.set(number, id);
    for (const number of this.#resting) copy.#resting.add(number);
    copy.#closing = this.#closing;
    copy.#orders = this.#orders;
    copy.#state = this.#state;
    copy.#lastTick = this.#lastTick;
    copy.#rows = [...this.#rows];
    copy.#times = [...this.#times];
    copy.#states = [...this.#states];
    copy.#lastEvent = this.#lastEvent;
    return copy;
  }

  /** Rows since the last call make the levels of this event. */
  shownBy(event: RecordedEvent): void {
    const { n, seq } = event;
    if (this.#n.length < this.#rows.length) this.#lastEvent = event;
    while (this.#n.length < this.#rows.length) {
      this.#n.push(n);
      this.#seq.push(seq);
    }
  }

  rested(order: RestingOrder, ms: number): void {
    const action = this.#resting.has(order.number) ? "modify" : "add";
    this.#resting.add(order.number);
    this.#add(rowOf(action, this.#idOf(order), order, order.lots, order.lots), ms);
  }

  executed(order: RestingOrder, lots: number, ms: number, own: boolean): void {
    this.#lastTick = order.tick;
    this.#add({ ...rowOf("execute", this.#idOf(order), order, lots, order.lots), own }, ms);
    if (order.lots === 0) this.#forget(order);
  }

  cancelled(order: RestingOrder, ms: number): void {
    if (this.#resting.has(order.number)) this.#add(rowOf("cancel", this.#idOf(order), order, order.lots, 0), ms);
    this.#forget(order);
  }

  took(side: "buy" | "sell", lots: number, ms: number, order: RestingOrder | undefined): void {
    // It rested elsewhere until it came to trade.
    if (order !== undefined && this.#resting.delete(order.number)) {
      this.#add(rowOf("cancel", this.#idOf(order), order, order.lots, 0), ms);
    }
    const id = order === undefined ? this.#nextId() : this.#idOf(order);
    this.#add({ action: "trade", id, side: takers[side], tick: this.#lastTick, lots, rest: 0 }, ms);
  }

  printed(side: "buy" | "sell", tick: number, lots: number, ms: number): void {
    this.#add({ action: "trade", id: 0, side: takers[side], tick, lots, rest: 0 }, ms);
  }

  /** The rows since the last call whose event is known. */
  take(): SegmentOrders {
    const known = this.#n.length;
    const rows = this.#rows.splice(0, known);
    const column = (value: (row: Row) => number) => Float64Array.from(rows, value);
    const taken = {
      n: new Float64Array(this.#n),
      seq: new Float64Array(this.#seq),
      timestamp: new BigInt64Array(this.#times.splice(0, known)),
      orderId: BigUint64Array.from(rows, ({ id }) => BigInt(id)),
      action: Uint8Array.from(rows, ({ action }) => simulatedActions.indexOf(action)),
      side: Uint8Array.from(rows, ({ side }) => side),
      price: column(({ tick }) => tick),
      amount: column(({ lots }) => lots),
      rest: column(({ rest }) => rest),
      state: new Uint8Array(this.#states.splice(0, known)),
      own: Uint8Array.from(rows, ({ own }) => (own ? 1 : 0)),
    };
    this.#n = [];
    this.#seq = [];
    return taken;
  }

  /** The last rows of the segment. */
  finish(): SegmentOrders {
    // Trades without an order change no level, and may come after the last change.
    this.shownBy(this.#lastEvent);
    return this.take();
  }

  #add(row: Row, ms: number): void {
    this.#rows.push(row);
    this.#times.push(simulatedStartNs + BigInt(tapeMsOf(this.#segment, Math.max(1, ms))) * 1_000_000n);
    this.#states.push(this.#state);
  }

  #idOf(order: RestingOrder): number {
    const known = this.#ids.get(order.number);
    if (known !== undefined) return known;
    const { borderOrder } = order;
    const id = (borderOrder && this.#closing.get(borderOrder)) ?? this.#nextId();
    this.#ids.set(order.number, id);
    return id;
  }

  #nextId(): number {
    this.#orders++;
    return firstNumberOf(this.#segment) + this.#orders;
  }

  #forget(order: RestingOrder): void {
    this.#ids.delete(order.number);
    this.#resting.delete(order.number);
  }
}

function rowOf(action: Action, id: number, { side, tick }: RestingOrder, lots: number, rest: number): Row {
  return { action, id, side: sides[side], tick, lots, rest };
}
