import type { BookLevel, BookSideName } from "@tapedeck/market";
import type { Account, AccountState } from "../account/account.js";
import { type Commitment, feeOf, notional, scaled } from "../account/money.js";
import { openAccount } from "../account/open-account.js";
import type { AccountView, Action, DoneReason, NewOrder, Output } from "../actions.js";
import { checkAmount, checkOrder, checkPrices } from "../orders/order-checks.js";
import { OwnOrders } from "../orders/own-orders.js";
import { isStop, type WorkingOrder, workingOrder } from "../orders/working-order.js";
import { OrderQueue } from "../queue/order-queue.js";
import { type QueueModel, queueModel } from "../queue/queue-place.js";
import { type Refusal, refusal } from "../refusals.js";
import type { MatchingSettings } from "../settings.js";
import { otherSide, ownSide, type TapeOrders, type TapeTrade, type TapeUpdate } from "../tape-events.js";
import { crossingFills, executionFills, type LotSize, type MakerFill, tradeFills } from "./maker-fills.js";
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
  /** Of the tape; undefined where queues are estimated. */
  readonly queue: OrderQueue | undefined;
  readonly #account: Account;
  readonly #model: QueueModel | undefined;
  readonly #settings: MatchingSettings;
  readonly #minNotional: bigint;
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
    this.#minNotional = scaled(instrument.minNotional, instrument.priceDecimals + instrument.amountDecimals);
  }

  get accountState(): AccountState {
    return this.#account.state;
  }

  get account(): AccountView {
    return this.#account.view(this.#commitments());
  }

  act(action: Action): void {
    if (action.kind === "place") this.#place(action.order);
    else if (action.kind === "cancel") this.#cancel(action.id);
    else if (action.kind === "replace") this.#replace(action.id, action.price, action.amount);
    else for (const order of [...this.own.values()]) this.#done(order, "CANCELED", "canceled");
  }

  // HOT: once per message of a tape.
  update({ isSnapshot, levels }: Pick<TapeUpdate, "isSnapshot" | "levels">): void {
    const { own, book } = this;
    const bid = book.best("bid");
    const ask = book.best("ask");
    if (isSnapshot) this.#replaceBook(levels);
    else {
      for (const { side, priceUnits, amountUnits } of levels) {
        if (own.restsAny(side) && own.at(side, priceUnits) !== undefined)
          this.#levelChanged(side, priceUnits, book.size(side, priceUnits), amountUnits);
        book.set(side, priceUnits, amountUnits);
      }
    }
    if (own.restsAny("bid")) this.#made(crossingFills(own, book, "bid", this.#whole, ask));
    if (own.restsAny("ask")) this.#made(crossingFills(own, book, "ask", this.#whole, bid));
  }

  trade(trade: TapeTrade): void {
    if (this.#model !== undefined) this.#made(tradeFills(this.own, this.#model, trade, this.#lot, this.#whole));
    this.lastPrice = trade.priceUnits;
    for (const order of [...this.own.stops]) if (this.#isReached(order)) this.#trigger(order);
    this.#liquidate(trade.priceUnits);
  }

  orders({ orders }: Pick<TapeOrders, "orders">): void {
    for (const order of orders) {
      const change = this.queue?.apply(order);
      if (change !== undefined) this.#made(executionFills(this.own, change, this.#whole));
    }
  }

  /** Opens the orders of an earlier engine: in the order of their numbers, and where they rest in that of their places. */
  reopen(orders: readonly WorkingOrder[]): void {
    for (const order of orders) this.own.add(order);
    const resting = orders.filter(({ place }) => place !== undefined);
    for (const order of resting.sort((a, b) => a.entered - b.entered)) this.own.rest(order);
  }

  #place(wanted: NewOrder): void {
    const refused = this.#refusalOf(wanted);
    if (refused !== undefined) {
      this.#refuse("place", wanted.id, refused);
      return;
    }
    const order = workingOrder(++this.counts.orders, wanted);
    this.own.add(order);
    this.#say({ kind: "accepted", order: order.number, id: order.id });
    if (!isStop(order)) this.#enter(order);
  }

  #cancel(id: string): void {
    const order = this.own.byId(id);
    if (order === undefined) this.#refuse("cancel", id, unknown(id));
    else this.#done(order, "CANCELED", "canceled");
  }

  #refusalOf(wanted: NewOrder): Refusal | undefined {
    const { instrument, maxOpenOrders } = this.#settings;
    const refused = checkOrder(wanted, instrument, this.#minNotional);
    if (refused !== undefined) return refused;
    if (this.own.byId(wanted.id) !== undefined)
      return refusal("DUPLICATE_ID", `id: an open order has the id ${wanted.id} already`);
    if (this.own.size >= maxOpenOrders)
      return refusal("TOO_MANY_ORDERS", `at most ${maxOpenOrders} orders may be open at a time`);
    const order = workingOrder(0, wanted);
    if (isStop(order) && this.#isReached(order))
      return refusal(
        "WOULD_TRIGGER",
        `stopPrice: the last trade, at ${this.lastPrice}, has reached ${order.stopPrice}`,
      );
    return this.#unpayable(order);
  }

  #unpayable(order: WorkingOrder): Refusal | undefined {
    const others = this.#commitments(order);
    return this.#account.refuse(this.#commitment(order), others, this.lastPrice);
  }

  #replace(id: string, price: number, amount: number): void {
    const order = this.own.byId(id);
    const refused = order === undefined ? unknown(id) : this.#refusalOfChange(order, price, amount);
    if (order === undefined || refused !== undefined) {
      if (refused !== undefined) this.#refuse("replace", id, refused);
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

  #refusalOfChange(order: WorkingOrder, price: number, amount: number): Refusal | undefined {
    if (order.place === undefined)
      return refusal("NOT_RESTING", `id: ${order.id} waits for its stop price and can only be canceled`);
    const { instrument } = this.#settings;
    return (
      checkAmount(amount, instrument) ??
      checkPrices({ price, amount }, instrument, this.#minNotional) ??
      this.#unpayable({ ...order, price, open: amount })
    );
  }

  /** An order reaches the book: it takes what it may, and rests, or ends. */
  #enter(order: WorkingOrder): void {
    const { timeInForce, type } = order;
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
    else this.#rest(order);
  }

  #rest(order: WorkingOrder): void {
    const ahead = this.book.size(ownSide(order.side), order.price ?? 0);
    order.place = this.#model?.enter(ahead / this.#lot.perUnit) ?? { front: ahead, traded: 0 };
    order.entered = this.queue?.enter() ?? this.counts.entered++;
    this.own.rest(order);
  }

  #levelChanged(side: BookSideName, price: number, before: number, after: number): void {
    const { perUnit } = this.#lot;
    for (const { place } of this.own.at(side, price) ?? []) {
      if (place === undefined) continue;
      if (this.#model === undefined) place.front = Math.min(place.front, after);
      else this.#model.level(place, before / perUnit, after / perUnit);
    }
  }

  #replaceBook(levels: TapeUpdate["levels"]): void {
    const sides: Record<BookSideName, BookLevel[]> = { bid: [], ask: [] };
    for (const { side, priceUnits, amountUnits } of levels) sides[side].push([priceUnits, amountUnits]);
    const places = (["bid", "ask"] as const).flatMap((side) => this.own.prices(side).map((price) => ({ side, price })));
    const before = places.map(({ side, price }) => this.book.size(side, price));
    this.book.replace(sides.bid, sides.ask);
    for (const [at, { side, price }] of places.entries()) {
      const was = before[at] ?? 0;
      const is = this.book.size(side, price);
      if (was > 0 || is > 0) this.#levelChanged(side, price, was, is);
    }
  }

  #made(fills: readonly MakerFill[]): void {
    for (const { order, amount } of fills) this.#fill(order, order.price ?? 0, amount, true);
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
  }

  #isReached({ side, stopPrice }: WorkingOrder): boolean {
    if (this.lastPrice === undefined || stopPrice === undefined) return false;
    return side === "buy" ? this.lastPrice >= stopPrice : this.lastPrice <= stopPrice;
  }

  #trigger(order: WorkingOrder): void {
    this.own.stops.delete(order);
    order.type = order.type === "STOP" ? "MARKET" : "LIMIT";
    this.#say({ kind: "triggered", order: order.number, id: order.id });
    // What a MARKET order costs is known only now.
    if (this.#unpayable(order) === undefined) this.#enter(order);
    else this.#done(order, "EXPIRED", "insufficient-funds");
  }

  /** Closes a position that its account can no longer carry: at market, with what is there, again at each trade until it is closed. */
  #liquidate(price: number): void {
    const position = this.#account.toLiquidate(price);
    if (position === 0) return;
    for (const order of [...this.own.values()]) this.#done(order, "CANCELED", "liquidation");
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

  /** What open orders hold, without one of them. */
  #commitments(except?: WorkingOrder): Commitment[] {
    const held: Commitment[] = [];
    for (const order of this.own.values()) if (order.id !== except?.id) held.push(this.#commitment(order));
    return held;
  }

  #commitment(order: WorkingOrder): Commitment {
    const { side, open: amount } = order;
    const price = order.price ?? order.stopPrice;
    if (order.type !== "MARKET" && price !== undefined) return { side, amount, value: notional(price, amount) };
    const takes = takesOf(this.book, order, this.#settings.fills);
    return { side, amount, value: takes.reduce((sum, take) => sum + notional(take.price, take.amount), 0n) };
  }

  #refuse(action: Action["kind"], id: string, { code, message }: Refusal): void {
    this.#say({ kind: "refused", action, id, code, message });
  }

  #done(order: WorkingOrder, state: "CANCELED" | "EXPIRED", reason: DoneReason): void {
    this.own.remove(order);
    this.#say({ kind: "done", order: order.number, id: order.id, state, reason });
  }
}

function unknown(id: string): Refusal {
  return refusal("UNKNOWN_ORDER", `id: no open order has the id ${id}`);
}
