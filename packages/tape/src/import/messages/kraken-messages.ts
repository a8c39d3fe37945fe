import type { BookLevel, BookSideName } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import { crc32 } from "../../format/checksum.js";
import type { SourceEvent } from "../events/source-event.js";
import { BrokenLine } from "../import-errors.js";
import { ChecksumChain, WrittenBook } from "./book-chain.js";
import { type Fields, fieldsOf, listOf, numberOf, secondsNs, shown, sizeOf, textOf, wholeBookNs } from "./fields.js";
import { Instruments, PerBook } from "./instruments.js";

/** Levels of a side that the checksum covers. */
const checksumLevels = 10;

export interface KrakenLevel {
  readonly level: BookLevel;
  /** Price and size as the checksum needs them. */
  readonly digits: string;
  /** When the level changed, nanoseconds since 1970. */
  readonly ns: bigint;
}

/** `[["5541.30000","2.50700000","1534614248.123678"], ...]`. Throws `BrokenLine`. */
export function krakenLevels(side: BookSideName, value: unknown): KrakenLevel[] {
  if (value === undefined) return [];
  return listOf(value, `the ${side}s`).map((row) => {
    const [price, size, time] = listOf(row, "a level").map((field) => textOf(field, "a field of a level"));
    if (price === undefined || size === undefined || time === undefined) {
      throw new BrokenLine("a level is too short: it must have a price, a volume and a time");
    }
    return {
      level: [numberOf(price, "a price"), sizeOf(size, "a volume")],
      digits: digitsOf(price) + digitsOf(size),
      ns: secondsNs(time, "a level's time"),
    };
  });
}

/** `"0.05005"` becomes `5005`. */
function digitsOf(text: string): string {
  return text.replace(".", "").replace(/^0+/, "");
}

class KrakenBook {
  readonly chain = new ChecksumChain();
  readonly #book = new WrittenBook();

  apply(whole: boolean, bids: readonly KrakenLevel[], asks: readonly KrakenLevel[], depth: number): void {
    if (whole) this.#book.clear();
    for (const { level, digits } of bids) this.#book.set("bid", level, digits);
    for (const { level, digits } of asks) this.#book.set("ask", level, digits);
    this.#book.keep(depth);
  }

  checksum(): string {
    const digits = [...this.#book.top("ask", checksumLevels), ...this.#book.top("bid", checksumLevels)].join("");
    return String(crc32(Buffer.from(digits)));
  }
}

/**
 * https://docs.kraken.com/api/docs/guides/spot-ws-book-v1: version 1 of Kraken's API. A whole book, then updates, each with a checksum of
 * the ten best levels a side after it.
 */
export class KrakenMessages {
  readonly #instruments = new Instruments("KRAKEN", 6);
  readonly #books = new PerBook(() => new KrakenBook());

  /** A new connection: updates may be missing until each book is sent again. */
  connected(): void {
    for (const { chain } of this.#books.values()) chain.interrupt();
  }

  /** Adds a message's events to `out`, or returns the kind of a message that a tape does not need. */
  read(message: unknown, receivedNs: bigint, out: SourceEvent[]): string | undefined {
    if (!Array.isArray(message)) return textOf(fieldsOf(message, "the message").event, "event");
    const channel = textOf(message.at(-2), "the channel");
    const pair = textOf(message.at(-1), "the pair");
    const depth = /^book-([1-9]\d{0,4})$/.exec(channel)?.[1];
    if (channel === "trade") {
      for (const row of listOf(message[1], "trades")) out.push(this.#trade(row, pair, receivedNs));
    } else if (depth !== undefined) {
      const parts = message.slice(1, -2).map((part) => fieldsOf(part, "a book"));
      out.push(this.#book(parts, pair, Number(depth), receivedNs));
    } else return channel;
    return undefined;
  }

  #book(parts: readonly Fields[], pair: string, depth: number, receivedNs: bigint): SourceEvent {
    const whole = parts.some((part) => part.as !== undefined || part.bs !== undefined);
    const bids = parts.flatMap((part) => krakenLevels("bid", part.bs ?? part.b));
    const asks = parts.flatMap((part) => krakenLevels("ask", part.as ?? part.a));
    const book = this.#books.of(pair);
    book.apply(whole, bids, asks, depth);
    const checksum = parts.find((part) => part.c !== undefined)?.c;
    const right = checksum === undefined ? undefined : checksum === book.checksum();
    const event = {
      instrument: this.#instruments.of(pair),
      receivedNs,
      bids: bids.map(({ level }) => level),
      asks: asks.map(({ level }) => level),
      depth,
    };
    const newest = newestOf([...bids, ...asks]);
    if (whole) {
      return { kind: "snapshot", ns: wholeBookNs(newest, receivedNs, 6), ...event, link: book.chain.whole() };
    }
    return { kind: "diff", ns: newest, ...event, link: book.chain.update(right) };
  }

  #trade(row: unknown, pair: string, receivedNs: bigint): SourceEvent {
    const [price, size, time, side] = listOf(row, "a trade");
    if (side !== "b" && side !== "s") throw new BrokenLine(`side is neither b nor s: ${shown(side)}`);
    const ns = secondsNs(textOf(time, "time"), "time");
    return {
      kind: "trade",
      instrument: this.#instruments.of(pair),
      ns,
      receivedNs,
      timestamp: isoOfNs(ns, 6),
      price: numberOf(price, "price"),
      size: numberOf(size, "volume"),
      side: side === "b" ? "buy" : "sell",
    };
  }
}

function newestOf(levels: readonly KrakenLevel[]): bigint | undefined {
  return levels.reduce<bigint | undefined>(
    (newest, { ns }) => (newest === undefined || ns > newest ? ns : newest),
    undefined,
  );
}
