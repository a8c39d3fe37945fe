import { randomInt } from "node:crypto";
import {
  nsOfIso,
  type OrderBody,
  type OrderListBody,
  type RefusalCode,
  RefusedError,
  type ReplaceBody,
  refuse,
  type WallMs,
} from "@tapedeck/protocol";
import { encodeAction, type PlannedActions, type SessionRecord } from "@tapedeck/sessions";
import type { Tape } from "@tapedeck/tape";
import { quoteUnitsOf, unitsOf } from "../decimals.js";
import { isOpen, type OrderEntry } from "../ledger/order-entry.js";
import { type ChainSettings, encodeSettings } from "../settings.js";
import { type ActionBody, encodeBody } from "./action-body.js";
import { ordersOf } from "./order-list.js";
import type { PlacedOrder } from "./placed-order.js";
import { placementOf } from "./placement.js";

/** What a user asks for. Orders are named by their ids. */
export type ActionRequest =
  | OrderRequest
  | { readonly kind: "place-list"; readonly list: OrderListBody }
  | { readonly kind: "cancel-all" }
  /** Cancels all so many nanoseconds of the tape later, unless another one comes before; 0: not any more. */
  | { readonly kind: "countdown"; readonly ns: bigint };

/** Of these, those of one order. */
export type OrderRequest =
  | { readonly kind: "place"; readonly order: OrderBody }
  | { readonly kind: "cancel"; readonly orderId: string }
  | { readonly kind: "replace"; readonly orderId: string; readonly change: ReplaceBody };

/** An order as it is at the playhead; undefined if there is none with that id. */
type FindOrder = (id: string) => Promise<OrderEntry | undefined>;

/**
 * A request as the log has it. Rejects with `INVALID_VALUE` for a number that does not fit the instrument, `ORDER_NOT_FOUND`, and
 * `ORDER_NOT_OPEN` if the order has ended at the playhead.
 */
export async function bodyOf(
  request: ActionRequest,
  { decimals }: ChainSettings,
  find: FindOrder,
): Promise<ActionBody> {
  const placed = (order: OrderBody) => placedOrder(order, decimals);
  switch (request.kind) {
    case "place":
      return { kind: "place", order: placed(request.order) };
    case "place-list": {
      const { first, others, client_list_id: clientListId } = request.list;
      const orders = { first: first === undefined ? undefined : placed(first), others: others.map(placed) };
      if (first === undefined && others.length < 2)
        throw refused("INVALID_VALUE", "others: a list without a first order has two.");
      return { kind: "place-list", list: { clientListId, ...orders } };
    }
    case "countdown":
    case "cancel-all":
      return request;
    case "cancel": {
      const { id } = await openOrder(request.orderId, find);
      return { kind: "cancel", order: Number(id) };
    }
    case "replace": {
      const order = await openOrder(request.orderId, find);
      const { change } = request;
      return {
        kind: "replace",
        order: Number(order.id),
        price: change.price === undefined ? order.price : unitsOf("price", change.price, decimals.price),
        amount: change.amount === undefined ? order.open : unitsOf("amount", change.amount, decimals.size),
        ...(change.stop_price !== undefined && {
          stopPrice: unitsOf("stop_price", change.stop_price, decimals.price),
        }),
      };
    }
  }
}

function placedOrder(order: OrderBody, decimals: ChainSettings["decimals"]): PlacedOrder {
  const { side, type, stop_price, time_in_force, client_order_id, quote_amount, expires_at, ...of } = order;
  const price = (field: string, text: string) => unitsOf(field, text, decimals.price);
  return {
    side,
    type,
    amount: of.amount === undefined ? 0 : unitsOf("amount", of.amount, decimals.size),
    ...(quote_amount !== undefined && { quoteAmount: quoteUnitsOf("quote_amount", quote_amount, decimals) }),
    ...(of.close_position === true && { closePosition: true }),
    ...(of.reduce_only === true && { reduceOnly: true }),
    ...(expires_at !== undefined && { expiresNs: nsOfIso(expires_at) ?? 0n }),
    price: of.price === undefined ? undefined : price("price", of.price),
    stopPrice: stop_price === undefined ? undefined : price("stop_price", stop_price),
    timeInForce: time_in_force,
    clientOrderId: client_order_id,
  };
}

async function openOrder(id: string, find: FindOrder): Promise<OrderEntry> {
  const entry = await find(id);
  if (entry === undefined || !/^\d+$/.test(id)) throw refused("ORDER_NOT_FOUND", `The session has no order ${id}.`);
  if (!isOpen(entry)) throw refused("ORDER_NOT_OPEN", `Order ${id} is ${entry.status} and cannot change any more.`);
  return entry;
}

interface Planned {
  readonly session: SessionRecord;
  readonly chain: ChainSettings;
  /** Whether the chain begins with these settings; otherwise it goes on. */
  readonly startsAnew: boolean;
  /** Lines of the log so far. */
  readonly count: number;
  /** Lines that it may have; undefined: as many as one likes. */
  readonly mostActions?: number | undefined;
}

interface PlannedAction extends Planned {
  readonly body: ActionBody;
  readonly tape: Tape;
  readonly now: WallMs;
  /** How much further ahead of the playhead than usual. */
  readonly laterMs: number;
}

/** What is written for an action, or for settings alone. */
interface Plan extends PlannedActions {
  /** Of the action: of a list, that of its first order. */
  readonly number: number;
}

/** What to write for an action, or for settings alone. @throws RefusedError TOO_MANY_ORDERS */
export function planAction(plan: Planned | PlannedAction): Plan {
  const { session, startsAnew, count, mostActions = Number.POSITIVE_INFINITY } = plan;
  const root = startsAnew || session.chain === null ? count + 1 : session.chain.root;
  const lines: string[] = [];
  let head = session.chain?.head ?? 0;
  let [tag, ns] = [session.chain?.tag ?? "", session.chain?.ns ?? -1];
  if (root > count) {
    [head, tag, ns] = [root, newTag(), -1];
    lines.push(encodeAction({ after: 0, tag, ns, body: encodeSettings(plan.chain) }));
  }
  let by: WallMs | undefined;
  const number = count + lines.length + 1;
  if ("body" in plan) {
    const placement = placementOf(session, plan.tape, plan.now, plan.laterMs);
    by = placement.by;
    for (const body of linesOf(number, plan.body)) {
      const after = head;
      [head, tag, ns] = [count + lines.length + 1, newTag(), placement.ns];
      lines.push(encodeAction({ after, tag, ns, body: encodeBody(body) }));
    }
  }
  if (count + lines.length > mostActions)
    throw refused(
      "TOO_MANY_ORDERS",
      `A session accepts at most ${mostActions} orders, cancellations and replacements.`,
    );
  return { chain: { root, head, tag, ns }, added: { lines, length: count }, by, number };
}

/** Each order of a list has a line, for the number that names it. All of them are written at once, and have the same place. */
function linesOf(number: number, body: ActionBody): ActionBody[] {
  const further = ordersOf({ number, body }).length - 1;
  return [body, ...Array.from({ length: Math.max(0, further) }, () => ({ kind: "listed" as const }))];
}

function newTag(): string {
  return randomInt(36 ** 6)
    .toString(36)
    .padStart(6, "0");
}

/** The chain has begun, so its settings are fixed. */
export function hasOrders(id: string): RefusedError {
  return refused(
    "HAS_ORDERS",
    `Session ${id} has orders; its settings can be changed after a rewind to before the first one.`,
  );
}

function refused(code: RefusalCode, why: string): RefusedError {
  return new RefusedError(refuse(code, `${why} Nothing was changed.`));
}
