import { type OrderType, orderTypes, type TimeInForce } from "@tapedeck/matching";
import type { PlacedList, PlacedOrder } from "./placed-order.js";

/** What an action does. Orders are named by the number of the action that placed them. */
export type ActionBody =
  | { readonly kind: "place"; readonly order: PlacedOrder }
  | { readonly kind: "place-list"; readonly list: PlacedList }
  /** Another order of the list in the line before, which has this line's number. */
  | { readonly kind: "listed" }
  | { readonly kind: "cancel"; readonly order: number }
  | { readonly kind: "cancel-all" }
  /** Cancels all orders that are open so long after it was sent, unless another countdown comes before; 0: none any more. */
  | { readonly kind: "countdown"; readonly ns: bigint }
  | {
      readonly kind: "replace";
      readonly order: number;
      readonly price?: number | undefined;
      readonly amount: number;
      /** Only where it was asked for. */
      readonly stopPrice?: number | undefined;
    };

const letters = {
  MARKET: "M",
  LIMIT: "L",
  STOP: "S",
  STOP_LIMIT: "T",
  TAKE_PROFIT: "U",
  TAKE_PROFIT_LIMIT: "V",
} as const satisfies Record<OrderType, string>;
/** Fields that few orders have come as `name=value`; a client's id has no `=`. */
const place = /^P([bs])([MLSTUV]) (\d+) (\d+|-) (\d+|-) (GTC|IOC|FOK|GTX|-)((?: [a-z]=[^ ]*)*)(?: ([^ =]+))?$/;
const listHead = /^O([f-])(?: ([^ |]+))?$/;
const replacement = /^R(\d+) (\d+|-) (\d+)(?: s=(\d+))?$/;

/** In few bytes: Redis keeps a line for each action. */
export function encodeBody(action: ActionBody): string {
  switch (action.kind) {
    case "place":
      return encodeOrder(action.order);
    case "place-list": {
      const { first, others, clientListId } = action.list;
      const head = `O${first === undefined ? "-" : "f"}${clientListId === undefined ? "" : ` ${clientListId}`}`;
      const orders = first === undefined ? others : [first, ...others];
      return [head, ...orders.map(encodeOrder)].join("|");
    }
    case "listed":
      return "+";
    case "countdown":
      return `D${action.ns}`;
    case "cancel":
      return `C${action.order}`;
    case "cancel-all":
      return "A";
    case "replace": {
      const { order, price = "-", amount, stopPrice } = action;
      return `R${order} ${price} ${amount}${stopPrice === undefined ? "" : ` s=${stopPrice}`}`;
    }
  }
}

function encodeOrder(order: PlacedOrder): string {
  const { side, type, amount, price = "-", stopPrice = "-", timeInForce = "-", clientOrderId } = order;
  const { quoteAmount, closePosition, reduceOnly, expiresNs } = order;
  const fields: (string | number)[] = [amount, price, stopPrice, timeInForce];
  if (quoteAmount !== undefined) fields.push(`q=${quoteAmount}`);
  if (closePosition === true) fields.push("c=1");
  if (reduceOnly === true) fields.push("r=1");
  if (expiresNs !== undefined) fields.push(`e=${expiresNs}`);
  if (clientOrderId !== undefined) fields.push(clientOrderId);
  return `P${side === "buy" ? "b" : "s"}${letters[type]} ${fields.join(" ")}`;
}

/** @throws RangeError for a body that no release wrote */
export function decodeBody(body: string): ActionBody {
  if (body === "A") return { kind: "cancel-all" };
  if (body === "+") return { kind: "listed" };
  if (/^D\d+$/.test(body)) return { kind: "countdown", ns: BigInt(body.slice(1)) };
  if (body.startsWith("O")) return { kind: "place-list", list: decodeList(body) };
  if (/^C\d+$/.test(body)) return { kind: "cancel", order: Number(body.slice(1)) };
  const [, order, newPrice, newAmount, newStop] = replacement.exec(body) ?? [];
  if (order !== undefined) {
    const [price, newStopPrice] = [numberOf(newPrice), numberOf(newStop)];
    const stop = newStopPrice === undefined ? {} : { stopPrice: newStopPrice };
    return { kind: "replace", order: Number(order), price, amount: Number(newAmount), ...stop };
  }
  return { kind: "place", order: decodeOrder(body) };
}

function decodeList(body: string): PlacedList {
  const [head = "", ...texts] = body.split("|");
  const [, mark, clientListId] = listHead.exec(head) ?? [];
  const orders = texts.map(decodeOrder);
  const hasFirst = mark === "f";
  if (mark === undefined || orders.length < 2) throw new RangeError(`a list of the log is not readable: ${body}`);
  return { clientListId, first: hasFirst ? orders[0] : undefined, others: hasFirst ? orders.slice(1) : orders };
}

function decodeOrder(body: string): PlacedOrder {
  const [, side, letter, amount, price, stopPrice, timeInForce, more = "", clientOrderId] = place.exec(body) ?? [];
  const type = orderTypes.find((each) => letters[each] === letter);
  if (type === undefined) throw new RangeError(`an action of the log is not readable: ${body}`);
  const further = new Map(
    more
      .trim()
      .split(" ")
      .map((field) => [field.slice(0, 1), field.slice(2)]),
  );
  const [quoteAmount, expiresNs] = [further.get("q"), further.get("e")];
  return {
    ...(quoteAmount !== undefined && { quoteAmount: BigInt(quoteAmount) }),
    ...(further.has("c") && { closePosition: true }),
    ...(further.has("r") && { reduceOnly: true }),
    ...(expiresNs !== undefined && { expiresNs: BigInt(expiresNs) }),
    side: side === "b" ? "buy" : "sell",
    type,
    amount: Number(amount),
    price: numberOf(price),
    stopPrice: numberOf(stopPrice),
    timeInForce: validities.find((each) => each === timeInForce),
    clientOrderId,
  };
}

const validities = ["GTC", "IOC", "FOK", "GTX"] as const satisfies readonly TimeInForce[];

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === "-" ? undefined : Number(text);
}
