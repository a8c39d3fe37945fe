import type { SessionAccount, SessionFill, SessionOrder } from "@tapedeck/protocol";
import type { Seq } from "@tapedeck/tape";
import type { ChainReplay } from "../replay/chain-replay.js";
import { accountView } from "./account-view.js";
import { isOpen } from "./order-entry.js";

/** A session's trading at a place: everything that has happened at the venue until then. */
export interface Standing {
  /** The frame there. */
  readonly seq: Seq;
  /** Oldest first; those that have not arrived are `PENDING`. */
  readonly orders: readonly SessionOrder[];
  /** Of these, those that may still change. */
  readonly open: readonly SessionOrder[];
  /** Oldest first. */
  readonly fills: readonly SessionFill[];
  readonly account: SessionAccount;
}

/** An order with its fills. */
export interface OrderStanding {
  readonly order: SessionOrder;
  readonly fills: readonly SessionFill[];
}

/** What names an order: its id, its client's, or both. */
export interface OrderName {
  readonly orderId?: string | undefined;
  readonly clientOrderId?: string | undefined;
}

export function standingOf(replay: ChainReplay): Standing {
  const { ledger, seq } = replay;
  const orders = [...ledger.orders.values()].map((entry) => ledger.view(entry));
  return { seq, orders, fills: [...ledger.fills], ...balanceOf(replay) };
}

/** Of a standing, what does not grow with the session's orders. */
export function balanceOf({ ledger, account, lastPrice, settings }: ChainReplay): Pick<Standing, "open" | "account"> {
  const open: SessionOrder[] = [];
  for (const entry of ledger.open) if (isOpen(entry)) open.push(ledger.view(entry));
  return { open, account: accountView(account, lastPrice, settings.decimals) };
}

/** The last order with a name: a client may give its own again. Undefined if there is none. */
export function orderOf({ ledger }: ChainReplay, { orderId, clientOrderId }: OrderName): OrderStanding | undefined {
  const isNamed = (named = "") => clientOrderId === undefined || named === clientOrderId;
  const candidates = orderId === undefined ? [...ledger.orders.values()].reverse() : [ledger.orders.get(orderId)];
  const entry = candidates.find((each) => each !== undefined && isNamed(each.order.clientOrderId));
  if (entry === undefined) return undefined;
  return { order: ledger.view(entry), fills: ledger.fills.filter(({ order_id }) => order_id === entry.id) };
}
