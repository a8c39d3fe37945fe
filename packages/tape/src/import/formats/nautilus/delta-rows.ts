import type { BookLevel, BookSideName } from "@tapedeck/market";
import { cleared, type OrderAction, type TrackOrder } from "../../../track/orders/order-rows.js";
import type { Instrument, SourceEvent } from "../../events/source-event.js";
import { BrokenLine } from "../../import-errors.js";
import type { Table } from "../../input/table/table.js";
import { shown, sizeOf } from "../../messages/fields.js";
import type { ReadContext } from "../format.js";
import { type OrderId, RestingOrders } from "../resting-orders.js";
import { FixedPoint } from "./fixed-point.js";
import { CatalogRows } from "./rows.js";

/** By nautilus' numbers. */
const actions: Readonly<Record<string, "add" | "update" | "delete" | "clear">> = {
  ...{ 1: "add", 2: "update", 3: "delete", 4: "clear" },
};
const sides: Readonly<Record<string, BookSideName>> = { 1: "bid", 2: "ask" };
/** Bits of a row's flags: the last row of a message; a row of a snapshot. */
const flag = { last: 128, snapshot: 32 } as const;

type Base = ReturnType<CatalogRows["baseOf"]>;

/** A message whose last row has not come yet. */
interface OpenMessage {
  readonly base: Base;
  readonly fromSnapshot: boolean;
  /** The book was emptied in it: what follows is the whole of it. */
  cleared: boolean;
  bids: BookLevel[];
  asks: BookLevel[];
  orders: TrackOrder[];
}

/**
 * Changes of a book. Without order ids a row is a level and its new size; with them it is an order, and levels are sums. The rows of a
 * message change the book at once, as the last one of them says.
 */
export class DeltaRows extends CatalogRows {
  readonly #reading: ReadContext;
  readonly #prices: FixedPoint;
  readonly #sizes: FixedPoint;
  /** Undefined: no order has been named. */
  #resting: RestingOrders | undefined;
  #open: OpenMessage | undefined;

  constructor(table: Table, instrument: Instrument, reading: ReadContext) {
    super(table, instrument);
    this.#reading = reading;
    this.#prices = new FixedPoint(table, "price", "price_precision");
    this.#sizes = new FixedPoint(table, "size", "size_precision");
  }

  protected row(value: (column: string) => string, out: SourceEvent[]): void {
    const action = actions[value("action")];
    if (action === undefined) throw new BrokenLine(`action is none of 1 to 4: ${shown(value("action"))}`);
    const flags = Number(value("flags"));
    const base = this.baseOf(value);
    const change = action === "clear" ? undefined : this.#changeOf(value, action);
    const open = this.#messageOf(base, (flags & flag.snapshot) !== 0, out);
    if (action === "clear" || change === undefined) this.#clear(open);
    else if (change.id === 0) {
      const level: BookLevel = [change.price, action === "delete" ? 0 : change.size];
      (change.side === "bid" ? open.bids : open.asks).push(level);
    } else this.#order(open, change, action);
    if ((flags & flag.last) !== 0) this.end(out);
  }

  end(out: SourceEvent[]): void {
    if (this.#open === undefined) return;
    const { base, cleared: whole, bids, asks, orders } = this.#open;
    this.#open = undefined;
    const resting = this.#resting;
    if (resting === undefined) out.push({ kind: whole ? "snapshot" : "diff", ...base, bids, asks });
    else if (whole) out.push({ kind: "snapshot", ...base, ...resting.levels(), orders });
    else out.push({ kind: "diff", ...base, ...resting.takeChanges(), orders });
  }

  /** Throws `BrokenLine`. */
  #changeOf(value: (column: string) => string, action: "add" | "update" | "delete") {
    const side = sides[value("side")];
    if (side === undefined) throw new BrokenLine(`side is neither 1 (buy) nor 2 (sell): ${shown(value("side"))}`);
    const id = orderIdOf(value("order_id"));
    if (id === 0 && this.#resting !== undefined) throw new BrokenLine("it has no order_id, and rows before it have");
    const gone = action === "delete" && id !== 0;
    const price = gone ? 0 : this.#prices.valueOf(value("price"));
    return { side, id, price, size: gone ? 0 : sizeOf(this.#sizes.valueOf(value("size")), "size") };
  }

  /** The message that a row belongs to. Not all programs mark the last row: then another time begins another message. */
  #messageOf(base: Base, fromSnapshot: boolean, out: SourceEvent[]): OpenMessage {
    const open = this.#open;
    if (open !== undefined) {
      const same = open.base.ns === base.ns && open.base.receivedNs === base.receivedNs;
      if (same || (open.fromSnapshot && fromSnapshot)) return open;
      this.end(out);
    }
    this.#open = { base, fromSnapshot, cleared: false, bids: [], asks: [], orders: [] };
    return this.#open;
  }

  #clear(open: OpenMessage): void {
    open.cleared = true;
    open.bids = [];
    open.asks = [];
    this.#resting?.clear();
    const { ns, receivedNs } = open.base;
    open.orders.push({ ...cleared, derived: false, timestampNs: ns, receivedNs });
  }

  #order(
    open: OpenMessage,
    { id, side, price, size }: { id: OrderId; side: BookSideName; price: number; size: number },
    action: "add" | "update" | "delete",
  ): void {
    this.#resting ??= new RestingOrders();
    const resting = this.#resting;
    const before = resting.orderOf(id);
    const { ns, receivedNs, sequence } = open.base;
    const row = (what: OrderAction, at: number, amount: number, rest: number | undefined): TrackOrder => {
      return { timestampNs: ns, receivedNs, action: what, id, side, price: at, amount, rest, sequence };
    };
    if (action === "delete") {
      if (before === undefined) this.#reading.ignore("removal of an order that is not known");
      else {
        resting.cancel(id, before.size);
        open.orders.push(row("cancel", before.price, before.size, 0));
      }
      return;
    }
    resting.add(id, { side, price, size });
    open.orders.push(row(action === "add" ? "add" : "modify", price, size, size));
  }
}

function orderIdOf(text: string): OrderId {
  if (!/^\d{1,20}$/.test(text)) throw new BrokenLine(`order_id is not a whole number: ${shown(text)}`);
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt.asUintN(64, BigInt(text));
}
