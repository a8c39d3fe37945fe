import type { BookSideName, OrderBook } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import {
  BrokenLine,
  crc32,
  type Fields,
  fieldsOf,
  type KrakenLevel,
  krakenLevels,
  listOf,
  numberOf,
  secondsNs,
  textOf,
  textsOf,
} from "@tapedeck/tape/messages";
import type { MessageHandler, VenueConnection, VenueProtocol } from "./connection/socket-venue.js";
import { VenueError } from "./venue.js";

const depth = 100;
/** Levels of a side that the checksum covers. */
const checksumLevels = 10;

/** Currency codes that Kraken's spot API writes differently from its users. */
const codes: Readonly<Record<string, string>> = { BTC: "XBT", DOGE: "XDG" };

/**
 * https://docs.kraken.com/api/docs/guides/spot-ws-book-v1: version 1 of the API, whose prices are strings. The checksum covers
 * those strings; version 2 sends numbers, which lose their trailing zeros when they are parsed.
 */
export const kraken: VenueProtocol = {
  source: "KRAKEN",
  decimals: 6,
  numbered: true, // by checksum
  keepAlive: '{"event":"ping"}',
  address: (base) => base,
  createHandler: (connection) => new KrakenHandler(connection),
  symbolList: {
    paths: ["/0/public/AssetPairs"],
    read(answer) {
      const pairs = Object.values(fieldsOf(fieldsOf(answer, "the answer").result, "the result"));
      const symbols = textsOf(pairs, "wsname");
      return { symbols: symbols.flatMap((symbol) => [symbol, asUsersWrite(symbol)]) };
    },
  },
};

function asUsersWrite(pair: string): string {
  const usual = (code: string) => Object.keys(codes).find((its) => codes[its] === code) ?? code;
  return pair.split("/").map(usual).join("/");
}

interface Level extends KrakenLevel {
  readonly side: BookSideName;
}

/** Sequence rule: a whole book, then updates, each with a checksum of the ten best levels after it. */
class KrakenHandler implements MessageHandler {
  readonly #connection: VenueConnection;
  readonly #pair: string;
  #digits: Record<BookSideName, Map<number, string>> | undefined;

  constructor(connection: VenueConnection) {
    this.#connection = connection;
    this.#pair = connection.symbol
      .split("/")
      .map((code) => codes[code] ?? code)
      .join("/");
  }

  onOpen(): void {
    for (const subscription of [{ name: "book", depth }, { name: "trade" }]) {
      this.#connection.send(JSON.stringify({ event: "subscribe", pair: [this.#pair], subscription }));
    }
  }

  onMessage(message: unknown): void {
    if (!Array.isArray(message)) {
      this.#onReply(fieldsOf(message, "the message"));
      return;
    }
    const channel = textOf(message.at(-2), "the channel");
    if (channel === "trade") this.#trades(message[1]);
    else if (channel.startsWith("book-")) this.#book(message.slice(1, -2).map((part) => fieldsOf(part, "a book")));
  }

  #book(parts: readonly Fields[]): void {
    const [first = {}] = parts;
    const whole = first.as !== undefined;
    if (!whole && this.#digits === undefined) return;
    const levels = parts.flatMap((part) => [
      ...levelsOf("ask", part.as ?? part.a),
      ...levelsOf("bid", part.bs ?? part.b),
    ]);
    let newest: bigint | undefined;
    for (const { ns } of levels) if (newest === undefined || ns > newest) newest = ns;
    if (whole) this.#digits = { ask: new Map(), bid: new Map() };
    let computed = "";
    const change = (book: OrderBook): void => {
      if (whole) book.clear();
      for (const level of levels) this.#set(book, level);
      book.keep(depth); // the venue does not report levels that fall out of the depth
      computed = String(this.#checksum(book));
    };
    this.#connection.market.book(newest, change, { known: "levels" });
    this.#verifyChecksum(parts.find((part) => part.c !== undefined)?.c, computed);
  }

  /** Ends the connection if the venue's checksum shows that updates are missing. */
  #verifyChecksum(expected: unknown, computed: string): void {
    if (expected === undefined || expected === computed) return;
    this.#connection.end(new VenueError("out of step", "The book of KRAKEN does not match its checksum."));
  }

  #set(book: OrderBook, { side, level: [price, size], digits }: Level): void {
    book.set(side, price, size);
    if (size > 0) this.#digits?.[side].set(price, digits);
    else this.#digits?.[side].delete(price);
  }

  #checksum(book: OrderBook): number {
    let digits = "";
    for (const side of ["ask", "bid"] as const) {
      const known = this.#digits?.[side];
      for (const [price] of book.side(side).top(checksumLevels)) digits += known?.get(price) ?? "";
      if (known !== undefined && known.size > 4 * depth) {
        for (const price of known.keys()) if (book.side(side).sizeOf(price) === 0) known.delete(price);
      }
    }
    return crc32(Buffer.from(digits));
  }

  #trades(rows: unknown): void {
    for (const row of listOf(rows, "trades")) {
      const [price, size, time, side] = listOf(row, "a trade");
      if (side !== "b" && side !== "s") throw new BrokenLine("side is neither b nor s");
      const ns = secondsNs(textOf(time, "time"), "time");
      this.#connection.market.trade({
        ns,
        timestamp: isoOfNs(ns, 6),
        price: numberOf(price, "price"),
        size: numberOf(size, "volume"),
        side: side === "b" ? "buy" : "sell",
      });
    }
  }

  /** `{"event":"subscriptionStatus","status":"error","errorMessage":"Currency pair not supported XBT/FOO",...}` */
  #onReply({ status, errorMessage }: Fields): void {
    if (status !== "error") return;
    this.#connection.end(
      new VenueError("refused", `KRAKEN refuses ${this.#connection.symbol}: ${String(errorMessage)}.`),
    );
  }
}

function levelsOf(side: BookSideName, value: unknown): Level[] {
  return krakenLevels(side, value).map((level) => ({ side, ...level }));
}
