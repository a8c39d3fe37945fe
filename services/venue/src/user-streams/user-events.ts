import { isConditional } from "@tapedeck/matching";
import type { SessionFill, SessionOrder } from "@tapedeck/protocol";
import type { Standing, TradingMessage } from "@tapedeck/trading";
import { product, sum } from "../account/decimals.js";
import type { FuturesBalances, OwnOrder, OwnTrade, SpotBalances, Symbols } from "../account/own.js";
import { ownOrder, ownTrade, quotesOf, type TimeOf } from "../account/session-trading.js";
import { accountUpdate } from "../futures/futures-account-forms.js";
import { algoUpdate, orderTradeUpdate } from "../futures/futures-forms.js";
import type { Market } from "../http/target.js";
import { isRefused } from "../orders/refusals.js";
import { listStatus } from "../spot/order-list-forms.js";
import { accountPosition, executionReport } from "../spot/spot-forms.js";
import { ListStatuses } from "./list-statuses.js";

/** What happened to an order, with the fill that it was, if it was one. */
interface Change {
  readonly order: OwnOrder;
  readonly kind: "new" | "activated" | "canceled" | "expired" | "trade" | "triggered" | "replaced";
  readonly fill: OwnTrade | undefined;
  /** A stop order that has become an ordinary one, or is one. */
  readonly isLive: boolean;
}

interface UserEventsOptions {
  readonly market: Market;
  readonly symbols: Symbols;
  readonly timeOf: TimeOf;
}

/** Makes the venue's events of what the session's trading tells, in its order. */
export class UserEvents {
  readonly #options: UserEventsOptions;
  readonly #quotes: Map<string, string>;
  /** Orders that have been told as new, and whether one among them waited for its list's first order, or a stop order had been triggered. */
  readonly #told = new Map<string, ToldOrder>();
  readonly #lists: ListStatuses;
  #number = 0;

  /** @param before what was before the first event */
  constructor(options: UserEventsOptions, { orders, fills }: Pick<Standing, "orders" | "fills">) {
    this.#options = options;
    this.#quotes = quotesOf(fills);
    const arrived = orders.filter(({ status }) => status !== "PENDING");
    for (const order of arrived) this.#told.set(order.order_id, toldOrder(order));
    this.#lists = new ListStatuses(arrived.map((order) => ownOrder(order, "0", options.timeOf)));
  }

  /**
   * The events of some messages. Orders that were refused have none, as at Binance: their senders have an error for an answer.
   *
   * @param eventMs when they are told
   */
  of(messages: readonly TradingMessage[], eventMs: number): object[] {
    const events: object[] = [];
    const refused = new Set(
      messages.flatMap(({ type, data }) => (type === "order" && isRefused(data) ? [data.order_id] : [])),
    );
    let fill: SessionFill | undefined;
    for (const message of messages) {
      // A fill is followed by its order as it is after it.
      if (message.type === "trade_event") {
        fill = message.data;
        continue;
      }
      if (refused.has(message.data.order_id)) continue;
      const change = this.#changeOf(message.data, fill);
      const event = this.#eventOf(change, eventMs);
      if (event !== undefined) events.push(event);
      const list = this.#lists.after(change.order);
      if (list !== undefined && this.#options.market === "spot")
        events.push(listStatus(this.#options.symbols, list, eventMs));
      fill = undefined;
    }
    return events;
  }

  /** What the account is after a change, as far as the market tells it. */
  accountAfter(account: SpotBalances | FuturesBalances, eventMs: number): object {
    const { symbols } = this.#options;
    if (account.kind === "spot") return accountPosition(symbols, account, eventMs);
    return accountUpdate(symbols, account, "ORDER", eventMs);
  }

  #changeOf(order: SessionOrder, fill: SessionFill | undefined): Change {
    const { timeOf } = this.#options;
    const { order_id: id } = order;
    if (fill !== undefined) this.#quotes.set(id, sum(this.#quotes.get(id) ?? "0", product(fill.price, fill.amount)));
    const own = ownOrder(order, this.#quotes.get(id) ?? "0", timeOf);
    const told = this.#told.get(id);
    const kind = kindOf(own, fill !== undefined, told);
    this.#told.set(id, toldOrder(order));
    const isLive = !isConditional(own) || told?.triggered === true || kind === "trade";
    return { order: own, kind, fill: fill && ownTrade(fill, timeOf), isLive };
  }

  #eventOf(change: Change, eventMs: number): object | undefined {
    return this.#options.market === "spot" ? this.#spotEvent(change, eventMs) : this.#futuresEvent(change, eventMs);
  }

  #spotEvent({ order, kind, fill }: Change, eventMs: number): object | undefined {
    if (kind === "triggered") return undefined; // told when it trades
    const trade = fill && { own: fill, quote: product(fill.price, fill.amount) };
    const execution = kind === "trade" ? "TRADE" : spotExecutions[kind];
    return executionReport(this.#options.symbols, { order, execution, trade, number: ++this.#number, eventMs });
  }

  #futuresEvent({ order, kind, fill, isLive }: Change, eventMs: number): object | undefined {
    const { symbols } = this.#options;
    if (!isLive) return algoUpdate(symbols, order, algoStatuses[kind], eventMs);
    return orderTradeUpdate(symbols, { order, execution: futuresExecutions[kind], trade: fill, eventMs });
  }
}

/** What of an order that was told decides what its next change is. */
interface ToldOrder {
  readonly triggered: boolean;
  readonly waits: boolean;
}

function toldOrder({ triggered, list }: SessionOrder): ToldOrder {
  return { triggered: triggered === true, waits: list?.waits === true };
}

function kindOf({ status, triggered, list }: OwnOrder, filled: boolean, told: ToldOrder | undefined): Change["kind"] {
  if (filled) return "trade";
  if (status === "CANCELED") return "canceled";
  if (status === "EXPIRED") return "expired";
  if (told === undefined) return "new";
  if (told.waits && list?.waits === false) return "activated";
  return triggered && !told.triggered ? "triggered" : "replaced";
}

const spotExecutions = {
  new: "NEW",
  activated: "NEW",
  canceled: "CANCELED",
  expired: "EXPIRED",
  replaced: "REPLACED",
} as const;
const futuresExecutions = {
  new: "NEW",
  activated: "NEW",
  canceled: "CANCELED",
  expired: "EXPIRED",
  trade: "TRADE",
  triggered: "NEW",
  replaced: "AMENDMENT",
} as const;
const algoStatuses = {
  new: "NEW",
  activated: "NEW",
  canceled: "CANCELED",
  expired: "EXPIRED",
  trade: "FINISHED",
  triggered: "TRIGGERED",
  replaced: "NEW",
} as const;
