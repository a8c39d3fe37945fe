import { type Client, FakeExchange } from "./fake-exchange.js";
import { FakeMarket, type FakeMarketEvent } from "./fake-market.js";

interface Numbered {
  readonly market: FakeMarket;
  /** Id of the last update. */
  lastId: number;
}

/** Binance's market streams and depth snapshots, of spot or of futures: diffs are numbered, and the book comes over REST. */
export class FakeBinance extends FakeExchange {
  /** Symbols that are listed but refused. */
  readonly listedOnly = new Set<string>();
  readonly #markets = new Map<string, Numbered>();
  readonly #futures: boolean;
  #losing = 0;
  #withholding = false;

  constructor({ futures = false }: { futures?: boolean } = {}) {
    super();
    this.#futures = futures;
  }

  market(symbol: string, seed?: string): FakeMarket {
    const known = this.#markets.get(symbol);
    if (known !== undefined) return known.market;
    const market = new FakeMarket(symbol, seed);
    const numbered: Numbered = { market, lastId: 5_000_000 };
    this.#markets.set(symbol, numbered);
    market.onEvent((event) => this.#broadcast(numbered, event));
    return market;
  }

  /** Loses the next diffs. */
  lose(diffs: number): void {
    this.#losing = diffs;
  }

  /** Refuses depth snapshots, or sends them again. */
  withhold(withholding: boolean): void {
    this.#withholding = withholding;
  }

  override async close(): Promise<void> {
    for (const { market } of this.#markets.values()) market.stop();
    await super.close();
  }

  protected override onConnect(client: Client): void {
    for (const stream of client.query.get("streams")?.split("/") ?? []) client.streams.add(stream);
  }

  protected override onMessage(client: Client, message: string): void {
    const request: unknown = JSON.parse(message);
    if (typeof request !== "object" || request === null || !("params" in request) || !Array.isArray(request.params))
      return;
    for (const stream of request.params) client.streams.add(String(stream));
    client.send({ result: null, id: "id" in request ? request.id : null });
  }

  protected override get(path: string, query: URLSearchParams): { status: number; body: unknown } {
    if (path === (this.#futures ? "/fapi/v1/exchangeInfo" : "/api/v3/exchangeInfo")) {
      const symbols = [...this.#markets.keys(), ...this.listedOnly].map((symbol) => ({ symbol, status: "TRADING" }));
      return { status: 200, body: { timezone: "UTC", symbols } };
    }
    if (path !== (this.#futures ? "/fapi/v1/depth" : "/api/v3/depth")) return { status: 404, body: {} };
    if (this.#withholding) return { status: 503, body: { code: -1001, msg: "Internal error." } };
    const numbered = this.#markets.get(query.get("symbol") ?? "");
    if (numbered === undefined) return { status: 400, body: { code: -1121, msg: "Invalid symbol." } };
    const { book } = numbered.market;
    const texts = (levels: readonly (readonly [number, number])[]) =>
      levels.map(([price, size]) => [String(price), String(size)]);
    const now = Date.now();
    return {
      status: 200,
      body: {
        lastUpdateId: numbered.lastId,
        ...(this.#futures ? { E: now, T: now } : {}),
        bids: texts(book.bids.top(1000)),
        asks: texts(book.asks.top(1000)),
      },
    };
  }

  #broadcast(numbered: Numbered, { ms, bids, asks, trades }: FakeMarketEvent): void {
    const s = numbered.market.symbol;
    const name = s.toLowerCase();
    for (const { id, price, size, side } of trades) {
      const data = {
        ...{ e: "trade", E: ms, T: ms, s, t: id, p: String(price), q: String(size), m: side === "sell" },
        ...(this.#futures ? { X: "MARKET" } : { M: true }),
      };
      this.broadcast(`${name}@trade`, { stream: `${name}@trade`, data });
    }
    if (bids.length + asks.length === 0) return;
    const before = numbered.lastId;
    numbered.lastId += bids.length + asks.length;
    if (this.#losing > 0) {
      this.#losing--;
      return;
    }
    const texts = (levels: FakeMarketEvent["bids"]) => levels.map(([price, size]) => [String(price), String(size)]);
    const data = {
      ...{ e: "depthUpdate", E: ms, s, U: before + 1, u: numbered.lastId, b: texts(bids), a: texts(asks) },
      ...(this.#futures ? { T: ms, pu: before } : {}),
    };
    this.broadcast(`${name}@depth@100ms`, { stream: `${name}@depth@100ms`, data });
  }
}
