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

const depth = 400;

/** https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel */
export const okx: VenueProtocol = {
  source: "OKX",
  decimals: 3,
  numbered: true,
  keepAlive: "ping",
  ignore: new Set(["pong"]),
  address: (base) => base,
  createHandler: (line) => new OkxHandler(line),
  symbolList: {
    paths: ["SPOT", "SWAP", "FUTURES"].map((kind) => `/api/v5/public/instruments?instType=${kind}`),
    read: (answer) => ({ symbols: textsOf(fieldsOf(answer, "the answer").data, "instId") }),
  },
};

/**
 * A whole book, then changes of which each names the one before it (`prevSeqId`). Numbers may fall after maintenance; the chain
 * holds all the same. The checksum is not looked at: the venue sends 0.
 */
class OkxHandler implements MessageHandler {
  readonly #line: HandlerContext;
  #lastId: number | undefined;

  constructor(line: HandlerContext) {
    this.#line = line;
  }

  onOpen(): void {
    const instId = this.#line.symbol;
    const args = ["books", "trades"].map((channel) => ({ channel, instId }));
    this.#line.send(JSON.stringify({ op: "subscribe", args }));
  }

  onMessage(message: unknown): void {
    const fields = fieldsOf(message, "the message");
    if (fields.event !== undefined) {
      this.#answer(fields);
      return;
    }
    const { channel } = fieldsOf(fields.arg, "arg");
    if (channel === "trades") this.#trades(fields);
    else if (channel === "books") {
      for (const item of listOf(fields.data, "data")) this.#book(fieldsOf(item, "a book"), fields.action);
    }
  }

  #book(data: Fields, action: unknown): void {
    const { ns } = epochTime(data.ts, "ts");
    const [bids, asks] = [levelsOf(data.bids, "bids"), levelsOf(data.asks, "asks")];
    const id = wholeOf(data.seqId, "seqId");
    if (action === "snapshot") {
      this.#lastId = id;
      this.#line.market.book(ns, (book) => book.replace(bids, asks));
      return;
    }
    if (action !== "update") throw new BrokenLine("action is neither snapshot nor update");
    if (this.#lastId === undefined) return;
    if (wholeOf(data.prevSeqId, "prevSeqId") !== this.#lastId) {
      this.#line.end(new VenueError("out of step", `Book updates of OKX are missing (after ${this.#lastId}).`));
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
      if (row.side !== "buy" && row.side !== "sell") throw new BrokenLine("side is not buy or sell");
      const { ns } = epochTime(row.ts, "ts");
      this.#line.market.trade({
        ns,
        id: textOf(row.tradeId, "tradeId"),
        timestamp: isoOfNs(ns, 3),
        price: numberOf(row.px, "px"),
        size: numberOf(row.sz, "sz"),
        side: row.side,
      });
    }
  }

  /** `{"event":"error","code":"60018","msg":"Wrong URL or channel:books,instId:FOO doesn't exist. ..."}` */
  #answer({ event, msg }: Fields): void {
    if (event !== "error") return;
    this.#line.end(new VenueError("refused", `OKX refuses ${this.#line.symbol}: ${String(msg).replace(/\.$/, "")}.`));
  }
}
