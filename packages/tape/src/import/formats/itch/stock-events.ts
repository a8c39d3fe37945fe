import type { BookSideName } from "@tapedeck/market";
import { isoOfNs, type TradeSide } from "@tapedeck/protocol";
import { cleared, type OrderAction, type TrackOrder } from "../../../track/orders/order-rows.js";
import type { Instrument, SourceEvent } from "../../events/source-event.js";
import { BrokenLine } from "../../import-errors.js";
import type { ReadContext } from "../format.js";
import { type OrderId, type RestingOrder, RestingOrders } from "../resting-orders.js";

/** When a message came. */
export interface MessageTime {
  /** Nanoseconds since 1970. */
  readonly ns: bigint;
  /** Its number in the file, which is the venue's if the file begins with the day. */
  readonly sequence: number;
  /** The file begins with the day. */
  readonly whole: boolean;
}

/** A trade, and the number that the venue gave it. */
export interface Print {
  readonly id: OrderId;
  readonly price: number;
  readonly size: number;
}

/** How an order was executed. */
export interface Execution {
  readonly id: OrderId;
  /** Undefined: at the order's price. */
  readonly price?: number;
  /** Whether it counts as a trade: executions of a cross are said once more, as the cross. */
  readonly printed: boolean;
}

/** More shares do not exist, and numbers of more digits would be rounded. */
const mostShares = 1e15;

/** Trading states in which a stock does not trade. */
const stopped: Readonly<Record<string, string>> = { H: "halted", P: "paused", Q: "in a quotation period" };

/**
 * Rebuilds the book of one stock from its orders. Each message is an event of its own: its order, the levels that it changes, and the trade
 * before them.
 */
export class StockEvents {
  /** Whether it had an event. */
  begun = false;
  readonly #instrument: Instrument;
  readonly #fileName: string;
  readonly #reading: ReadContext;
  readonly #resting = new RestingOrders();
  #stopped = false;

  constructor(instrument: Instrument, fileName: string, reading: ReadContext) {
    this.#instrument = instrument;
    this.#fileName = fileName;
    this.#reading = reading;
  }

  /** An order that rests from now on. Throws `BrokenLine`. */
  add(when: MessageTime, id: OrderId, order: RestingOrder, out: SourceEvent[]): void {
    if (order.size === 0) throw new BrokenLine("an order has no shares");
    if (this.#resting.has(id)) this.#reading.ignore("order that was there already");
    this.#resting.add(id, order);
    this.#say(when, [this.#row(when, "add", id, order, order.size)], out);
  }

  /** Shares of an order that rested were traded. */
  execute(
    when: MessageTime,
    id: OrderId,
    size: number,
    { id: print, price, printed }: Execution,
    out: SourceEvent[],
  ): void {
    const order = this.#resting.orderOf(id);
    if (order === undefined) {
      this.#reading.ignore("execution of an order that is not known");
      return;
    }
    if (!printed) this.#reading.ignore("execution that is part of a cross, no trade of its own");
    // The order rested: the taker is of the other side.
    const side = order.side === "bid" ? "sell" : "buy";
    if (printed) this.#trade(when, { id: print, price: price ?? order.price, size }, side, out);
    this.#resting.cancel(id, size);
    this.#say(when, [this.#row(when, "execute", id, order, size)], out);
  }

  /** Shares of an order were cancelled. @param size undefined: all that rest */
  cancel(when: MessageTime, id: OrderId, size: number | undefined, out: SourceEvent[]): void {
    const order = this.#resting.orderOf(id);
    if (order === undefined) {
      this.#reading.ignore("cancellation of an order that is not known");
      return;
    }
    const cancelled = size ?? order.size;
    this.#resting.cancel(id, cancelled);
    this.#say(when, [this.#row(when, "cancel", id, order, cancelled)], out);
  }

  /** An order took the place of another one, and has its side. Throws `BrokenLine`. */
  replace(
    when: MessageTime,
    id: OrderId,
    next: OrderId,
    { price, size }: Pick<RestingOrder, "price" | "size">,
    out: SourceEvent[],
  ): void {
    const order = this.#resting.orderOf(id);
    if (order === undefined) {
      this.#reading.ignore("replacement of an order that is not known");
      return;
    }
    if (size === 0) throw new BrokenLine("an order has no shares");
    this.#resting.cancel(id, order.size);
    const gone = this.#row(when, "cancel", id, order, order.size);
    const made = { side: order.side, price, size };
    this.#resting.add(next, made);
    this.#say(when, [gone, this.#row(when, "add", next, made, size)], out);
  }

  /** An order that no book shows was traded. The venue does not say of which side it was. */
  tradeHidden(when: MessageTime, print: Print, out: SourceEvent[]): void {
    this.#trade(when, print, "unknown", out);
    const { price, size } = print;
    this.#say(when, [this.#row(when, "hidden", 0, { side: undefined, price }, size)], out);
  }

  /** An auction. One without shares is no trade. */
  cross(when: MessageTime, print: Print, out: SourceEvent[]): void {
    if (print.size > 0) this.#trade(when, print, "unknown", out);
    else this.#reading.ignore("cross without shares");
  }

  /** A trade was undone later. */
  broken(): void {
    this.#reading.ignore("trade that the venue declared broken later, on the tape as it was when it happened");
  }

  /** The stock trades again, or no longer. @param reason the venue's code */
  traded({ ns }: MessageTime, state: string, reason: string): void {
    const how = stopped[state];
    const { symbol } = this.#instrument;
    const time = isoOfNs(ns, 3);
    if (how !== undefined) {
      this.#reading.notice(`${symbol} was ${how} from ${time}${reason === "" ? "" : ` (${reason})`}.`);
    } else if (this.#stopped) this.#reading.notice(`${symbol} traded again from ${time}.`);
    this.#stopped = how !== undefined;
  }

  /** Nothing happened to the stock. */
  pulse(ns: bigint): SourceEvent {
    return { kind: "pulse", instrument: this.#instrument, ns, receivedNs: ns };
  }

  #trade({ ns, sequence }: MessageTime, { id, price, size }: Print, side: TradeSide, out: SourceEvent[]): void {
    if (size === 0 || size > mostShares) throw new BrokenLine(`a trade has ${size} shares`);
    out.push({
      kind: "trade",
      instrument: this.#instrument,
      ...{ ns, receivedNs: ns, sequence, price, size, side },
      ...(id !== 0 && { id: typeof id === "bigint" ? String(id) : id }),
      timestamp: isoOfNs(ns, 9),
    });
  }

  // HOT: once per message of an imported stock.
  #say({ ns, sequence, whole }: MessageTime, orders: readonly TrackOrder[], out: SourceEvent[]): void {
    const base = { instrument: this.#instrument, ns, receivedNs: ns, sequence };
    if (this.begun) {
      out.push({ kind: "diff", ...base, ...this.#resting.takeChanges(), orders });
      return;
    }
    this.begun = true;
    if (!whole) {
      this.#reading.notice(
        `${this.#fileName} does not begin with the day, so its books lack orders that rested before and are not touched later.`,
      );
    }
    const begins: TrackOrder = { ...cleared, timestampNs: ns, receivedNs: ns };
    out.push({ kind: "snapshot", ...base, ...this.#resting.levels(), orders: [begins, ...orders] });
  }

  #row(
    { ns, sequence }: MessageTime,
    action: OrderAction,
    id: OrderId,
    { side, price }: { readonly side: BookSideName | undefined; readonly price: number },
    amount: number,
  ): TrackOrder {
    const rest = action === "hidden" ? undefined : this.#resting.sizeOf(id);
    return { timestampNs: ns, receivedNs: ns, action, id, side, price, amount, rest, sequence };
  }
}
