import type { OrderBook } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import {
  BrokenLine,
  epochTime,
  type Fields,
  fieldsOf,
  levelsOf,
  listOf,
  numberOf,
  textOf,
  textsOf,
  wholeOf,
} from "@tapedeck/tape/messages";
import type { MessageHandler, VenueConnection, VenueProtocol } from "./connection/socket-venue.js";
import { VenueError } from "./venue.js";

const depth = 50;

/** https://bybit-exchange.github.io/docs/v5/ws/connect: perpetuals, in USDT and USDC or inverse. */
export const bybit: VenueProtocol = {
  source: "BYBIT",
  decimals: 3,
  numbered: true,
  keepAlive: '{"op":"ping"}',
  address: (base, symbol) => new URL(`${base.href.replace(/\/$/, "")}/${/USD$/.test(symbol) ? "inverse" : "linear"}`),
  createHandler: (connection) => new BybitHandler(connection),
  symbolList: {
    paths: ["linear", "inverse"].map((category) => pageOf(category)),
    read(answer) {
      const { category, list, nextPageCursor } = fieldsOf(fieldsOf(answer, "the answer").result, "the result");
      const more = typeof nextPageCursor === "string" && nextPageCursor !== "";
      return {
        symbols: textsOf(list, "symbol"),
        ...(more && { next: pageOf(textOf(category, "the category"), nextPageCursor) }),
      };
    },
  },
};

function pageOf(category: string, cursor?: string): string {
  return `/v5/market/instruments-info?${new URLSearchParams({ category, limit: "1000", ...(cursor && { cursor }) })}`;
}

/**
 * Sequence rule: a whole book, then updates whose ids run 1, 2, 3, ... The venue may send a whole book again at any time, and ids
 * then count from its id.
 */
class BybitHandler implements MessageHandler {
  readonly #connection: VenueConnection;
  #lastId: number | undefined;

  constructor(connection: VenueConnection) {
    this.#connection = connection;
  }

  onOpen(): void {
    const { symbol } = this.#connection;
    this.#connection.send(
      JSON.stringify({ op: "subscribe", args: [`orderbook.${depth}.${symbol}`, `publicTrade.${symbol}`] }),
    );
  }

  onMessage(message: unknown): void {
    const fields = fieldsOf(message, "the message");
    const { topic } = fields;
    if (topic === undefined) this.#onReply(fields);
    else if (textOf(topic, "topic").startsWith("orderbook.")) this.#book(fields);
    else if (textOf(topic, "topic").startsWith("publicTrade.")) this.#trades(fields);
  }

  #book(fields: Fields): void {
    const data = fieldsOf(fields.data, "data");
    // `cts` is the time of the matching engine, `ts` the time of sending.
    const { ns } = epochTime(fields.cts ?? fields.ts, "ts");
    const [bids, asks] = [levelsOf(data.b, "b"), levelsOf(data.a, "a")];
    const id = wholeOf(data.u, "u");
    if (fields.type === "snapshot") {
      this.#lastId = id;
      this.#connection.market.book(ns, (book) => book.replace(bids, asks), { ids: { last: id }, known: "levels" });
      return;
    }
    if (fields.type !== "delta") throw new BrokenLine("type is neither snapshot nor delta");
    if (!this.#inSequence(id)) return;
    const change = (book: OrderBook): void => {
      book.apply(bids, asks);
      book.keep(depth); // the venue does not report levels that fall out of the depth
    };
    this.#connection.market.book(ns, change, { ids: { last: id } });
  }

  /** Whether the update follows the last one. Ends the connection if updates are missing. */
  #inSequence(id: number): boolean {
    if (this.#lastId === undefined) return false;
    if (id === this.#lastId + 1) {
      this.#lastId = id;
      return true;
    }
    const missing = `Book updates of BYBIT are missing (${id} came after ${this.#lastId}).`;
    this.#connection.end(new VenueError("out of step", missing));
    return false;
  }

  #trades({ data }: Fields): void {
    for (const item of listOf(data, "data")) {
      const row = fieldsOf(item, "a trade");
      if (row.S !== "Buy" && row.S !== "Sell") throw new BrokenLine("S is not Buy or Sell");
      const { ns } = epochTime(row.T, "T");
      this.#connection.market.trade({
        ns,
        id: textOf(row.i, "i"),
        timestamp: isoOfNs(ns, 3),
        price: numberOf(row.p, "p"),
        size: numberOf(row.v, "v"),
        side: row.S === "Buy" ? "buy" : "sell",
        // Block trades do not take from the book.
        ...(row.BT === true ? { excluded: "block trade" } : {}),
      });
    }
  }

  /** `{"success":false,"ret_msg":"error:handler not found,topic:orderbook.50.FOO",...}`, or the reply to a ping. */
  #onReply({ success, ret_msg: why }: Fields): void {
    if (success !== false) return;
    this.#connection.end(new VenueError("refused", `BYBIT refuses ${this.#connection.symbol}: ${String(why)}.`));
  }
}
