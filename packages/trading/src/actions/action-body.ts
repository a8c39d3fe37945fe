import { type OrderSide, type OrderType, orderTypes, type TimeInForce } from "@tapedeck/matching";

/** An order as the log has it: whole numbers of the instrument's last decimal. */
export interface PlacedOrder {
  readonly side: OrderSide;
  readonly type: OrderType;
  /** 0 of one with `quoteAmount` or `closePosition`. */
  readonly amount: number;
  /** In units of price times units of amount. */
  readonly quoteAmount?: bigint | undefined;
  readonly closePosition?: boolean | undefined;
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
const replacement = /^R(\d+) (\d+|-) (\d+)(?: s=(\d+))?$/;

/** In few bytes: Redis keeps a line for each action. */
export function encodeBody(action: ActionBody): string {
  switch (action.kind) {
    case "place": {
      const { side, type, amount, price = "-", stopPrice = "-", timeInForce = "-", clientOrderId } = action.order;
      const { quoteAmount, closePosition } = action.order;
      const fields: (string | number)[] = [amount, price, stopPrice, timeInForce];
      if (quoteAmount !== undefined) fields.push(`q=${quoteAmount}`);
      if (closePosition === true) fields.push("c=1");
      if (clientOrderId !== undefined) fields.push(clientOrderId);
      return `P${side === "buy" ? "b" : "s"}${letters[type]} ${fields.join(" ")}`;
    }
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

/** @throws RangeError for a body that no release wrote */
export function decodeBody(body: string): ActionBody {
  if (body === "A") return { kind: "cancel-all" };
  if (/^C\d+$/.test(body)) return { kind: "cancel", order: Number(body.slice(1)) };
  const [, order, newPrice, newAmount, newStop] = replacement.exec(body) ?? [];
  if (order !== undefined) {
    const [price, newStopPrice] = [numberOf(newPrice), numberOf(newStop)];
    const stop = newStopPrice === undefined ? {} : { stopPrice: newStopPrice };
    return { kind: "replace", order: Number(order), price, amount: Number(newAmount), ...stop };
  }
  const [, side, letter, amount, price, stopPrice, timeInForce, more = "", clientOrderId] = place.exec(body) ?? [];
  const type = orderTypes.find((each) => letters[each] === letter);
  if (type === undefined) throw new RangeError(`an action of the log is not readable: ${body}`);
  const further = new Map(
    more
      .trim()
      .split(" ")
      .map((field) => [field.slice(0, 1), field.slice(2)]),
  );
  const quoteAmount = further.get("q");
  return {
    kind: "place",
    order: {
      ...(quoteAmount !== undefined && { quoteAmount: BigInt(quoteAmount) }),
      ...(further.has("c") && { closePosition: true }),
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

const validities = ["GTC", "IOC", "FOK", "GTX"] as const satisfies readonly TimeInForce[];

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === "-" ? undefined : Number(text);
}
