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
import type { HandlerContext, MessageHandler, VenueProtocol } from "./connection/socket-venue.js";
import { VenueError } from "./venue.js";

const depth = 50;

/** https://bybit-exchange.github.io/docs/v5/ws/connect: perpetuals, in USDT and USDC or inverse. */
export const bybit: VenueProtocol = {
  source: "BYBIT",
  decimals: 3,
  numbered: true,
  keepAlive: '{"op":"ping"}',
  address: (base, symbol) => new URL(`${base.href.replace(/\/$/, "")}/${/USD$/.test(symbol) ? "inverse" : "linear"}`),
  createHandler: (line) => new BybitHandler(line),
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

/** A whole book, then changes with update ids that run 1, 2, 3, ...; a new whole book whenever the venue sees fit. */
class BybitHandler implements MessageHandler {
  readonly #line: HandlerContext;
  #lastId: number | undefined;

  constructor(line: HandlerContext) {
    this.#line = line;
  }

  onOpen(): void {
    const { symbol } = this.#line;
    this.#line.send(
      JSON.stringify({ op: "subscribe", args: [`orderbook.${depth}.${symbol}`, `publicTrade.${symbol}`] }),
    );
  }

  onMessage(message: unknown): void {
    const fields = fieldsOf(message, "the message");
    const { topic } = fields;
    if (topic === undefined) this.#answer(fields);
    else if (textOf(topic, "topic").startsWith("orderbook.")) this.#book(fields);
    else if (textOf(topic, "topic").startsWith("publicTrade.")) this.#trades(fields);
  }

  #book(fields: Fields): void {
    const data = fieldsOf(fields.data, "data");
    // `cts` is when the matching engine made it, `ts` when it was sent.
    const { ns } = epochTime(fields.cts ?? fields.ts, "ts");
    const [bids, asks] = [levelsOf(data.b, "b"), levelsOf(data.a, "a")];
    const id = wholeOf(data.u, "u");
    if (fields.type === "snapshot") {
      this.#lastId = id;
      this.#line.market.book(ns, (book) => book.replace(bids, asks));
      return;
    }
    if (fields.type !== "delta") throw new BrokenLine("type is neither snapshot nor delta");
    if (this.#lastId === undefined) return;
    if (id !== this.#lastId + 1) {
      this.#line.end(
        new VenueError("out of step", `Book updates of BYBIT are missing (${id} came after ${this.#lastId}).`),
      );
      return;
    }
    this.#lastId = id;
    this.#line.market.book(ns, (book) => {
      book.apply(bids, asks);
      book.keep(depth); // what falls out of the depth is not told
    });
  }

  #trades({ data }: Fields): void {
    for (const item of listOf(data, "data")) {
      const row = fieldsOf(item, "a trade");
      if (row.S !== "Buy" && row.S !== "Sell") throw new BrokenLine("S is not Buy or Sell");
      const { ns } = epochTime(row.T, "T");
      this.#line.market.trade({
        ns,
        id: textOf(row.i, "i"),
        timestamp: isoOfNs(ns, 3),
        price: numberOf(row.p, "p"),
        size: numberOf(row.v, "v"),
        side: row.S === "Buy" ? "buy" : "sell",
        // A block trade happens away from the book.
        ...(row.BT === true ? { excluded: "block trade" } : {}),
      });
    }
  }

  /** `{"success":false,"ret_msg":"error:handler not found,topic:orderbook.50.FOO",...}`, or the answer to a ping. */
  #answer({ success, ret_msg: why }: Fields): void {
    if (success !== false) return;
    this.#line.end(new VenueError("refused", `BYBIT refuses ${this.#line.symbol}: ${String(why)}.`));
  }
}
