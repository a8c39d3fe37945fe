import type { BookSideName } from "@tapedeck/market";
import type { OrderAction, TrackOrder } from "../../../track/orders/order-rows.js";

/** What LOBSTER's types of messages are for the order that they name. Cross trades (6) and halts (7) are not about an order. */
const actions: Readonly<Record<number, OrderAction>> = {
  1: "add",
  2: "cancel",
  3: "cancel",
  4: "execute",
  5: "hidden",
};

/** Follows the orders of a message file, to know what rests of each: those from before its beginning are not known. */
export class LobsterOrders {
  readonly #sizes = new Map<number, number>();

  /** What the message says of an order, if it does. @param kind the type of the message */
  take(
    kind: number,
    ns: bigint,
    { id, side, price, size }: { id: number; side: BookSideName; price: number; size: number },
  ): readonly TrackOrder[] {
    const action = actions[kind];
    if (action === undefined) return [];
    const rest = this.#rest(kind, id, size);
    return [{ timestampNs: ns, receivedNs: ns, action, id, side, price, amount: size, rest, sequence: undefined }];
  }

  #rest(kind: number, id: number, size: number): number | undefined {
    if (kind === 5) return undefined;
    const before = this.#sizes.get(id);
    const rest = kind === 1 ? size : kind === 3 ? 0 : before === undefined ? undefined : Math.max(0, before - size);
    if (rest === undefined || rest === 0) this.#sizes.delete(id);
    else this.#sizes.set(id, rest);
    return rest;
  }
}
