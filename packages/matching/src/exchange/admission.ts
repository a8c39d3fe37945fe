import type { Account } from "../account/account.js";
import { scaled } from "../account/money.js";
import type { NewOrder, NewOrderList, Replacement } from "../actions.js";
import { checkAmount, checkOrder, checkPrices } from "../orders/order-checks.js";
import { checkList, ordersOf } from "../orders/order-lists.js";
import { isConditional, isPriced, isReachedBy, type OrderSide } from "../orders/order-types.js";
import type { OwnOrders } from "../orders/own-orders.js";
import { type WorkingOrder, workingOrder } from "../orders/working-order.js";
import { type Refusal, refusal } from "../refusals.js";
import type { MatchingSettings } from "../settings.js";
import { commitmentOf, commitmentsOf } from "./commitments.js";
import { amountFor } from "./quote-amount.js";
import { takesOf } from "./takes.js";
import type { TapeBook } from "./tape-book.js";

interface Market {
  readonly book: TapeBook;
  readonly own: OwnOrders;
  readonly account: Account;
  /** Of the market's last trade. */
  readonly lastPrice: () => number | undefined;
}

/** Says which orders may be placed, changed and triggered, by the rules of instrument, market and account. It changes nothing. */
export class Admission {
  readonly #settings: MatchingSettings;
  readonly #market: Market;
  readonly #minNotional: bigint;

  constructor(settings: MatchingSettings, market: Market) {
    const { minNotional, priceDecimals, amountDecimals } = settings.instrument;
    this.#settings = settings;
    this.#market = market;
    this.#minNotional = scaled(minNotional, priceDecimals + amountDecimals);
  }

  /** The order with its amount, or why it is refused. */
  order(sent: NewOrder): NewOrder | Refusal {
    const malformed = this.#refusalOfForm(sent);
    if (malformed !== undefined) return malformed;
    const order = this.#measured(sent);
    const refused = this.#refusalOfSize(order) ?? this.#refusalOfId(order.id, 1);
    return refused ?? this.#refusalByMarket(workingOrder(0, order)) ?? order;
  }

  refusalOfList(list: NewOrderList): Refusal | undefined {
    const orders = ordersOf(list);
    const composition = checkList(list);
    if (composition !== undefined) return composition;
    for (const order of orders) {
      const waits = list.first !== undefined && order !== list.first;
      const refused =
        this.#refusalOfForm(order) ??
        this.#refusalOfId(order.id, orders.length) ??
        // The market of one that waits is not known yet.
        (waits ? undefined : (this.#refusalOfTaker(order) ?? this.#refusalByMarket(workingOrder(0, order))));
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  refusalOfChange(order: WorkingOrder, { price, amount, stopPrice }: Replacement): Refusal | undefined {
    const { id, type, closePosition, reduceOnly } = order;
    const rests = order.place !== undefined;
    const waits = this.#market.own.stops.has(order);
    if (rests && stopPrice !== undefined)
      return refusal("FIELD_NOT_ALLOWED", `stopPrice: ${id} rests in the book, and waits for none`);
    if (!rests && !waits) return refusal("NOT_RESTING", `id: ${id} waits, and can only be canceled`);
    if (waits && stopPrice === undefined)
      return refusal("NOT_RESTING", `id: ${id} waits for its stop price, and changes only together with it`);
    if (isPriced(type) !== (price !== undefined))
      return isPriced(type)
        ? refusal("MISSING_FIELD", `price: an order of type ${type} needs one`)
        : refusal("FIELD_NOT_ALLOWED", `price: an order of type ${type} has none`);
    if (closePosition === true && amount !== 0)
      return refusal("FIELD_NOT_ALLOWED", "amount: an order with closePosition has none of its own");
    const { instrument } = this.#settings;
    const changed = { ...order, price, stopPrice, open: amount };
    return (
      (closePosition === true ? undefined : checkAmount(amount, instrument)) ??
      checkPrices({ price, stopPrice, amount, closePosition, reduceOnly }, instrument, this.#minNotional) ??
      this.#refusalByMarket(changed)
    );
  }

  /** Why the account cannot pay for an order beside the others. */
  unpayable(order: WorkingOrder): Refusal | undefined {
    const { own, book, account, lastPrice } = this.#market;
    const { fills } = this.#settings;
    const others = commitmentsOf({ own, book, fills }, order);
    return account.refuse(commitmentOf({ book, fills }, order), others, lastPrice());
  }

  /** What an order of this side can close of the position. */
  closable(side: OrderSide): number {
    const { position } = this.#market.account;
    return Math.max(0, side === "sell" ? position : -position);
  }

  /** Whether the last trade has reached the price for which an order waits. */
  isReached(order: Pick<WorkingOrder, "type" | "side" | "stopPrice">): boolean {
    const lastPrice = this.#market.lastPrice();
    return lastPrice !== undefined && isReachedBy(lastPrice, order);
  }

  /** The order with an amount, if it has only said what it shall cost. */
  #measured(order: NewOrder): NewOrder {
    const { side, quoteAmount } = order;
    if (quoteAmount === undefined) return order;
    const { instrument, fills } = this.#settings;
    const lastPrice = this.#market.lastPrice();
    const amount = amountFor({ side, quoteAmount }, this.#market.book, { lot: instrument.lot, fills, lastPrice });
    return { ...order, amount };
  }

  #refusalOfForm(order: NewOrder): Refusal | undefined {
    const { instrument, account } = this.#settings;
    const ofPosition = (["closePosition", "reduceOnly"] as const).find((field) => order[field] === true);
    if (ofPosition !== undefined && account.kind !== "futures")
      return refusal("FIELD_NOT_ALLOWED", `${ofPosition}: a spot account has no position`);
    return checkOrder(order, instrument, this.#minNotional);
  }

  #refusalOfSize({ amount, quoteAmount }: NewOrder): Refusal | undefined {
    const { instrument } = this.#settings;
    if (quoteAmount === undefined) return undefined;
    if (amount > 0) return checkAmount(amount, instrument);
    return refusal("INVALID_AMOUNT", "quoteAmount: is less than a lot costs, or the market has no price");
  }

  /** @param added orders that would be open besides those that are */
  #refusalOfId(id: string, added: number): Refusal | undefined {
    const { maxOpenOrders } = this.#settings;
    const { own } = this.#market;
    if (own.byId(id) !== undefined) return refusal("DUPLICATE_ID", `id: an open order has the id ${id} already`);
    if (own.size + added > maxOpenOrders)
      return refusal("TOO_MANY_ORDERS", `at most ${maxOpenOrders} orders may be open at a time`);
    return undefined;
  }

  /** A list with a post-only order that would take is refused as a whole, where one alone expires. */
  #refusalOfTaker(wanted: NewOrder): Refusal | undefined {
    if (wanted.type !== "LIMIT" || wanted.timeInForce !== "GTX") return undefined;
    if (takesOf(this.#market.book, workingOrder(0, wanted), this.#settings.fills).length === 0) return undefined;
    return refusal("WOULD_TAKE", `price: a post-only order at ${wanted.price} would take`);
  }

  #refusalByMarket(order: WorkingOrder): Refusal | undefined {
    // One that waits for its stop price may do so before there is a position.
    if (order.reduceOnly === true && !isConditional(order) && this.closable(order.side) === 0)
      return refusal("NOT_REDUCING", `reduceOnly: there is no position that a ${order.side} order makes smaller`);
    if (this.isReached(order)) {
      const message = `stopPrice: the last trade, at ${this.#market.lastPrice()}, has reached ${order.stopPrice}`;
      return refusal("WOULD_TRIGGER", message);
    }
    return this.unpayable(order);
  }
}
