import { KeyedBook, type OrderBook } from "@tapedeck/market";
import { nsOfIso } from "@tapedeck/protocol";
import {
  type Fields,
  fieldsOf,
  isFields,
  readBitmexMessage,
  type SourceEvent,
  type SourceKeyed,
  textsOf,
} from "@tapedeck/tape/messages";
import type { HandlerContext, MessageHandler, VenueProtocol } from "./connection/socket-venue.js";
import { VenueError } from "./venue.js";

/** https://www.bitmex.com/app/wsAPI */
export const bitmex: VenueProtocol = {
  source: "BITMEX",
  decimals: 3,
  numbered: false,
  address: (base) => base,
  createHandler: (line) => new BitmexHandler(line),
  symbolList: { paths: ["/api/v1/instrument/active"], read: (answer) => ({ symbols: textsOf(answer, "symbol") }) },
};

/**
 * The book begins with a `partial` and changes by messages that name levels by ids. They bear no numbers, so one that names a
 * level that there is not tells that something was lost.
 */
class BitmexHandler implements MessageHandler {
  readonly #line: HandlerContext;
  #levels: KeyedBook | undefined;

  constructor(line: HandlerContext) {
    this.#line = line;
  }

  onOpen(): void {
    const { symbol } = this.#line;
    this.#line.send(JSON.stringify({ op: "subscribe", args: [`orderBookL2:${symbol}`, `trade:${symbol}`] }));
  }

  onMessage(message: unknown, receivedNs: bigint): void {
    const fields = fieldsOf(message, "the message");
    this.#refusal(fields);
    const events: SourceEvent[] = [];
    readBitmexMessage(fields, receivedNs, events);
    for (const event of events) {
      if (event.kind === "trade") this.#line.market.trade({ ...event, ns: nsOfIso(event.timestamp) ?? receivedNs });
      else if (event.kind === "keyed") this.#change(event, newestOf(fields.data));
    }
  }

  #change({ action, rows }: SourceKeyed, ns: bigint | undefined): void {
    // What comes before the first whole book belongs to one that is not known.
    if (this.#levels === undefined && action !== "partial") return;
    let lost: number | undefined;
    this.#line.market.book(ns, (book) => {
      const levels = this.#levelsOf(book);
      if (action === "partial") levels.clear();
      for (const { id, side, price, size } of rows) {
        // A level that comes must be new, and one that changes or goes must be known.
        if (levels.has(id) !== (action === "update" || action === "delete")) lost = id;
        if (action === "update") levels.update(id, size);
        else if (action === "delete") levels.delete(id);
        else levels.insert(id, side, price, size);
      }
    });
    if (lost === undefined) return;
    this.#line.end(new VenueError("out of step", `Book updates of BITMEX are missing (before one of level ${lost}).`));
  }

  #levelsOf(book: OrderBook): KeyedBook {
    this.#levels ??= new KeyedBook(book);
    return this.#levels;
  }

  /** `{"status":400,"error":"Unknown or expired symbol.",...}` */
  #refusal({ error }: Fields): void {
    if (typeof error !== "string") return;
    const { symbol } = this.#line;
    this.#line.end(new VenueError("refused", `BITMEX refuses ${symbol}: ${error.replace(/\.$/, "")}.`));
  }
}

/** Rows bear the time of their change since 2022. */
function newestOf(rows: unknown): bigint | undefined {
  let newest: bigint | undefined;
  for (const row of Array.isArray(rows) ? rows : []) {
    const ns = isFields(row) && typeof row.timestamp === "string" ? nsOfIso(row.timestamp) : undefined;
    if (ns !== undefined && (newest === undefined || ns > newest)) newest = ns;
  }
  return newest;
}
