import type { OrderBody, TradedInstrument } from "@tapedeck/protocol";
import { createStore } from "zustand/vanilla";
import { persisted } from "../../design/persisted";

export type TicketType = "MARKET" | "LIMIT" | "STOP" | "TAKE_PROFIT";
export type Side = "buy" | "sell";
export type TimeInForce = NonNullable<OrderBody["time_in_force"]>;
/** What says how large an order is: its amount, what it costs (or brings), or the position that it closes. */
export type Sizing = "amount" | "cost" | "position";

/** What the user has typed. */
export interface Ticket {
  readonly type: TicketType;
  /** Counts where the type and the account allow it; see `sizingOf`. */
  readonly sizing: Sizing;
  readonly amount: string;
  readonly cost: string;
  /** Of a limit order; of one that waits for its stop price the limit that it becomes, or nothing for a market order. */
  readonly price: string;
  readonly stopPrice: string;
  readonly timeInForce: TimeInForce;
  /** A click on the ladder places an order; otherwise it needs Ctrl or ⌘, and without them fills the price in. */
  readonly clickTrading: boolean;
}

const kept = persisted<Pick<Ticket, "type" | "amount">>("tapedeck_ticket", { type: "LIMIT", amount: "0.1" });

/** The page's only ticket. Click trading does not survive a reload, so that nobody is surprised by it. */
export const ticket = createStore<Ticket>(() => ({
  ...{ sizing: "amount", cost: "", price: "", stopPrice: "", timeInForce: "GTC", clickTrading: false },
  ...kept.get(),
}));
ticket.subscribe(({ type, amount }) => kept.set({ type, amount }));

/** What orders are of. */
export interface TicketMarket extends Pick<TradedInstrument, "price_decimals" | "amount_decimals"> {
  readonly account: "spot" | "futures";
}

/** An order, or a sentence that says what is wrong with the ticket. */
export type TicketOrder = { readonly order: OrderBody } | { readonly problem: string };

type Problem = { readonly problem: string };

/** Whether orders of a type wait until the market trades at their stop price. */
export function isConditional(type: TicketType): type is "STOP" | "TAKE_PROFIT" {
  return type === "STOP" || type === "TAKE_PROFIT";
}

/** What can say how large an order of a type is. */
export function sizingsOf(type: TicketType, account: TicketMarket["account"] | undefined): readonly Sizing[] {
  if (type === "MARKET") return ["amount", "cost"];
  return isConditional(type) && account === "futures" ? ["amount", "position"] : ["amount"];
}

/** What says how large the ticket's order is. */
export function sizingOf({ type, sizing }: Ticket, account: TicketMarket["account"] | undefined): Sizing {
  return sizingsOf(type, account).includes(sizing) ? sizing : "amount";
}

/** Whether the ticket's order has, or will have, a limit. */
export function hasLimit(values: Ticket, account: TicketMarket["account"] | undefined): boolean {
  const { type, price } = values;
  if (type === "LIMIT") return true;
  return isConditional(type) && price.trim() !== "" && sizingOf(values, account) !== "position";
}

/** The order of a ticket. */
export function orderOf(values: Ticket, side: Side, market: TicketMarket): TicketOrder {
  const { type, timeInForce: time_in_force } = values;
  const size = sizeOf(values, market);
  if ("problem" in size) return size;
  if (type === "MARKET") return { order: { side, type, ...size } };
  const priceOf = (name: string, text: string) => positive(name, text, market.price_decimals);
  if (type === "LIMIT") {
    const price = priceOf("Price", values.price);
    return typeof price === "string" ? { order: { side, type, ...size, price, time_in_force } } : price;
  }
  const stop_price = priceOf("Stop price", values.stopPrice);
  if (typeof stop_price !== "string") return stop_price;
  if (!hasLimit(values, market.account)) return { order: { side, type, ...size, stop_price } };
  const price = priceOf("Limit", values.price);
  if (typeof price !== "string") return price;
  return { order: { side, type: withLimit[type], ...size, stop_price, price, time_in_force } };
}

const withLimit = { STOP: "STOP_LIMIT", TAKE_PROFIT: "TAKE_PROFIT_LIMIT" } as const;

type Size = Pick<OrderBody, "amount" | "quote_amount" | "close_position">;

function sizeOf(values: Ticket, market: TicketMarket): Size | Problem {
  const sizing = sizingOf(values, market.account);
  if (sizing === "position") return { close_position: true };
  if (sizing === "cost") {
    const quote_amount = positive("Cost", values.cost, market.price_decimals + market.amount_decimals);
    return typeof quote_amount === "string" ? { quote_amount } : quote_amount;
  }
  const amount = positive("Amount", values.amount, market.amount_decimals);
  return typeof amount === "string" ? { amount } : amount;
}

/**
 * The order that a click on the ladder places: one that waits for that price if the ticket is for those, otherwise a limit order at it. A ticket by cost
 * has no amount that the user sees, and places none.
 */
export function orderAtPrice(values: Ticket, side: Side, price: number, market: TicketMarket): TicketOrder {
  const text = price.toFixed(market.price_decimals);
  if (isConditional(values.type)) return orderOf({ ...values, stopPrice: text, price: "" }, side, market);
  if (sizingOf(values, market.account) === "cost")
    return { problem: "A click on the ladder needs an amount: choose Amount in place of Cost." };
  return orderOf({ ...values, type: "LIMIT", price: text }, side, market);
}

/** How large the order of a click on the ladder would be, in a word; undefined if it would place none. */
export function clickSize(values: Ticket, account: TicketMarket["account"]): string | undefined {
  const sizing = sizingOf(values, account);
  if (sizing === "cost") return undefined;
  return sizing === "position" ? "all" : values.amount;
}

/** A plain decimal above 0 as the cluster takes it, or what is wrong with it. Thousands may have commas. */
function positive(name: string, text: string, decimals: number): string | Problem {
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
export function fillPriceIn(price: number, { price_decimals }: Pick<TicketMarket, "price_decimals">): void {
  const text = price.toFixed(price_decimals);
  ticket.setState(isConditional(ticket.getState().type) ? { stopPrice: text } : { price: text });
}
