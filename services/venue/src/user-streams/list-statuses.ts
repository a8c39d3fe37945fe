import { isOpen, type OwnOrder } from "../account/own.js";
import type { ListedOrders } from "../spot/order-list-forms.js";

/** The orders of lists as they have been told, to say when a list has begun and when it is over. */
export class ListStatuses {
  /** By the list's id, then by the order's. Lists that are over are forgotten. */
  readonly #lists = new Map<number, Map<number, OwnOrder>>();

  /** @param before orders as they were before the first event */
  constructor(before: readonly OwnOrder[]) {
    for (const order of before) if (order.list !== undefined) this.#told(order.list.listId).set(order.orderId, order);
    for (const [id, orders] of this.#lists) if (![...orders.values()].some(isOpen)) this.#lists.delete(id);
  }

  /** What of its list is to be told after an order has been told; undefined: nothing. */
  after(order: OwnOrder): ListedOrders | undefined {
    const { list } = order;
    if (list === undefined) return undefined;
    const told = this.#told(list.listId);
    const isNew = !told.has(order.orderId);
    told.set(order.orderId, order);
    const count = list.contingency === "OTOCO" ? 3 : 2;
    if (told.size < count) return undefined;
    const orders = [...told.values()];
    const isOver = !orders.some(isOpen);
    if (isOver) this.#lists.delete(list.listId);
    return isNew || isOver ? orders : undefined;
  }

  #told(listId: number): Map<number, OwnOrder> {
    const known = this.#lists.get(listId) ?? new Map<number, OwnOrder>();
    this.#lists.set(listId, known);
    return known;
  }
}
