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
  readonly #ids = new Map<RestingOrder, number>();
  readonly #resting = new Set<RestingOrder>();
  /** Numbers of the orders of the book that the segment ends with. */
  #closing: ReadonlyMap<BorderOrder, number> = new Map();
  #orders = 0;
  #state = eventStates.indexOf("applied");
  #lastTick = Number.NaN;
  readonly #rows: Row[] = [];
  readonly #times: bigint[] = [];
  readonly #states: number[] = [];
  /** Of the rows whose event is known: the first ones. */
  readonly #n: number[] = [];
  readonly #seq: number[] = [];

  constructor(segment: number) {
    this.#segment = segment;
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

  /** Rows since the last call make the levels of this event. */
  shownBy({ n, seq }: RecordedEvent): void {
    while (this.#n.length < this.#rows.length) {
      this.#n.push(n);
      this.#seq.push(seq);
    }
  }

  rested(order: RestingOrder, ms: number): void {
    const action = this.#resting.has(order) ? "modify" : "add";
    this.#resting.add(order);
    this.#add(rowOf(action, this.#idOf(order), order, order.lots, order.lots), ms);
  }

  executed(order: RestingOrder, lots: number, ms: number, own: boolean): void {
    this.#lastTick = order.tick;
    this.#add({ ...rowOf("execute", this.#idOf(order), order, lots, order.lots), own }, ms);
    if (order.lots === 0) this.#forget(order);
  }

  cancelled(order: RestingOrder, ms: number): void {
    if (this.#resting.has(order)) this.#add(rowOf("cancel", this.#idOf(order), order, order.lots, 0), ms);
    this.#forget(order);
  }

  took(side: "buy" | "sell", lots: number, ms: number, order: RestingOrder | undefined): void {
    // It rested elsewhere until it came to trade.
    if (order !== undefined && this.#resting.delete(order)) {
      this.#add(rowOf("cancel", this.#idOf(order), order, order.lots, 0), ms);
    }
    const id = order === undefined ? this.#nextId() : this.#idOf(order);
    this.#add({ action: "trade", id, side: takers[side], tick: this.#lastTick, lots, rest: 0 }, ms);
  }

  printed(side: "buy" | "sell", tick: number, lots: number, ms: number): void {
    this.#add({ action: "trade", id: 0, side: takers[side], tick, lots, rest: 0 }, ms);
  }

  finish(): SegmentOrders {
    // Trades without an order change no level, and may come after the last change.
    this.shownBy({ n: this.#n.at(-1) ?? firstNumberOf(this.#segment), seq: this.#seq.at(-1) ?? 0 });
    const column = (value: (row: Row) => number) => Float64Array.from(this.#rows, value);
    return {
      n: new Float64Array(this.#n),
      seq: new Float64Array(this.#seq),
      timestamp: new BigInt64Array(this.#times),
      orderId: BigUint64Array.from(this.#rows, ({ id }) => BigInt(id)),
      action: Uint8Array.from(this.#rows, ({ action }) => simulatedActions.indexOf(action)),
      side: Uint8Array.from(this.#rows, ({ side }) => side),
      price: column(({ tick }) => tick),
      amount: column(({ lots }) => lots),
      rest: column(({ rest }) => rest),
      state: new Uint8Array(this.#states),
      own: Uint8Array.from(this.#rows, ({ own }) => (own ? 1 : 0)),
    };
  }

  #add(row: Row, ms: number): void {
    this.#rows.push(row);
    this.#times.push(simulatedStartNs + BigInt(tapeMsOf(this.#segment, Math.max(1, ms))) * 1_000_000n);
    this.#states.push(this.#state);
  }

  #idOf(order: RestingOrder): number {
    const known = this.#ids.get(order);
    if (known !== undefined) return known;
    const { borderOrder } = order;
    const id = (borderOrder && this.#closing.get(borderOrder)) ?? this.#nextId();
    this.#ids.set(order, id);
    return id;
  }

  #nextId(): number {
    this.#orders++;
    return firstNumberOf(this.#segment) + this.#orders;
  }

  #forget(order: RestingOrder): void {
    this.#ids.delete(order);
    this.#resting.delete(order);
  }
}

function rowOf(action: Action, id: number, { side, tick }: RestingOrder, lots: number, rest: number): Row {
  return { action, id, side: sides[side], tick, lots, rest };
}
