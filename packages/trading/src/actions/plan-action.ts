import { randomInt } from "node:crypto";
import {
  limits,
  type OrderBody,
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
import { placementOf } from "./placement.js";

/** What a user asks for. Orders are named by their ids. */
export type ActionRequest = OrderRequest | { readonly kind: "cancel-all" };

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
  const price = (field: string, text: string) => unitsOf(field, text, decimals.price);
  const amount = (text: string) => unitsOf("amount", text, decimals.size);
  switch (request.kind) {
    case "place": {
      const { side, type, stop_price, time_in_force, client_order_id, quote_amount, close_position, ...of } =
        request.order;
      return {
        kind: "place",
        order: {
          side,
          type,
          amount: of.amount === undefined ? 0 : amount(of.amount),
          ...(quote_amount !== undefined && { quoteAmount: quoteUnitsOf("quote_amount", quote_amount, decimals) }),
          ...(close_position === true && { closePosition: true }),
          price: of.price === undefined ? undefined : price("price", of.price),
          stopPrice: stop_price === undefined ? undefined : price("stop_price", stop_price),
          timeInForce: time_in_force,
          clientOrderId: client_order_id,
        },
      };
    }
    case "cancel-all":
      return { kind: "cancel-all" };
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
        price: change.price === undefined ? order.price : price("price", change.price),
        amount: change.amount === undefined ? order.open : amount(change.amount),
        ...(change.stop_price !== undefined && { stopPrice: price("stop_price", change.stop_price) }),
      };
    }
  }
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
}

interface PlannedAction extends Planned {
  readonly body: ActionBody;
  readonly tape: Tape;
  readonly now: WallMs;
  /** How much further ahead of the playhead than usual. */
  readonly laterMs: number;
}

/** What to write for an action, or for settings alone. @throws RefusedError TOO_MANY_ORDERS */
export function planAction(plan: Planned | PlannedAction): PlannedActions {
  const { session, startsAnew, count } = plan;
  const root = startsAnew || session.chain === null ? count + 1 : session.chain.root;
  const lines: string[] = [];
  let head = session.chain?.head ?? 0;
  let [tag, ns] = [session.chain?.tag ?? "", session.chain?.ns ?? -1];
  if (root > count) {
    [head, tag, ns] = [root, newTag(), -1];
    lines.push(encodeAction({ after: 0, tag, ns, body: encodeSettings(plan.chain) }));
  }
  let by: WallMs | undefined;
  if ("body" in plan) {
    const placement = placementOf(session, plan.tape, plan.now, plan.laterMs);
    const after = head;
    by = placement.by;
    [head, tag, ns] = [count + lines.length + 1, newTag(), placement.ns];
    lines.push(encodeAction({ after, tag, ns, body: encodeBody(plan.body) }));
  }
  if (count + lines.length > limits.actions)
    throw refused(
      "TOO_MANY_ORDERS",
      `A session accepts at most ${limits.actions} orders, cancellations and replacements.`,
    );
  return { chain: { root, head, tag, ns }, added: { lines, length: count }, by };
}

function newTag(): string {
  return randomInt(36 ** 6)
    .toString(36)
    .padStart(6, "0");
}

function refused(code: RefusalCode, why: string): RefusedError {
  return new RefusedError(refuse(code, `${why} Nothing was changed.`));
}
