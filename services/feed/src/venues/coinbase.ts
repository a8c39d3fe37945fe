import { type Fields, fieldsOf, readCoinbaseMessage, type SourceEvent, textsOf } from "@tapedeck/tape/messages";
import type { HandlerContext, MessageHandler, VenueProtocol } from "./connection/socket-venue.js";
import { VenueError } from "./venue.js";

/** https://docs.cdp.coinbase.com/exchange/websocket-feed: what needs no key. */
export const coinbase: VenueProtocol = {
  source: "COINBASE",
  decimals: 6,
  numbered: false,
  address: (base) => base,
  createHandler: (line) => new CoinbaseHandler(line),
  symbolList: { paths: ["/products"], read: (answer) => ({ symbols: textsOf(answer, "id") }) },
};

/** The book comes whole and then by changes, all on one ordered connection. They bear no numbers; trades do. */
class CoinbaseHandler implements MessageHandler {
  readonly #line: HandlerContext;
  #whole = false;

  constructor(line: HandlerContext) {
    this.#line = line;
  }

  onOpen(): void {
    const channels = ["level2_batch", "matches"];
    this.#line.send(JSON.stringify({ type: "subscribe", product_ids: [this.#line.symbol], channels }));
  }

  onMessage(message: unknown, receivedNs: bigint): void {
    const fields = fieldsOf(message, "the message");
    if (fields.type === "error") this.#refused(fields);
    const events: SourceEvent[] = [];
    readCoinbaseMessage(fields, receivedNs, events);
    for (const event of events) this.#take(event, receivedNs);
  }

  #take(event: SourceEvent, receivedNs: bigint): void {
    const { market } = this.#line;
    if (event.kind === "trade") {
      market.trade({ ...event, ns: event.ns ?? receivedNs });
    } else if (event.kind === "snapshot") {
      this.#whole = true;
      market.book(event.ns, (book) => book.replace(event.bids, event.asks));
    } else if (event.kind === "diff" && this.#whole) {
      market.book(event.ns, (book) => book.apply(event.bids, event.asks));
    }
  }

  /** `{"type":"error","message":"Failed to subscribe","reason":"BTC-FOO is not a valid product"}` */
  #refused({ message, reason }: Fields): void {
    const why = [message, reason].filter((text) => typeof text === "string").join(": ");
    this.#line.end(new VenueError("refused", `COINBASE refuses ${this.#line.symbol}: ${why}.`));
  }
}
