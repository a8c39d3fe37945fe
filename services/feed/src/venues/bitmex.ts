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
import type { MessageHandler, VenueConnection, VenueProtocol } from "./connection/socket-venue.js";
import { VenueError } from "./venue.js";

/** https://www.bitmex.com/app/wsAPI */
export const bitmex: VenueProtocol = {
  source: "BITMEX",
  decimals: 3,
  numbered: false,
  address: (base) => base,
  createHandler: (connection) => new BitmexHandler(connection),
  symbolList: { paths: ["/api/v1/instrument/active"], read: (answer) => ({ symbols: textsOf(answer, "symbol") }) },
};

/**
 * Sequence rule: a whole book (`partial`), then updates that name levels by id. Updates carry no sequence numbers, so an insert
 * of a known level, or an update of an unknown one, proves that an update is missing.
 */
class BitmexHandler implements MessageHandler {
  readonly #connection: VenueConnection;
  #levels: KeyedBook | undefined;

  constructor(connection: VenueConnection) {
    this.#connection = connection;
  }

  onOpen(): void {
    const { symbol } = this.#connection;
    this.#connection.send(JSON.stringify({ op: "subscribe", args: [`orderBookL2:${symbol}`, `trade:${symbol}`] }));
  }

  onMessage(message: unknown, receivedNs: bigint): void {
    const fields = fieldsOf(message, "the message");
    this.#onError(fields);
    const events: SourceEvent[] = [];
    readBitmexMessage(fields, receivedNs, events);
    for (const event of events) {
      if (event.kind === "trade")
        this.#connection.market.trade({ ...event, ns: nsOfIso(event.timestamp) ?? receivedNs });
      else if (event.kind === "keyed") this.#change(event, newestOf(fields.data));
    }
  }

  #change({ action, rows }: SourceKeyed, ns: bigint | undefined): void {
    // Updates before the first whole book belong to an unknown one.
    if (this.#levels === undefined && action !== "partial") return;
    let lost: number | undefined;
    this.#connection.market.book(ns, (book) => {
      const levels = this.#levelsOf(book);
      if (action === "partial") levels.clear();
      for (const { id, side, price, size } of rows) {
        // An inserted level must be new; an updated or deleted one must be known.
        if (levels.has(id) !== (action === "update" || action === "delete")) lost = id;
        if (action === "update") levels.update(id, size);
        else if (action === "delete") levels.delete(id);
        else levels.insert(id, side, price, size);
      }
    });
    if (lost === undefined) return;
    this.#connection.end(new VenueError("out of step", `Book updates of BITMEX are missing (at level ${lost}).`));
  }

  #levelsOf(book: OrderBook): KeyedBook {
    this.#levels ??= new KeyedBook(book);
    return this.#levels;
  }

  /** `{"status":400,"error":"Unknown or expired symbol.",...}` */
  #onError({ error }: Fields): void {
    if (typeof error !== "string") return;
    const { symbol } = this.#connection;
    this.#connection.end(new VenueError("refused", `BITMEX refuses ${symbol}: ${error.replace(/\.$/, "")}.`));
  }
}

/** Rows carry the time of their change since 2022. */
function newestOf(rows: unknown): bigint | undefined {
  let newest: bigint | undefined;
  for (const row of Array.isArray(rows) ? rows : []) {
    const ns = isFields(row) && typeof row.timestamp === "string" ? nsOfIso(row.timestamp) : undefined;
    if (ns !== undefined && (newest === undefined || ns > newest)) newest = ns;
  }
  return newest;
}
