import type { Account, AccountState } from "../account/account.js";
import { feeOf, notional } from "../account/money.js";
import { openAccount } from "../account/open-account.js";
import type { AccountView, Action, DoneReason, NewOrder, NewOrderList, Output, Replacement } from "../actions.js";
import { listedOrders, ordersOf } from "../orders/order-lists.js";
import { isConditional, triggeredType } from "../orders/order-types.js";
import { OwnOrders } from "../orders/own-orders.js";
import { Timers } from "../orders/timers.js";
import { type WorkingOrder, workingOrder } from "../orders/working-order.js";
import { OrderQueue } from "../queue/order-queue.js";
import { type QueueModel, queueModel } from "../queue/queue-place.js";
import { type Refusal, refusal } from "../refusals.js";
import type { MatchingSettings } from "../settings.js";
import { otherSide, type TapeEvent, type TapeOrders, type TapeTrade, type TapeUpdate } from "../tape-events.js";
import { Admission } from "./admission.js";
import { commitmentsOf } from "./commitments.js";
import { mayConcern } from "./concerns.js";
import { crossingFills, executionFills, type LotSize, type MakerFill, tradeFills } from "./maker-fills.js";
import { QueuePlaces } from "./queue-places.js";
import { takesOf } from "./takes.js";
import { TapeBook } from "./tape-book.js";

/** An output before it is known when it is heard. */
export type Said = Output extends infer One
  ? One extends Output
    ? Omit<One, "atNs" | "heardNs" | "n">
    : never
  : never;

/**
 * The venue of one account: its orders meet the tape's book, trades and orders. It knows no time; what happens first is called first.
 * `docs/spec/matching.md` has the rules.
 */
export class Exchange {
  readonly book = new TapeBook();
  readonly own = new OwnOrders();
  readonly timers = new Timers(this.own);
  /** Of the tape; undefined where queues are estimated. */
  readonly queue: OrderQueue | undefined;
  readonly #account: Account;
  readonly #model: QueueModel | undefined;
  readonly #places: QueuePlaces;
  readonly #settings: MatchingSettings;
  readonly #admission: Admission;
  readonly #whole: boolean;
  readonly #lot: LotSize;
  readonly #say: (said: Said) => void;
  /** Numbers that were given to orders and to fills, and places in queues. */
  readonly counts = { orders: 0, trades: 0, entered: 0 };
  /** Of the market's last trade. */
  lastPrice: number | undefined;

  constructor(settings: MatchingSettings, say: (said: Said) => void, account?: AccountState) {
    const { instrument, queue, fills } = settings;
    const perUnit = Number(`1e${instrument.amountDecimals}`);
    this.#settings = settings;
    this.#say = say;
    this.#account = openAccount(settings, account);
    this.#model = queueModel(queue);
    this.queue = this.#model === undefined ? new OrderQueue() : undefined;
    this.#whole = fills === "whole";
    this.#lot = { lot: instrument.lot, size: instrument.lot / perUnit, perUnit };
    const { own, book, counts } = this;
    const queues = { model: this.#model, tapeQueue: this.queue };
    this.#places = new QueuePlaces({ own, book, counts, ...queues, perUnit });
    const lastPrice = () => this.lastPrice;
    this.#admission = new Admission(settings, { own, book, account: this.#account, lastPrice });
  }

  get accountState(): AccountState {
    return this.#account.state;
  }

  get account(): AccountView {
    const { own, book } = this;
    return this.#account.view(commitmentsOf({ own, book, fills: this.#settings.fills }));
  }

  /** Whether an event that comes later may make it say something, if nothing else happens before. */
  mayConcern(event: TapeEvent): boolean {
    return mayConcern(event, { own: this.own, account: this.#account });
  }

  /** @param nowNs when it arrives */
  act(action: Action, nowNs: bigint): void {
    if (action.kind === "place") this.#place(action.order, nowNs);
    else if (action.kind === "cancel") this.#cancel(action.id);
    else if (action.kind === "replace") this.#replace(action);
    else if (action.kind === "place-list") this.#placeList(action.list);
    else if (action.kind === "countdown") this.timers.countdownNs = action.endsNs;
    else this.#cancelAll("canceled");
  }

  /** The time of the next timer has come. */
  ring(): void {
    const due = this.timers.take();
    if (due === "countdown") this.#cancelAll("countdown");
    else this.#done(due, "EXPIRED", "expired");
  }

  // HOT: once per message of a tape.
  update({ isSnapshot, levels }: Pick<TapeUpdate, "isSnapshot" | "levels">): void {
    const { own, book } = this;
    const bid = book.best("bid");
    const ask = book.best("ask");
    if (isSnapshot) this.#places.replaceBook(levels);
    else this.#places.update(levels);
    if (own.restsAny("bid")) this.#made(crossingFills(own, book, "bid", this.#whole, ask));
    if (own.restsAny("ask")) this.#made(crossingFills(own, book, "ask", this.#whole, bid));
  }

  trade(trade: TapeTrade): void {
    this.lastPrice = trade.priceUnits;
    // Own orders never trade with each other. What it took is gone from the levels that the tape says next.
    if (this.#model !== undefined && !trade.own)
      this.#made(tradeFills(this.own, this.#model, trade, this.#lot, this.#whole));
    if (this.own.stops.size > 0) this.#triggerReached();
    this.#liquidate(trade.priceUnits);
  }

  orders({ orders }: Pick<TapeOrders, "orders">): void {
    for (const order of orders) {
      const change = this.queue?.apply(order);
      const met = change !== undefined && order.own ? { ...change, executed: 0 } : change;
      if (met !== undefined) this.#made(executionFills(this.own, met, this.#whole));
    }
  }

  /** Opens the orders of an earlier engine: in the order of their numbers, and where they rest in that of their places. */
  reopen(orders: readonly WorkingOrder[]): void {
    for (const order of orders) this.own.add(order);
    const resting = orders.filter(({ place }) => place !== undefined);
    for (const order of resting.sort((a, b) => a.entered - b.entered)) this.own.rest(order);
  }

  #place(sent: NewOrder, nowNs: bigint): void {
    const isPast = sent.expiresNs !== undefined && sent.expiresNs <= nowNs;
    const wanted = isPast
      ? refusal("PAST_EXPIRY", `expiresNs: ${sent.expiresNs} is not after ${nowNs}, when the order arrived`)
      : this.#admission.order(sent);
    if ("code" in wanted) {
      this.#refuse("place", sent.id, wanted);
      return;
    }
    const order = workingOrder(++this.counts.orders, wanted);
    this.own.add(order);
    const { amount } = wanted;
    this.#say({
      kind: "accepted",
      order: order.number,
      id: order.id,
      ...(sent.quoteAmount !== undefined && { amount }),
    });
    if (!isConditional(order)) this.#enter(order);
  }

  /** All orders of a list, or none. */
  #placeList(list: NewOrderList): void {
    const refused = this.#admission.refusalOfList(list);
    if (refused !== undefined) {
      for (const { id } of ordersOf(list)) this.#refuse("place", id, refused);
      return;
    }
    const orders = listedOrders(list, this.counts.orders + 1);
    this.counts.orders += orders.length;
    for (const order of orders) {
      this.own.add(order);
      this.#say({ kind: "accepted", order: order.number, id: order.id });
    }
    // Before one of them is filled, and others follow it.
    const now = orders.filter(({ phase }) => phase !== "waiting");
    for (const order of now) this.#goToMarket(order);
  }

  /** An open order enters the book, or waits for its stop price; nothing if it has ended meanwhile. */
  #goToMarket(order: WorkingOrder): void {
    if (!this.own.isOpen(order)) return;
    if (isConditional(order)) this.own.stops.add(order);
    else this.#enter(order);
  }

  /** The others of a list go to the market: its first order was filled. What the market does not take ends all of them. */
  #activate(waiting: readonly WorkingOrder[]): void {
    for (const order of waiting) order.phase = undefined;
    for (const order of waiting) {
      if (!this.own.isOpen(order)) return;
      if (this.#admission.isReached(order)) this.#done(order, "EXPIRED", "would-trigger");
      else if (this.#admission.unpayable(order) !== undefined) this.#done(order, "EXPIRED", "insufficient-funds");
    }
    for (const order of waiting) {
      if (this.own.isOpen(order)) this.#say({ kind: "activated", order: order.number, id: order.id });
    }
    for (const order of waiting) this.#goToMarket(order);
  }

  #cancelAll(reason: "canceled" | "liquidation" | "countdown"): void {
    for (const order of [...this.own.values()]) if (this.own.isOpen(order)) this.#done(order, "CANCELED", reason);
  }

  #cancel(id: string): void {
    const order = this.own.byId(id);
    if (order === undefined) this.#refuse("cancel", id, unknown(id));
    else this.#done(order, "CANCELED", "canceled");
  }

  #replace(change: Replacement): void {
    const { id, price, amount, stopPrice } = change;
    const order = this.own.byId(id);
    const refused = order === undefined ? unknown(id) : this.#admission.refusalOfChange(order, change);
    if (order === undefined || refused !== undefined) {
      if (refused !== undefined) this.#refuse("replace", id, refused);
      return;
    }
    if (stopPrice !== undefined) {
      Object.assign(order, { price, stopPrice, open: amount });
      this.#say({ kind: "replaced", order: order.number, id, price, amount, stopPrice, keptPlace: true });
      return;
    }
    const keptPlace = price === order.price && amount <= order.open;
    if (!keptPlace) {
      this.own.lift(order);
      order.place = undefined;
    }
    order.price = price;
    order.open = amount;
    this.#say({ kind: "replaced", order: order.number, id, price, amount, keptPlace });
    if (!keptPlace) this.#enter(order);
  }

  /** An order reaches the book: it takes what it may, and rests, or ends. */
  #enter(order: WorkingOrder): void {
    const { timeInForce, type } = order;
    if (order.reduceOnly === true && !this.#limitToPosition(order)) return;
    const takes = takesOf(this.book, order, this.#settings.fills);
    const all = takes.reduce((sum, { amount }) => sum + amount, 0) === order.open;
    const refused = timeInForce === "GTX" ? takes.length > 0 : timeInForce === "FOK" && !all;
    if (refused) {
      this.#done(order, "EXPIRED", timeInForce === "GTX" ? "would-take" : "not-filled-at-once");
      return;
    }
    for (const { price, amount } of takes) {
      if (!this.#whole) this.book.take(otherSide(order.side), price, amount);
      this.#fill(order, price, amount, false);
    }
    if (order.open === 0) return;
    if (type === "MARKET") this.#done(order, "EXPIRED", "no-liquidity");
    else if (timeInForce === "IOC") this.#done(order, "EXPIRED", "not-filled-at-once");
    else {
      this.#places.enter(order);
      this.own.rest(order);
    }
  }

  #made(fills: readonly MakerFill[]): void {
    for (const { order, amount } of fills) {
      // The fill before may have left no position for an order that only reduces.
      if (this.own.isOpen(order)) this.#fill(order, order.price ?? 0, Math.min(amount, order.open), true);
    }
  }

  #fill(order: WorkingOrder, price: number, amount: number, maker: boolean): void {
    const { number, id, side } = order;
    const { fees } = this.#settings;
    const fee = feeOf(notional(price, amount), maker ? fees.maker : fees.taker);
    order.open -= amount;
    if (order.open === 0) this.own.remove(order);
    this.#account.fill({ side, price, amount, fee });
    const trade = ++this.counts.trades;
    this.#say({ kind: "fill", trade, order: number, id, side, price, amount, maker, fee, open: order.open });
    this.#say({ kind: "account", account: this.account });
    if (order.open === 0) this.#say({ kind: "done", order: number, id, state: "FILLED", reason: "filled" });
    if (order.list !== undefined) this.#followFill(order);
    for (const other of this.own.reducing) if (other.place !== undefined) this.#limitToPosition(other);
  }

  /** @returns whether the order is still open: there is a position that it makes smaller */
  #limitToPosition(order: WorkingOrder): boolean {
    const { number, id, side } = order;
    const closable = this.#admission.closable(side);
    if (closable === 0) {
      this.#done(order, "EXPIRED", "no-position");
      return false;
    }
    if (order.open > closable) {
      order.open = closable;
      this.#say({ kind: "reduced", order: number, id, amount: closable });
    }
    return true;
  }

  /** What a fill means for the others of the order's list. */
  #followFill(order: WorkingOrder): void {
    if (order.phase !== "first") this.#endOthers(order, "EXPIRED", "other-order");
    else if (order.open === 0) this.#activate(this.own.withOrder(order));
  }

  #endOthers(order: WorkingOrder, state: "CANCELED" | "EXPIRED", reason: DoneReason): void {
    for (const other of this.own.withOrder(order)) {
      this.own.remove(other);
      this.#say({ kind: "done", order: other.number, id: other.id, state, reason });
    }
  }

  #triggerReached(): void {
    // One of them may end another. Those of lists came to the market later than their numbers say.
    for (const order of [...this.own.stops].sort((a, b) => a.number - b.number)) {
      if (this.own.stops.has(order) && this.#admission.isReached(order)) this.#trigger(order);
    }
  }

  #trigger(order: WorkingOrder): void {
    this.own.stops.delete(order);
    order.type = triggeredType(order.type);
    const { number, id, closePosition } = order;
    if (closePosition === true) order.open = this.#admission.closable(order.side);
    this.#say({ kind: "triggered", order: number, id, ...(closePosition === true && { amount: order.open }) });
    this.#endOthers(order, "EXPIRED", "other-order");
    if (order.open === 0) {
      this.#done(order, "EXPIRED", "no-position");
      return;
    }
    // What a MARKET order costs is known only now.
    if (this.#admission.unpayable(order) === undefined) this.#enter(order);
    else this.#done(order, "EXPIRED", "insufficient-funds");
  }

  /** Closes a position that its account can no longer carry: at market, with what is there, again at each trade until it is closed. */
  #liquidate(price: number): void {
    const position = this.#account.toLiquidate(price);
    if (position === 0) return;
    this.#cancelAll("liquidation");
    this.#say({ kind: "liquidation", price });
    const number = ++this.counts.orders;
    const side = position > 0 ? "sell" : "buy";
    const order = workingOrder(number, {
      id: `liquidation-${number}`,
      side,
      type: "MARKET",
      amount: Math.abs(position),
    });
    this.own.add(order);
    this.#say({ kind: "accepted", order: number, id: order.id });
    this.#enter(order);
  }

  #refuse(action: Action["kind"], id: string, { code, message }: Refusal): void {
    this.#say({ kind: "refused", action, id, code, message });
  }

  #done(order: WorkingOrder, state: "CANCELED" | "EXPIRED", reason: DoneReason): void {
    this.own.remove(order);
    this.#say({ kind: "done", order: order.number, id: order.id, state, reason });
    if (order.list === undefined) return;
    const ofOthers = order.phase === "first" ? "first-order" : "other-order";
    this.#endOthers(order, state, state === "CANCELED" ? reason : ofOthers);
  }
}

function unknown(id: string): Refusal {
  return refusal("UNKNOWN_ORDER", `id: no open order has the id ${id}`);
}
