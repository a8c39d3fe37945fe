import type { BookSideName } from "@tapedeck/market";
import { type Client, FakeExchange } from "./fake-exchange.js";
import { FakeMarket, type FakeMarketEvent } from "./fake-market.js";

interface Row {
  readonly symbol: string;
  readonly id: number;
  readonly side: "Buy" | "Sell";
  readonly size?: number;
  readonly price?: number;
  readonly timestamp: string;
}

/** BitMEX's realtime API: `orderBookL2` begins with a partial, and messages name levels by id. */
export class FakeBitmex extends FakeExchange {
  readonly #markets = new Map<string, FakeMarket>();
  /** Levels that clients know, by market. */
  readonly #levels = new Map<string, Map<string, number>>();
  #losing = 0;

  market(symbol: string, seed?: string): FakeMarket {
    const known = this.#markets.get(symbol);
    if (known !== undefined) return known;
    const market = new FakeMarket(symbol, seed);
    this.#markets.set(symbol, market);
    const levels = new Map<string, number>();
    this.#levels.set(symbol, levels);
    for (const side of ["bid", "ask"] as const) {
      for (const [price, size] of market.book.side(side).top(1000)) levels.set(`${side} ${price}`, size);
    }
    market.onEvent((event) => this.#broadcast(market, event));
    return market;
  }

  /** Loses the next messages that insert or delete a level. */
  lose(messages: number): void {
    this.#losing = messages;
  }

  override async close(): Promise<void> {
    for (const market of this.#markets.values()) market.stop();
    await super.close();
  }

  protected override onConnect(client: Client): void {
    client.send({ info: "Welcome to the BitMEX Realtime API.", version: "2.0.0", timestamp: new Date().toISOString() });
  }

  protected override onMessage(client: Client, message: string): void {
    const request: unknown = JSON.parse(message);
    if (typeof request !== "object" || request === null || !("args" in request) || !Array.isArray(request.args)) return;
    for (const arg of request.args) {
      const stream = String(arg);
      const [table, symbol = ""] = stream.split(":");
      const market = this.#markets.get(symbol);
      if (market === undefined) {
        client.send({ status: 400, error: "Unknown or expired symbol.", meta: {}, request });
        continue;
      }
      client.send({ success: true, subscribe: stream, request });
      client.streams.add(stream);
      const rows = table === "orderBookL2" ? this.#partial(market) : [];
      client.send({ table, action: "partial", keys: [], filter: { symbol }, data: rows });
    }
  }

  protected override get(path: string): { status: number; body: unknown } {
    if (path === "/api/v1/instrument/active") {
      return { status: 200, body: [...this.#markets.keys()].map((symbol) => ({ symbol, state: "Open" })) };
    }
    return { status: 404, body: { error: { message: "Not Found", name: "HTTPError" } } };
  }

  #partial({ symbol, book }: FakeMarket): Row[] {
    const timestamp = new Date().toISOString();
    const rows = (side: BookSideName) =>
      book
        .side(side)
        .top(1000)
        .map(([price, size]) => row(symbol, side, [price, size], timestamp, true));
    return [...rows("ask").reverse(), ...rows("bid")];
  }

  #broadcast({ symbol }: FakeMarket, { ms, bids, asks, trades }: FakeMarketEvent): void {
    const timestamp = new Date(ms).toISOString();
    if (trades.length > 0) {
      const data = trades.map(({ id, price, size, side }) => ({
        timestamp,
        symbol,
        side: side === "buy" ? "Buy" : "Sell",
        size,
        price,
        trdMatchID: `${symbol}-${id}`,
      }));
      this.broadcast(`trade:${symbol}`, { table: "trade", action: "insert", data });
    }
    const levels = this.#levels.get(symbol) ?? new Map<string, number>();
    const rows: Record<"delete" | "update" | "insert", Row[]> = { delete: [], update: [], insert: [] };
    for (const [side, changed] of [["bid", bids] as const, ["ask", asks] as const]) {
      for (const [price, size] of changed) {
        const key = `${side} ${price}`;
        const known = levels.has(key);
        if (size > 0) levels.set(key, size);
        else levels.delete(key);
        if (size > 0) rows[known ? "update" : "insert"].push(row(symbol, side, [price, size], timestamp, !known));
        else if (known) rows.delete.push(row(symbol, side, [price, undefined], timestamp, false));
      }
    }
    for (const action of ["delete", "update", "insert"] as const) {
      if (rows[action].length === 0) continue;
      if (action !== "update" && this.#losing > 0) this.#losing--;
      else this.broadcast(`orderBookL2:${symbol}`, { table: "orderBookL2", action, data: rows[action] });
    }
  }
}

function row(
  symbol: string,
  side: BookSideName,
  [price, size]: readonly [number, number | undefined],
  timestamp: string,
  named: boolean,
): Row {
  return {
    symbol,
    // A price has one id; both sides of one price have two.
    id: Math.round(price * 1e4) * 2 + (side === "bid" ? 0 : 1),
    side: side === "bid" ? "Buy" : "Sell",
    ...(size === undefined ? {} : { size }),
    ...(named ? { price } : {}),
    timestamp,
  };
}
