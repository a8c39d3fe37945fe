import type { OrderSide, OrderType, TimeInForce } from "@tapedeck/matching";

/** An order as the log has it: whole numbers of the instrument's last decimal. */
export interface PlacedOrder {
  readonly side: OrderSide;
  readonly type: OrderType;
  readonly amount: number;
  readonly price: number | undefined;
  readonly stopPrice: number | undefined;
  readonly timeInForce: TimeInForce | undefined;
  readonly clientOrderId: string | undefined;
}

/** What an action does. Orders are named by the number of the action that placed them. */
export type ActionBody =
  | { readonly kind: "place"; readonly order: PlacedOrder }
  | { readonly kind: "cancel"; readonly order: number }
  | { readonly kind: "cancel-all" }
  | { readonly kind: "replace"; readonly order: number; readonly price: number; readonly amount: number };

const letters = { MARKET: "M", LIMIT: "L", STOP: "S", STOP_LIMIT: "T" } as const;
const place = /^P([bs])([MLST]) (\d+) (\d+|-) (\d+|-) (GTC|IOC|FOK|GTX|-)(?: (.+))?$/;
const replacement = /^R(\d+) (\d+) (\d+)$/;

/** In few bytes: Redis keeps a line for each action. */
export function encodeBody(action: ActionBody): string {
  switch (action.kind) {
    case "place": {
      const { side, type, amount, price = "-", stopPrice = "-", timeInForce = "-", clientOrderId } = action.order;
      const head = `P${side === "buy" ? "b" : "s"}${letters[type]} ${amount} ${price} ${stopPrice} ${timeInForce}`;
      return clientOrderId === undefined ? head : `${head} ${clientOrderId}`;
    }
    case "cancel":
      return `C${action.order}`;
    case "cancel-all":
      return "A";
    case "replace":
      return `R${action.order} ${action.price} ${action.amount}`;
  }
}

/** @throws RangeError for a body that no release wrote */
export function decodeBody(body: string): ActionBody {
  if (body === "A") return { kind: "cancel-all" };
  if (/^C\d+$/.test(body)) return { kind: "cancel", order: Number(body.slice(1)) };
  const [, order, newPrice, newAmount] = replacement.exec(body) ?? [];
  if (order !== undefined)
    return { kind: "replace", order: Number(order), price: Number(newPrice), amount: Number(newAmount) };
  const [, side, letter, amount, price, stopPrice, timeInForce, clientOrderId] = place.exec(body) ?? [];
  const type = orderTypes.find((each) => letters[each] === letter);
  if (type === undefined) throw new RangeError(`an action of the log is not readable: ${body}`);
  return {
    kind: "place",
    order: {
      side: side === "b" ? "buy" : "sell",
      type,
      amount: Number(amount),
      price: numberOf(price),
      stopPrice: numberOf(stopPrice),
      timeInForce: validities.find((each) => each === timeInForce),
      clientOrderId,
    },
  };
}

const orderTypes = ["MARKET", "LIMIT", "STOP", "STOP_LIMIT"] as const satisfies readonly OrderType[];
const validities = ["GTC", "IOC", "FOK", "GTX"] as const satisfies readonly TimeInForce[];

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === "-" ? undefined : Number(text);
}
