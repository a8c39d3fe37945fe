import type {
  AccountAnswer,
  FillsAnswer,
  OrdersAnswer,
  SessionBranch,
  SessionOrder,
  TradingAnswer,
  TradingSettingsChangeInput,
} from "@tapedeck/protocol";
import { TapedeckError } from "../errors.js";
import { type HttpClient, pathSegment, queryOf } from "../http-client.js";
import { requireObject } from "../options.js";
import { randomName } from "../random-name.js";
import { listBody, type NewOrder, type NewOrderList, type OrderChange, orderBody } from "./new-order.js";

export interface PageOptions {
  /** The id of the last one of the page before. */
  readonly after?: string;
  /** 1 to 1000; 100 by default. */
  readonly limit?: number;
}

export interface OrdersOptions extends PageOptions {
  /** Only orders that are open or on their way. */
  readonly open?: boolean;
}

/** Orders, fills and account of a session at its playhead, or of a branch as it was when it was left. Each names the frame with which it is so. */
export class TradingView {
  /** @internal */
  protected readonly http: HttpClient;
  /** @internal */
  protected readonly path: string;

  /** @internal */
  constructor(http: HttpClient, path: string) {
    this.http = http;
    this.path = path;
  }

  /** Oldest first, page by page. */
  async orders(options: OrdersOptions = {}): Promise<OrdersAnswer> {
    return this.http.call("GET", `${this.path}/orders${queryOf(requireObject("orders", options))}`);
  }
  /** Oldest first, page by page. */
  async fills(options: PageOptions = {}): Promise<FillsAnswer> {
    return this.http.call("GET", `${this.path}/fills${queryOf(requireObject("fills", options))}`);
  }
  /** Balances, or wallet and position. */
  account(): Promise<AccountAnswer> {
    return this.http.call("GET", `${this.path}/account`);
  }
}

/**
 * Orders of a session on its tape, over HTTP: they need no connection to a gateway. What sends one resolves with the order as it is when it has arrived at
 * the market, if the session plays and that is at once, and otherwise as it is on its way (`PENDING`). `onOrder` and `onFill` of the session tell what
 * becomes of it. Settings and answers are the cluster's JSON.
 *
 * A call that gets no answer is made again where that changes nothing more: no order is placed twice. Without an answer to any attempt it rejects with
 * `interrupted`: it may have been carried out.
 *
 * ```ts
 * const { order_id } = await session.trading.place({ side: "buy", type: "LIMIT", amount: "0.01", price: "28150.0" });
 * await session.trading.replace(order_id, { price: "28149.5" });
 * ```
 */
export class Trading extends TradingView {
  /** @internal */
  constructor(http: HttpClient, sessionId: string) {
    super(http, `/sessions/${pathSegment(sessionId)}`);
  }

  /** Sends an order, once under its name: if the session has one with this `clientOrderId`, it is answered as it is. */
  async place(order: NewOrder): Promise<SessionOrder> {
    const body = { client_order_id: randomName(), ...orderBody(order) };
    return (await this.#change<OrderAnswer>("POST", "/orders?once=true", body)).order;
  }
  /** Sends orders that depend on each other (OCO, OTO, OTOCO), all or none, and once under the name of the list. */
  async placeList(list: NewOrderList): Promise<SessionOrder[]> {
    return (await this.#change<{ orders: SessionOrder[] }>("POST", "/order-lists?once=true", listBody(list))).orders;
  }
  /**
   * Gives an open order another price, open amount or stop price. It keeps its place in the queue only with the same price and no larger amount. Made once:
   * without an answer it rejects with `interrupted`, and `order` tells whether it was carried out.
   */
  async replace(orderId: string, change: OrderChange): Promise<SessionOrder> {
    return (await this.#change<OrderAnswer>("POST", `${orderPath(orderId)}/replace`, orderBody(change), false)).order;
  }
  /** Cancels an order. Rejects with `ORDER_NOT_OPEN` if it has ended. */
  async cancel(orderId: string): Promise<SessionOrder> {
    let repeated = false;
    const onRepeat = () => {
      repeated = true;
    };
    try {
      return (await this.#change<OrderAnswer>("DELETE", orderPath(orderId), undefined, onRepeat)).order;
    } catch (error) {
      if (!repeated || !(error instanceof TapedeckError) || error.code !== "ORDER_NOT_OPEN") throw error;
      // The attempt that got no answer has cancelled it, or will have in a moment; unless it ended by itself.
      const order = await this.order(orderId);
      if (order.status === "CANCELED" || Number(order.open) > 0) return order;
      throw error;
    }
  }
  /** Cancels all open orders. Resolves with them, as they were before. */
  async cancelAll(): Promise<SessionOrder[]> {
    return (await this.#change<{ orders: SessionOrder[] }>("DELETE", "/orders")).orders;
  }
  async order(orderId: string): Promise<SessionOrder> {
    return (await this.http.call<OrderAnswer>("GET", this.path + orderPath(orderId))).order;
  }

  /** How the session's orders meet its tape, and the instrument that they are of. */
  settings(): Promise<TradingAnswer> {
    return this.http.call("GET", `${this.path}/trading`);
  }
  /** Changes some of the settings, as `settings` has them, before the first order; what is left out stays. */
  async configure(change: TradingSettingsChangeInput): Promise<TradingAnswer> {
    return this.#change("PATCH", "/trading", requireObject("settings", change));
  }

  /** What rewinds undid, newest first. */
  async branches(): Promise<SessionBranch[]> {
    return (await this.http.call<{ branches: SessionBranch[] }>("GET", `${this.path}/branches`)).branches;
  }
  /** Orders, fills and account of a branch as it was when it was left. */
  branch(id: string): TradingView {
    return new TradingView(this.http, `${this.path}/branches/${pathSegment(id)}`);
  }

  /** @param repeats whether the call may be made again, and what to do then */
  #change<T>(
    method: "POST" | "PATCH" | "DELETE",
    path: string,
    body?: object,
    repeats: boolean | (() => void) = true,
  ): Promise<T> {
    return this.http.change(method, this.path + path, body, repeats);
  }
}

interface OrderAnswer {
  readonly order: SessionOrder;
}

function orderPath(id: string): string {
  return `/orders/${pathSegment(id)}`;
}
