import { createVenueKeyAnswer, orderAnswer, ordersAnswer, type SessionOrder } from "@tapedeck/protocol";
import { SigningClient } from "../../../services/venue/src/testing/signing-client.js";
import type { TestCluster } from "../../support/cluster.js";
import type { ApiAnswer, ServingApis } from "../../support/serving-apis.js";
import type { Desk, NamedOrder } from "./program.js";

/** A node that was killed serves again within seconds. */
const longestMs = 60_000;
const againAfterMs = 100;

/**
 * Sends actions over HTTP, each to the next api. A request that a killed node leaves without an answer may have been carried out: an order is then
 * looked for by its name and sent again only if it is not there; a cancellation or a replacement is sent again, since twice is as once.
 */
export class ApiDesk implements Desk {
  readonly #apis: ServingApis;
  readonly #session: string;
  readonly #ids = new Map<string, string>();
  /** Requests that got no answer. */
  lost = 0;

  constructor(apis: ServingApis, session: string) {
    this.#apis = apis;
    this.#session = session;
  }

  async place(order: NamedOrder): Promise<void> {
    await this.perform(
      async () => {
        const answer = await this.send(order);
        const id = answer.status === 200 ? this.idOf(answer.body) : undefined;
        if (id !== undefined) this.#ids.set(order.client_order_id, id);
        return answer;
      },
      async () => {
        const found = (await this.#orders()).find(({ client_order_id: name }) => name === order.client_order_id);
        if (found !== undefined) this.#ids.set(order.client_order_id, found.order_id);
        return found !== undefined;
      },
    );
  }

  async cancel(name: string): Promise<void> {
    await this.perform(() => this.#apis.call("DELETE", this.#pathOf(name)));
  }

  async replace(name: string, price: string): Promise<void> {
    await this.perform(() => this.#apis.call("POST", `${this.#pathOf(name)}/replace`, { price }));
  }

  protected send(order: NamedOrder): Promise<ApiAnswer> {
    return this.#apis.call("POST", `/sessions/${this.#session}/orders`, order);
  }

  protected idOf(body: unknown): string {
    return orderAnswer.parse(body).order.order_id;
  }

  /** Until it is done or refused. @param isDone whether a request without an answer was carried out */
  protected async perform(
    send: () => Promise<ApiAnswer>,
    isDone: () => Promise<boolean> = async () => false,
  ): Promise<void> {
    const deadline = performance.now() + longestMs;
    for (;;) {
      try {
        const { status, body } = await send();
        if (status < 429) return;
        if (performance.now() > deadline) throw new Error(`still ${status}: ${JSON.stringify(body)}`);
      } catch (error) {
        if (performance.now() > deadline) throw error;
        this.lost++;
      }
      await new Promise((resolve) => setTimeout(resolve, againAfterMs));
      if (await isDone().catch(() => false)) return;
    }
  }

  async #orders(): Promise<SessionOrder[]> {
    const { status, body } = await this.#apis.call("GET", `/sessions/${this.#session}/orders?limit=1000`);
    if (status !== 200) throw new Error(`orders: ${status}`);
    return ordersAnswer.parse(body).orders;
  }

  #pathOf(name: string): string {
    return `/sessions/${this.#session}/orders/${this.#ids.get(name) ?? "unknown"}`;
  }
}

const venueTypes = { MARKET: "MARKET", LIMIT: "LIMIT", STOP: "STOP_LOSS" } as const;

/** Places and cancels as a bot of Binance's spot market does, each time at the next venue; replaces over HTTP. */
export class VenueDesk extends ApiDesk {
  readonly #symbol: string;
  /** At the next venue. */
  readonly #bot: () => SigningClient;

  static async open(
    cluster: TestCluster,
    apis: ServingApis,
    { session, symbol, first }: { readonly session: string; readonly symbol: string; readonly first: number },
  ): Promise<VenueDesk> {
    const answer = await apis.insist(createVenueKeyAnswer, "POST", `/sessions/${session}/venue-keys`, {});
    const { api_key: apiKey, secret = "" } = answer;
    const botOf = (url: string) => new SigningClient(`${url}/venue/binance/${session}`, { apiKey, secret });
    let next = first;
    return new VenueDesk(apis, session, symbol, () => {
      const serving = cluster.venues.filter(({ ready }) => ready);
      return botOf((serving[next++ % Math.max(1, serving.length)] ?? cluster).url);
    });
  }

  private constructor(apis: ServingApis, session: string, symbol: string, bot: () => SigningClient) {
    super(apis, session);
    this.#symbol = symbol;
    this.#bot = bot;
  }

  override async cancel(name: string): Promise<void> {
    const named = { symbol: this.#symbol, origClientOrderId: name };
    await this.perform(() => this.#bot().signed("DELETE", "/api/v3/order", named));
  }

  protected override send(order: NamedOrder): Promise<ApiAnswer> {
    const { side, type, amount, price, stop_price: stopPrice, time_in_force: force } = order;
    const isPostOnly = force === "GTX";
    return this.#bot().signed("POST", "/api/v3/order", {
      symbol: this.#symbol,
      side: side.toUpperCase(),
      type: isPostOnly ? "LIMIT_MAKER" : venueTypes[type],
      quantity: amount,
      newClientOrderId: order.client_order_id,
      ...(price !== undefined && { price }),
      ...(stopPrice !== undefined && { stopPrice }),
      ...(force !== undefined && !isPostOnly && { timeInForce: force }),
    });
  }

  /** The venue's ids of orders are the session's. */
  protected override idOf(body: unknown): string {
    return `${Object(body).orderId}`;
  }
}
