import { type Fields, fieldsOf, readCoinbaseMessage, type SourceEvent, textsOf } from "@tapedeck/tape/messages";
import type { MessageHandler, VenueConnection, VenueProtocol } from "./connection/socket-venue.js";
import { VenueError } from "./venue.js";

/** https://docs.cdp.coinbase.com/exchange/websocket-feed: the public channels. */
export const coinbase: VenueProtocol = {
  source: "COINBASE",
  decimals: 6,
  numbered: false,
  address: (base) => base,
  createHandler: (connection) => new CoinbaseHandler(connection),
  symbolList: { paths: ["/products"], read: (answer) => ({ symbols: textsOf(answer, "id") }) },
};

/**
 * Sequence rule: a whole book, then updates, in order on one connection. Updates carry no sequence numbers, so a lost one cannot
 * be noticed; trades do carry ids.
 */
class CoinbaseHandler implements MessageHandler {
  readonly #connection: VenueConnection;
  #hasSnapshot = false;

  constructor(connection: VenueConnection) {
    this.#connection = connection;
  }

  onOpen(): void {
    const channels = ["level2_batch", "matches"];
    this.#connection.send(JSON.stringify({ type: "subscribe", product_ids: [this.#connection.symbol], channels }));
  }

  onMessage(message: unknown, receivedNs: bigint): void {
    const fields = fieldsOf(message, "the message");
    if (fields.type === "error") this.#onError(fields);
    const events: SourceEvent[] = [];
    readCoinbaseMessage(fields, receivedNs, events);
    for (const event of events) this.#onEvent(event, receivedNs);
  }

  #onEvent(event: SourceEvent, receivedNs: bigint): void {
    const { market } = this.#connection;
    if (event.kind === "trade") {
      market.trade({ ...event, ns: event.ns ?? receivedNs });
    } else if (event.kind === "snapshot") {
      this.#hasSnapshot = true;
      market.book(event.ns, (book) => book.replace(event.bids, event.asks));
    } else if (event.kind === "diff" && this.#hasSnapshot) {
      market.book(event.ns, (book) => book.apply(event.bids, event.asks));
    }
  }

  /** `{"type":"error","message":"Failed to subscribe","reason":"BTC-FOO is not a valid product"}` */
  #onError({ message, reason }: Fields): void {
    const why = [message, reason].filter((text) => typeof text === "string").join(": ");
    this.#connection.end(new VenueError("refused", `COINBASE refuses ${this.#connection.symbol}: ${why}.`));
  }
}
