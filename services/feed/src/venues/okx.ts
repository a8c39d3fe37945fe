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

const depth = 400;

/** https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel */
export const okx: VenueProtocol = {
  source: "OKX",
  decimals: 3,
  numbered: true,
  keepAlive: "ping",
  ignore: new Set(["pong"]),
  address: (base) => base,
  createHandler: (connection) => new OkxHandler(connection),
  symbolList: {
    paths: ["SPOT", "SWAP", "FUTURES"].map((kind) => `/api/v5/public/instruments?instType=${kind}`),
    read: (answer) => ({ symbols: textsOf(fieldsOf(answer, "the answer").data, "instId") }),
  },
};

/**
 * Sequence rule: a whole book, then updates of which each names its predecessor (`prevSeqId`). Numbers may fall after
 * maintenance; the chain still holds. The checksum is ignored: the venue sends 0.
 */
class OkxHandler implements MessageHandler {
  readonly #connection: VenueConnection;
  #lastId: number | undefined;

  constructor(connection: VenueConnection) {
    this.#connection = connection;
  }

  onOpen(): void {
    const instId = this.#connection.symbol;
    const args = ["books", "trades"].map((channel) => ({ channel, instId }));
    this.#connection.send(JSON.stringify({ op: "subscribe", args }));
  }

  onMessage(message: unknown): void {
    const fields = fieldsOf(message, "the message");
    if (fields.event !== undefined) {
      this.#onReply(fields);
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
      this.#connection.market.book(ns, (book) => book.replace(bids, asks), { ids: { last: id }, known: "levels" });
      return;
    }
    if (action !== "update") throw new BrokenLine("action is neither snapshot nor update");
    const previous = wholeOf(data.prevSeqId, "prevSeqId");
    if (!this.#inSequence(previous, id)) return;
    const change = (book: OrderBook): void => {
      book.apply(bids, asks);
      book.keep(depth); // the venue does not report levels that fall out of the depth
    };
    this.#connection.market.book(ns, change, { ids: { last: id, previous } });
  }

  /** Whether the update follows the last one. Ends the connection if updates are missing. */
  #inSequence(previousId: number, id: number): boolean {
    if (this.#lastId === undefined) return false;
    if (previousId === this.#lastId) {
      this.#lastId = id;
      return true;
    }
    this.#connection.end(new VenueError("out of step", `Book updates of OKX are missing (after ${this.#lastId}).`));
    return false;
  }

  #trades({ data }: Fields): void {
    for (const item of listOf(data, "data")) {
      const row = fieldsOf(item, "a trade");
      if (row.side !== "buy" && row.side !== "sell") throw new BrokenLine("side is not buy or sell");
      const { ns } = epochTime(row.ts, "ts");
      this.#connection.market.trade({
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
  #onReply({ event, msg }: Fields): void {
    if (event !== "error") return;
    this.#connection.end(
      new VenueError("refused", `OKX refuses ${this.#connection.symbol}: ${String(msg).replace(/\.$/, "")}.`),
    );
  }
}
