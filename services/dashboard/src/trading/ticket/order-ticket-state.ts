import type { OrderBody, TradedInstrument } from "@tapedeck/protocol";
import { createStore } from "zustand/vanilla";
import { persisted } from "../../design/persisted";

export type TicketType = "MARKET" | "LIMIT" | "STOP";
export type Side = "buy" | "sell";
export type TimeInForce = NonNullable<OrderBody["time_in_force"]>;

/** What the user has typed. */
export interface Ticket {
  readonly type: TicketType;
  readonly amount: string;
  /** Of a limit order; of a stop the limit that it becomes, or nothing for a market order. */
  readonly price: string;
  readonly stopPrice: string;
  readonly timeInForce: TimeInForce;
  /** A click on the ladder places an order; otherwise it needs Ctrl or ⌘, and without them fills the price in. */
  readonly clickTrading: boolean;
}

const kept = persisted<Pick<Ticket, "type" | "amount">>("tapedeck_ticket", { type: "LIMIT", amount: "0.1" });

/** The page's only ticket. Click trading does not survive a reload, so that nobody is surprised by it. */
export const ticket = createStore<Ticket>(() => ({
  ...{ price: "", stopPrice: "", timeInForce: "GTC", clickTrading: false },
  ...kept.get(),
}));
ticket.subscribe(({ type, amount }) => kept.set({ type, amount }));

/** An order, or a sentence that says what is wrong with the ticket. */
export type TicketOrder = { readonly order: OrderBody } | { readonly problem: string };

type Decimals = Pick<TradedInstrument, "price_decimals" | "amount_decimals">;

/** The order of a ticket. */
export function orderOf(values: Ticket, side: Side, decimals: Decimals): TicketOrder {
  const { type, timeInForce: time_in_force } = values;
  const amount = positive("Amount", values.amount, decimals.amount_decimals);
  if (typeof amount !== "string") return amount;
  if (type === "MARKET") return { order: { side, type, amount } };
  if (type === "LIMIT") {
    const price = positive("Price", values.price, decimals.price_decimals);
    return typeof price === "string" ? { order: { side, type, amount, price, time_in_force } } : price;
  }
  const stop_price = positive("Stop price", values.stopPrice, decimals.price_decimals);
  if (typeof stop_price !== "string") return stop_price;
  if (values.price.trim() === "") return { order: { side, type, amount, stop_price } };
  const price = positive("Limit", values.price, decimals.price_decimals);
  if (typeof price !== "string") return price;
  return { order: { side, type: "STOP_LIMIT", amount, stop_price, price, time_in_force } };
}

/** The order that a click on the ladder places: a stop if the ticket is for stops, otherwise a limit order at that price. */
export function orderAtPrice(values: Ticket, side: Side, price: number, decimals: Decimals): TicketOrder {
  const text = price.toFixed(decimals.price_decimals);
  if (values.type === "STOP") return orderOf({ ...values, stopPrice: text, price: "" }, side, decimals);
  return orderOf({ ...values, type: "LIMIT", price: text }, side, decimals);
}

/** A plain decimal above 0 as the cluster takes it, or what is wrong with it. Thousands may have commas. */
function positive(name: string, text: string, decimals: number): string | { readonly problem: string } {
  const plain = text.trim().replaceAll(",", "");
  const [, whole, fraction = ""] = /^(\d{0,15})(?:\.(\d*))?$/.exec(plain) ?? [];
  if (whole === undefined || whole + fraction === "") return { problem: `${name} must be a number, such as 0.5.` };
  if (Number(plain) === 0) return { problem: `${name} must be above 0.` };
  if (fraction.replace(/0+$/, "").length > decimals) {
    return {
      problem:
        decimals === 0
          ? `${name} must be a whole number.`
          : `${name} has at most ${decimals} ${decimals === 1 ? "decimal" : "decimals"}.`,
    };
  }
  const digits = fraction.slice(0, decimals);
  return `${whole === "" ? "0" : whole}${digits === "" ? "" : `.${digits}`}`;
}

/** Fills a price of the ladder in. */
export function fillPriceIn(price: number, { price_decimals }: Decimals): void {
  const text = price.toFixed(price_decimals);
  ticket.setState(ticket.getState().type === "STOP" ? { stopPrice: text } : { price: text });
}

/** An order in words: "Buy limit 0.5 @ 30000.1". */
export function orderText({ side, type, amount, price, stop_price }: OrderBody): string {
  const kind = type.toLowerCase().replace("_", "-");
  const at = [stop_price, price].filter((one) => one !== undefined).join(" → ");
  return `${side === "buy" ? "Buy" : "Sell"} ${kind} ${amount}${at === "" ? "" : ` @ ${at}`}`;
}
