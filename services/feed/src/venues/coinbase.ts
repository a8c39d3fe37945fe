import { type Fields, fieldsOf, readCoinbaseMessage, type SourceEvent, textsOf } from "@tapedeck/tape/messages";
import type { Dialogue, Line, Protocol } from "./socket-venue.js";
import { VenueTrouble } from "./venue.js";

/** https://docs.cdp.coinbase.com/exchange/websocket-feed: what needs no key. */
export const coinbase: Protocol = {
  source: "COINBASE",
  decimals: 6,
  numbered: false,
  address: (base) => base,
  dialogue: (line) => new CoinbaseDialogue(line),
  listing: { paths: ["/products"], read: (answer) => ({ symbols: textsOf(answer, "id") }) },
};

/** The book comes whole and then by changes, all on one ordered connection. They bear no numbers; trades do. */
class CoinbaseDialogue implements Dialogue {
  readonly #line: Line;
  #whole = false;

  constructor(line: Line) {
    this.#line = line;
  }

  opened(): void {
    const channels = ["level2_batch", "matches"];
    this.#line.send(JSON.stringify({ type: "subscribe", product_ids: [this.#line.symbol], channels }));
  }

  hear(message: unknown, heardNs: bigint): void {
    const fields = fieldsOf(message, "the message");
    if (fields.type === "error") this.#refused(fields);
    const events: SourceEvent[] = [];
    readCoinbaseMessage(fields, heardNs, events);
    for (const event of events) this.#take(event, heardNs);
  }

  #take(event: SourceEvent, heardNs: bigint): void {
    const { market } = this.#line;
    if (event.kind === "trade") {
      market.trade({ ...event, ns: event.ns ?? heardNs });
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
    this.#line.end(new VenueTrouble("refused", `COINBASE refuses ${this.#line.symbol}: ${why}.`));
  }
}
