import type { OrderBody, OrderListBody, TradedInstrument } from "@tapedeck/protocol";
import { createStore } from "zustand/vanilla";
import { persisted } from "../../design/persisted";

/** OCO: a take profit and a stop of which one ends the other. */
export type TicketType = "MARKET" | "LIMIT" | "STOP" | "TAKE_PROFIT" | "OCO";
export type Side = "buy" | "sell";
/** GTD: good till canceled, or until a time on the tape. */
export type TimeInForce = NonNullable<OrderBody["time_in_force"]> | "GTD";
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
  /** Of OCO, and of the exits of a limit order. */
  readonly profitPrice: string;
  /** A limit order is followed by a take profit, a stop at `stopPrice`, or both. */
  readonly exits: boolean;
  /** Of GTD, how long it is good: "90s", "15m", "2h". */
  readonly goodFor: string;
  /** On a futures account: the order may not open or turn a position. */
  readonly reduceOnly: boolean;
  readonly timeInForce: TimeInForce;
  /** A click on the ladder places an order; otherwise it needs Ctrl or ⌘, and without them fills the price in. */
  readonly clickTrading: boolean;
}

const kept = persisted<Pick<Ticket, "type" | "amount">>("tapedeck_ticket", { type: "LIMIT", amount: "0.1" });

/** The page's only ticket. Click trading does not survive a reload, so that nobody is surprised by it. */
export const ticket = createStore<Ticket>(() => ({
  ...{ sizing: "amount", cost: "", price: "", stopPrice: "", profitPrice: "", timeInForce: "GTC", goodFor: "15m" },
  ...{ exits: false, reduceOnly: false, clickTrading: false },
  ...kept.get(),
}));
ticket.subscribe(({ type, amount }) => kept.set({ type, amount }));

/** What orders are of. */
export interface TicketMarket extends Pick<TradedInstrument, "price_decimals" | "amount_decimals"> {
  readonly account: "spot" | "futures";
  /** Where the playhead is, in milliseconds since 1970; undefined without a frame. */
  readonly tapeMs?: number | undefined;
}

/** An order, orders that depend on each other, or a sentence that says what is wrong with the ticket. */
export type TicketOrder =
  | { readonly order: OrderBody }
  | { readonly list: OrderListBody }
  | { readonly problem: string };

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

/** Whether the ticket's limit order is followed by exits. */
export function hasExits({ type, exits }: Ticket): boolean {
  return type === "LIMIT" && exits;
}

/** Whether it may be said of the ticket's order that it only reduces. One with exits opens, and they reduce anyway, as does one that closes the position. */
export function canReduce(values: Ticket, account: TicketMarket["account"] | undefined): boolean {
  return account === "futures" && !hasExits(values) && sizingOf(values, account) !== "position";
}

/** What a ticket sends. */
export function orderOf(values: Ticket, side: Side, market: TicketMarket): TicketOrder {
  const { type } = values;
  const size = sizeOf(values, market);
  if ("problem" in size) return size;
  const order = { side, ...size, ...(canReduce(values, market.account) && values.reduceOnly && { reduce_only: true }) };
  if (type === "MARKET") return { order: { ...order, type } };
  if (type === "OCO") {
    const others = pairOf(values, order, market);
    return "problem" in others ? others : { list: { others } };
  }
  const price = priceOf(type === "LIMIT" ? "Price" : "Limit", values.price, market);
  const validity = validityOf(values, market);
  if (type === "LIMIT") {
    if (typeof price !== "string") return price;
    if ("problem" in validity) return validity;
    const limit = { ...order, type, price, ...validity };
    return hasExits(values) ? withExits(values, limit, market) : { order: limit };
  }
  const stop_price = priceOf("Stop price", values.stopPrice, market);
  if (typeof stop_price !== "string") return stop_price;
  if (!hasLimit(values, market.account)) return { order: { ...order, type, stop_price } };
  if (typeof price !== "string") return price;
  if ("problem" in validity) return validity;
  return { order: { ...order, type: withLimit[type], stop_price, price, ...validity } };
}

/** A take profit and a stop, with a limit or without. The one that the market comes to first ends the other. */
function pairOf(values: Ticket, order: Pick<OrderBody, "side"> & Size, market: TicketMarket): OrderBody[] | Problem {
  const profit = priceOf("Take profit", values.profitPrice, market);
  if (typeof profit !== "string") return profit;
  const stop_price = priceOf("Stop price", values.stopPrice, market);
  if (typeof stop_price !== "string") return stop_price;
  const wrong = wrongPair(order.side, profit, stop_price);
  if (wrong !== undefined) return wrong;
  const takeProfit: OrderBody = { ...order, type: "LIMIT", price: profit };
  if (values.type !== "OCO" || values.price.trim() === "") return [takeProfit, { ...order, type: "STOP", stop_price }];
  const price = priceOf("Limit", values.price, market);
  if (typeof price !== "string") return price;
  return [takeProfit, { ...order, type: "STOP_LIMIT", stop_price, price }];
}

function withExits(values: Ticket, first: OrderBody, market: TicketMarket): TicketOrder {
  const side = first.side === "buy" ? "sell" : "buy";
  const exit = { side, amount: first.amount, ...(market.account === "futures" && { reduce_only: true }) } as const;
  const [hasProfit, hasStop] = [values.profitPrice, values.stopPrice].map((text) => text.trim() !== "");
  if (!hasProfit && !hasStop) return { problem: "Exits need a take profit, a stop price, or both." };
  if (hasProfit && hasStop) {
    const others = pairOf(values, exit, market);
    return "problem" in others ? others : { list: { first, others } };
  }
  const price = hasProfit ? priceOf("Take profit", values.profitPrice, market) : undefined;
  const stop_price = hasStop ? priceOf("Stop price", values.stopPrice, market) : undefined;
  if (typeof price === "object") return price;
  if (typeof stop_price === "object") return stop_price;
  const other: OrderBody =
    price === undefined ? { ...exit, type: "STOP", stop_price } : { ...exit, type: "LIMIT", price };
  return { list: { first, others: [other] } };
}

function wrongPair(side: Side, profit: string, stop: string): Problem | undefined {
  const [above, below] = side === "sell" ? [profit, stop] : [stop, profit];
  if (Number(above) > Number(below)) return undefined;
  return { problem: `To ${side}, the take profit must be ${side === "sell" ? "above" : "below"} the stop price.` };
}

/** How long an order with a price is good. */
function validityOf({ timeInForce, goodFor }: Ticket, { tapeMs }: TicketMarket): Validity | Problem {
  if (timeInForce !== "GTD") return { time_in_force: timeInForce };
  const ms = durationMs(goodFor);
  if (ms === undefined) return { problem: "Good for must be a time such as 90s, 15m or 2h." };
  if (tapeMs === undefined) return { problem: "The tape has no time yet: wait for its first frame." };
  return { time_in_force: "GTC", expires_at: new Date(tapeMs + ms).toISOString() };
}

type Validity = Pick<OrderBody, "time_in_force" | "expires_at">;

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function durationMs(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,6}(?:\.\d+)?)\s*([smhd])$/.exec(text.trim().toLowerCase()) ?? [];
  const ms = Number(amount) * (unitMs[unit] ?? Number.NaN);
  return ms > 0 ? ms : undefined;
}

function priceOf(name: string, text: string, { price_decimals }: TicketMarket): string | Problem {
  return positive(name, text, price_decimals);
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
  if (values.type === "OCO") return { problem: "A click on the ladder has one price: choose another type than OCO." };
  if (isConditional(values.type)) return orderOf({ ...values, stopPrice: text, price: "" }, side, market);
  if (sizingOf(values, market.account) === "cost")
    return { problem: "A click on the ladder needs an amount: choose Amount in place of Cost." };
  return orderOf({ ...values, type: "LIMIT", price: text, exits: hasExits(values) }, side, market);
}

/** How large the order of a click on the ladder would be, in a word; undefined if it would place none. */
export function clickSize(values: Ticket, account: TicketMarket["account"]): string | undefined {
  const sizing = sizingOf(values, account);
  if (sizing === "cost" || values.type === "OCO") return undefined;
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
  const { type } = ticket.getState();
  if (type === "OCO") ticket.setState({ profitPrice: text });
  else ticket.setState(isConditional(type) ? { stopPrice: text } : { price: text });
}
