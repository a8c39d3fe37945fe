import { z } from "zod";
import { SigningClient } from "../../../services/venue/src/testing/signing-client.js";
import type { Balance, BestPrices, Bot, BotOrder } from "./bot.js";
import { exact, shown } from "./exact.js";
import type { BotHistory, Fill, Listening, SentOutcome } from "./history.js";
import { type BotKeyPair, UserStream } from "./user-stream.js";

export interface VenueBotOptions {
  readonly name: string;
  readonly market: "spot" | "usdm";
  readonly key: BotKeyPair;
  readonly symbol: string;
  readonly history: BotHistory;
  /** Address of the session's venue on some node, of http; the next one at each call. */
  readonly address: () => string;
  /** The session's epoch, as a client cannot know it; undefined if nobody says. */
  readonly epoch: () => Promise<number | undefined>;
}

const requestMs = 10_000;
/** What failed is tried again, each time after twice as long, as clients do that do not want to add to what is wrong. */
const againAfterMs = { first: 300, most: 3_000 } as const;
const paths = {
  spot: {
    order: "/api/v3/order",
    all: "/api/v3/allOrders",
    open: "/api/v3/openOrders",
    trades: "/api/v3/myTrades",
    book: "/api/v3/ticker/bookTicker",
  },
  usdm: {
    order: "/fapi/v1/order",
    all: "/fapi/v1/allOrders",
    open: "/fapi/v1/allOpenOrders",
    trades: "/fapi/v1/userTrades",
    book: "/fapi/v1/ticker/bookTicker",
  },
} as const;
const whole = z.number().transform(String);
const restOrders = z.array(z.looseObject({ orderId: whole, status: z.string(), executedQty: z.string() }));
const restTrades = z.array(
  z.looseObject({
    ...{ id: whole, orderId: whole, price: z.string(), qty: z.string(), commission: z.string() },
    // Futures' and spot's.
    ...{ side: z.string().optional(), isBuyer: z.boolean().optional() },
  }),
);
/** Of spot's executionReport, and of what futures' ORDER_TRADE_UPDATE has in `o`. */
const report = z.looseObject({
  ...{ i: whole, x: z.string(), X: z.string(), S: z.enum(["BUY", "SELL"]), t: whole, T: z.number() },
  ...{ l: z.string(), L: z.string(), z: z.string(), n: z.string(), p: z.string(), q: z.string() },
});
type Report = z.output<typeof report>;
const spotAccount = z.object({ balances: z.array(z.looseObject({ free: z.string(), locked: z.string() })) });
const futuresBalance = z.array(z.looseObject({ balance: z.string() }));
const positionRisk = z.array(z.looseObject({ positionAmt: z.string() }));
const book = z.looseObject({ bidPrice: z.string(), askPrice: z.string() });
const books = z.union([
  book,
  z
    .array(book)
    .length(1)
    .transform(([only]) => only),
]);
/** Everything of a session fits into one page. */
const page = 1_000;

/** A bot that speaks Binance's protocol: orders by REST, its account by the user stream, and after each reconnection what it missed by REST. */
export class VenueBot implements Bot {
  readonly name: string;
  readonly #options: VenueBotOptions;
  readonly #stream: UserStream;
  #listening: Listening | undefined;
  /** What was told before it was known of which epoch. */
  #early: Report[] = [];
  /** Connections that told something, or could have. */
  connections = 0;
  problem: unknown;

  constructor(options: VenueBotOptions) {
    this.name = options.name;
    this.#options = options;
    const { market, key, address } = options;
    const listenKey = async () => {
      const answer = await this.#rest().keyed("POST", "/fapi/v1/listenKey");
      return z.looseObject({ listenKey: z.string() }).parse(answer.body).listenKey;
    };
    this.#stream = new UserStream({
      ...{ key, address, listenKey: market === "usdm" ? listenKey : undefined },
      opened: () => void this.#begin(),
      received: (event) => this.#receive(event),
      closed: () => {
        this.#listening = undefined;
      },
    });
  }

  get isBack(): boolean {
    return this.#listening?.before !== undefined;
  }

  async prices(): Promise<BestPrices | undefined> {
    const { market, symbol } = this.#options;
    try {
      const { body } = await this.#rest().keyed("GET", paths[market].book, { symbol });
      const best = books.parse(body);
      const [bid, ask] = [Number(best?.bidPrice), Number(best?.askPrice)];
      return bid > 0 && ask > 0 ? { bid, ask } : undefined;
    } catch {
      return undefined;
    }
  }

  async place(order: BotOrder): Promise<SentOutcome> {
    const { market } = this.#options;
    try {
      const { status, body } = await this.#rest().signed("POST", paths[market].order, this.#fieldsOf(order));
      if (status === 200) return "acknowledged";
      // What the engine refuses is an order that the session has, as rejected.
      return isUnclear(status, body) ? "unknown" : engineRefusals.has(codeOf(body)) ? "acknowledged" : "refused";
    } catch {
      return "unknown";
    }
  }

  async cancel(name: string): Promise<void> {
    const { market, symbol } = this.#options;
    await this.#try("DELETE", paths[market].order, { symbol, origClientOrderId: name });
  }

  async replace({ name, side, amount, price = "" }: BotOrder): Promise<void> {
    if (this.#options.market === "spot") return; // there it is a cancellation and another order
    const { symbol } = this.#options;
    const fields = { symbol, origClientOrderId: name, side: side.toUpperCase(), quantity: amount, price };
    await this.#try("PUT", paths.usdm.order, fields);
  }

  async cancelAll(): Promise<void> {
    const { market, symbol } = this.#options;
    await this.#try("DELETE", paths[market].open, { symbol });
  }

  async knows(name: string): Promise<boolean | undefined> {
    const { market, symbol } = this.#options;
    try {
      const fields = { symbol, origClientOrderId: name };
      const { status, body } = await this.#rest().signed("GET", paths[market].order, fields);
      if (status === 200) return true;
      return codeOf(body) === -2013 ? false : undefined;
    } catch {
      return undefined;
    }
  }

  async balances(): Promise<readonly Balance[]> {
    const { market, symbol } = this.#options;
    if (market === "spot") {
      const answer = await this.#rest().signed("GET", "/api/v3/account");
      const [base, quote] = answered(spotAccount, answer).balances;
      const total = (of: typeof base) => shown(exact(of?.free ?? "0") + exact(of?.locked ?? "0"));
      return [
        { what: "base", value: total(base) },
        { what: "quote", value: total(quote) },
      ];
    }
    const [asset] = answered(futuresBalance, await this.#rest().signed("GET", "/fapi/v2/balance"));
    const risks = answered(positionRisk, await this.#rest().signed("GET", "/fapi/v2/positionRisk", { symbol }));
    return [
      { what: "wallet", value: asset?.balance ?? "0" },
      { what: "position", value: risks[0]?.positionAmt ?? "0" },
    ];
  }

  cut(): void {
    this.#stream.cut();
  }

  stall(ms: number): Promise<void> {
    return this.#stream.stall(ms);
  }

  close(): void {
    this.#stream.close();
  }

  /** The stream tells from now on; what was before, REST says. */
  async #begin(): Promise<void> {
    const listening: Listening = { client: "venue", epoch: undefined, before: undefined, fills: [], orders: [] };
    this.#listening = listening;
    this.#early = [];
    this.#options.history.listenings.push(listening);
    this.connections++;
    for (
      let waitMs: number = againAfterMs.first;
      this.#listening === listening;
      waitMs = Math.min(2 * waitMs, againAfterMs.most)
    ) {
      try {
        const epoch = await this.#options.epoch();
        const [trades, orders] = await Promise.all([this.#trades(), this.#orders()]);
        if (epoch === undefined || epoch !== (await this.#options.epoch())) throw new Error("the epoch changes");
        if (this.#listening !== listening) return; // both are of a connection that is over
        listening.epoch = epoch;
        listening.before = { fills: trades, orders };
        for (const told of this.#early.splice(0)) this.#take(told, listening, epoch);
        return;
      } catch (error) {
        this.problem = error;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  async #trades(): Promise<Fill[]> {
    const { market, symbol } = this.#options;
    const answer = await this.#rest().signed("GET", paths[market].trades, { symbol, limit: page });
    return answered(restTrades, answer).map((trade) => {
      const isBuy = trade.side === "BUY" || trade.isBuyer === true;
      const { id, orderId: order, price, qty: amount, commission: fee } = trade;
      return { id, order, side: isBuy ? "buy" : "sell", price, amount, fee };
    });
  }

  async #orders(): Promise<Map<string, { status: string; filled: string }>> {
    const { market, symbol } = this.#options;
    const answer = await this.#rest().signed("GET", paths[market].all, { symbol, limit: page });
    return new Map(
      answered(restOrders, answer).map(({ orderId, status, executedQty: filled }) => [orderId, { status, filled }]),
    );
  }

  #receive(event: Readonly<Record<string, unknown>>): void {
    const listening = this.#listening;
    const body = event.e === "executionReport" ? event : event.e === "ORDER_TRADE_UPDATE" ? event.o : undefined;
    if (listening === undefined || body === undefined) return;
    const told = report.parse(body);
    if (listening.epoch === undefined) this.#early.push(told);
    else this.#take(told, listening, listening.epoch);
  }

  #take(told: Report, listening: Listening, epoch: number): void {
    const { i: order, x, X: status, S, t, T, l, L: price, z: filled, n: fee, p, q } = told;
    // Of the market before a rewind, whose socket a node that is held up has not closed yet: times of an epoch begin with it.
    if (T < epoch) return;
    if (x === "TRADE")
      listening.fills.push({ id: t, order, side: S === "BUY" ? "buy" : "sell", price, amount: l, fee });
    listening.orders.push({ order, status, filled, text: [order, x, status, filled, l, p, q, t, T].join(" ") });
  }

  #fieldsOf({ name, side, type, postOnly, amount, price, stopPrice }: BotOrder) {
    const { market, symbol } = this.#options;
    const limit = market === "spot" && postOnly ? "LIMIT_MAKER" : "LIMIT";
    const stop = market === "spot" ? "STOP_LOSS" : "STOP_MARKET";
    return {
      ...{ symbol, side: side.toUpperCase(), quantity: amount, newClientOrderId: name },
      type: { MARKET: "MARKET", LIMIT: limit, STOP: stop }[type],
      ...(type === "LIMIT" && limit === "LIMIT" && { timeInForce: postOnly ? "GTX" : "GTC" }),
      ...(price !== undefined && { price }),
      ...(stopPrice !== undefined && { stopPrice }),
    };
  }

  async #try(method: string, path: string, fields: Readonly<Record<string, string>>): Promise<void> {
    await this.#rest()
      .signed(method, path, fields)
      .catch(() => {}); // what became of it, the stream tells
  }

  #rest(): SigningClient {
    const { address, key } = this.#options;
    return new SigningClient(address(), key, { timeoutMs: requestMs });
  }
}

/** What an answer says; throws with what it says instead. */
function answered<Schema extends z.ZodType>(
  schema: Schema,
  { status, body }: { readonly status: number; readonly body: unknown },
): z.output<Schema> {
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return schema.parse(body);
}

/** Codes with which the venue answers what the engine has refused: the order is there. */
const engineRefusals = new Set([-2010, -2019, -5022, -2021, -4116]);

function codeOf(body: unknown): number {
  return z.looseObject({ code: z.number() }).safeParse(body).data?.code ?? 0;
}

/** Whether an answer leaves open whether the order was written. */
function isUnclear(status: number, body: unknown): boolean {
  return status >= 500 || [-1000, -1001, -1006, -1007].includes(codeOf(body));
}
