import type { SessionOrder } from "@tapedeck/protocol";
import type { ActionBody } from "./action-body.js";
import type { PlacedOrder } from "./placed-order.js";

/** What an order's list is, as the order has it. */
export type ListOfOrder = Omit<NonNullable<SessionOrder["list"]>, "waits">;

/** An order of an action, and its number. */
export interface NumberedOrder {
  readonly number: number;
  readonly order: PlacedOrder;
  readonly list?: ListOfOrder;
  /** Until the first order of its list has been filled. */
  readonly waits: boolean;
}

/** The orders of an action. Those of a list have the numbers of its line and of the lines that follow. */
export function ordersOf({ number, body }: { readonly number: number; readonly body: ActionBody }): NumberedOrder[] {
  if (body.kind === "place") return [{ number, order: body.order, waits: false }];
  if (body.kind !== "place-list") return [];
  const { first, others, clientListId } = body.list;
  const contingency = first === undefined ? "OCO" : others.length === 1 ? "OTO" : "OTOCO";
  const list = { list_id: `${number}`, client_list_id: clientListId ?? null, contingency } as const;
  return (first === undefined ? others : [first, ...others]).map((order, at) => ({
    number: number + at,
    order,
    list,
    waits: first !== undefined && at > 0,
  }));
}
