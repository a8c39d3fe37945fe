import type { AccountView, Fill, Output } from "@tapedeck/matching";
import { isoOfNs, type SessionFill, type SessionOrder } from "@tapedeck/protocol";
import type { TrackDecimals } from "@tapedeck/tape";
import type { NumberedOrder } from "../actions/order-list.js";
import type { PlacedOrder } from "../actions/placed-order.js";
import { fixed, trimmed } from "../decimals.js";
import { isOpen, newEntry, type OrderEntry, type OrderOutcome, orderView } from "./order-entry.js";

/** What a session's viewers are told of its trading. */
export type TradingMessage =
  | { readonly type: "order"; readonly data: SessionOrder }
  | { readonly type: "trade_event"; readonly data: SessionFill };

/** What a ledger has heard: together with what was sent, all that it knows. */
export interface LedgerState {
  /** In the order in which they ended. */
  readonly ended: readonly OrderOutcome[];
  /** By the venue's number. */
  readonly arrived: readonly (readonly [number: number, order: OrderOutcome])[];
  readonly fills: readonly SessionFill[];
}

/** Why an action other than an order was refused when it arrived. It changed nothing. */
export interface ActionRefusal {
  readonly code: string;
  readonly message: string;
}

/** Orders and fills, made of what the engine says. */
export class Ledger {
  readonly fills: SessionFill[] = [];
  /** By number of the action that placed them, as text; those of liquidations by a name of their own. */
  readonly orders = new Map<string, OrderEntry>();
  readonly open = new Set<OrderEntry>();
  /** In the order in which they ended. */
  readonly ended: OrderEntry[] = [];
  readonly #decimals: TrackDecimals;
  /** Orders that have not arrived, in the order in which they will. */
  #underway: OrderEntry[] = [];
  /** By the venue's number. */
  readonly #accepted = new Map<number, OrderEntry>();
  #account: AccountView;
  #fill: { readonly output: Fill; readonly entry: OrderEntry } | undefined;

  constructor(decimals: TrackDecimals, account: AccountView) {
    this.#decimals = decimals;
    this.#account = account;
  }

  /** An order was sent. */
  sent(id: string, engineId: string, order: Omit<NumberedOrder, "number">, sentNs: bigint): void {
    const entry = newEntry(id, engineId, order, sentNs);
    this.orders.set(id, entry);
    this.open.add(entry);
    this.#underway.push(entry);
  }

  /** Open orders that have arrived, by the venue's number. */
  get arrived(): ReadonlyMap<number, OrderEntry> {
    return this.#accepted;
  }

  /** Goes on where another ledger was that had been sent the same so far, and perhaps less. */
  restore({ ended, arrived, fills }: LedgerState): void {
    for (const outcome of ended) {
      const entry = this.#restored(outcome);
      this.open.delete(entry);
      this.ended.push(entry);
    }
    for (const [number, outcome] of arrived) this.#accepted.set(number, this.#restored(outcome));
    for (const fill of fills) this.fills.push(fill);
    this.#underway = this.#underway.filter(({ status }) => status === "PENDING");
  }

  #restored({ id, own, ...outcome }: OrderOutcome): OrderEntry {
    let entry = this.orders.get(id);
    if (entry === undefined) {
      if (own === undefined) throw new RangeError(`order ${id} was not sent`);
      entry = this.#ownOrder(id, own.side, own.amount, own.createdNs);
    }
    return Object.assign(entry, outcome);
  }

  view(entry: OrderEntry): SessionOrder {
    return orderView(entry, this.#decimals);
  }

  /** An order as it would be after these outputs, which have not been heard. */
  after(order: OrderEntry, outputs: readonly Output[]): SessionOrder {
    const copy = new Ledger(this.#decimals, this.#account);
    const entry = { ...order };
    const number = [...this.#accepted].find(([, each]) => each === order)?.[0];
    if (number === undefined) copy.#underway.push(entry);
    else copy.#accepted.set(number, entry);
    for (const output of outputs) {
      if (output.kind === "account" || ("id" in output && output.id === order.engineId)) copy.hear(output);
    }
    return copy.view(entry);
  }

  /** What an output is for the owner: nothing, an order, or a fill and its order. A fill's comes with the account after it. */
  hear(output: Output): TradingMessage[] {
    switch (output.kind) {
      case "accepted":
        return this.#changed(this.#accept(output), output.atNs, "NEW");
      case "refused":
        if (output.action !== "place") return [];
        return this.#changed(this.#underway.shift(), output.atNs, "REJECTED", `${output.code}: ${output.message}`);
      case "fill": {
        const entry = this.#accepted.get(output.order);
        this.#fill = entry && { output, entry };
        return [];
      }
      case "account":
        return this.#filled(output.account);
      case "done": {
        const entry = this.#accepted.get(output.order);
        this.#accepted.delete(output.order);
        if (output.state === "FILLED") return [];
        return this.#changed(entry, output.atNs, output.state, output.reason);
      }
      case "triggered": {
        const entry = this.#accepted.get(output.order);
        if (entry === undefined) return [];
        if (output.amount !== undefined) entry.amount = entry.open = output.amount;
        entry.triggered = true;
        return this.#changed(entry, output.atNs, entry.status);
      }
      case "activated": {
        const entry = this.#accepted.get(output.order);
        if (entry === undefined) return [];
        entry.waits = false;
        return this.#changed(entry, output.atNs, entry.status);
      }
      case "reduced": {
        const entry = this.#accepted.get(output.order);
        if (entry === undefined) return [];
        entry.open = output.amount;
        entry.amount = entry.filled + output.amount;
        return this.#changed(entry, output.atNs, entry.status);
      }
      case "replaced": {
        const entry = this.#accepted.get(output.order);
        if (entry === undefined) return [];
        entry.price = output.price;
        entry.stopPrice = output.stopPrice ?? entry.stopPrice;
        entry.open = output.amount;
        entry.amount = entry.filled + output.amount;
        return this.#changed(entry, output.atNs, entry.status);
      }
      case "liquidation":
        return [];
    }
  }

  #accept({ id: engineId, order: number, atNs, amount }: Extract<Output, { kind: "accepted" }>): OrderEntry {
    const next = this.#underway[0];
    if (next?.engineId === engineId) {
      this.#underway.shift();
      if (amount !== undefined) next.amount = next.open = amount;
      this.#accepted.set(number, next);
      return next;
    }
    // The venue's own, which closes a position.
    const position = this.#account.kind === "futures" ? this.#account.position : 0;
    const side = position > 0 ? "sell" : "buy";
    const entry = this.#ownOrder(engineId, side, Math.abs(position), atNs);
    this.#accepted.set(number, entry);
    return entry;
  }

  #ownOrder(id: string, side: PlacedOrder["side"], amount: number, atNs: bigint): OrderEntry {
    const entry = newEntry(id, id, { order: { ...marketOrder, side, amount }, waits: false }, atNs);
    this.orders.set(id, entry);
    this.open.add(entry);
    return entry;
  }

  #changed(
    entry: OrderEntry | undefined,
    atNs: bigint,
    status: SessionOrder["status"],
    reason?: string,
  ): TradingMessage[] {
    if (entry === undefined) return [];
    entry.status = status;
    entry.reason = reason;
    entry.updatedNs = atNs;
    if (!isOpen(entry) && this.open.delete(entry)) this.ended.push(entry);
    return [{ type: "order", data: this.view(entry) }];
  }

  #filled(account: AccountView): TradingMessage[] {
    const before = this.#account;
    this.#account = account;
    const fill = this.#fill;
    this.#fill = undefined;
    if (fill === undefined) return [];
    const { output, entry } = fill;
    entry.filled += output.amount;
    entry.open = output.open;
    entry.value += BigInt(output.price) * BigInt(output.amount);
    const data = this.#fillView(output, entry, before, account);
    this.fills.push(data);
    const order = this.#changed(entry, output.atNs, output.open === 0 ? "FILLED" : "PARTIALLY_FILLED");
    return [{ type: "trade_event", data }, ...order];
  }

  #fillView(output: Fill, entry: OrderEntry, before: AccountView, after: AccountView): SessionFill {
    const { price, size } = this.#decimals;
    const { quoteDecimals } = after;
    const realized =
      after.kind === "futures" && before.kind === "futures" ? after.wallet - before.wallet + output.fee : undefined;
    return {
      fill_id: `${output.trade}`,
      order_id: entry.id,
      client_order_id: entry.order.clientOrderId ?? null,
      side: output.side,
      price: fixed(output.price, price),
      amount: fixed(output.amount, size),
      fee: trimmed(output.fee, quoteDecimals),
      liquidity: output.maker ? "maker" : "taker",
      position: fixed(after.kind === "futures" ? after.position : after.base, size),
      realized_pnl: realized === undefined ? null : trimmed(realized, quoteDecimals),
      timestamp: isoOfNs(output.atNs, 9),
    };
  }
}

const marketOrder = {
  type: "MARKET",
  price: undefined,
  stopPrice: undefined,
  timeInForce: undefined,
  clientOrderId: undefined,
} as const;
