import type { BookLevel, BookSideName, DepthLink } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import { crc32 } from "../../format/checksum.js";
import type { SourceEvent } from "../events/source-event.js";
import { BrokenLine } from "../import-errors.js";
import { ChecksumChain, NumberChain, WrittenBook } from "./book-chain.js";
import {
  epochTime,
  type Fields,
  fieldsOf,
  levelsOf,
  listOf,
  numberOf,
  shown,
  textOf,
  wholeBookNs,
  wholeOf,
} from "./fields.js";
import { Instruments, PerBook } from "./instruments.js";

/** Levels a side of each channel's book. */
const depths: Readonly<Record<string, number>> = { books: 400, "books-l2-tbt": 400, "books50-l2-tbt": 50 };
/** Levels of a side that the checksum covers. */
const checksumLevels = 25;

class OkxBook {
  readonly numbers = new NumberChain();
  readonly checksums = new ChecksumChain();
  readonly #book = new WrittenBook();

  apply(
    whole: boolean,
    sides: readonly (readonly [BookSideName, unknown, readonly BookLevel[]])[],
    depth: number,
  ): void {
    if (whole) this.#book.clear();
    for (const [side, rows, levels] of sides) {
      listOf(rows, `the ${side}s`).forEach((row, at) => {
        const [price, size] = listOf(row, "a level");
        const level = levels[at];
        if (level !== undefined) this.#book.set(side, level, `${price}:${size}`);
      });
    }
    this.#book.keep(depth);
  }

  /** Signed, of bid, ask, bid, ask, ... as they are written, best first. */
  checksum(): number {
    const [bids, asks] = [this.#book.top("bid", checksumLevels), this.#book.top("ask", checksumLevels)];
    const texts: string[] = [];
    for (let at = 0; at < checksumLevels; at++) {
      const [bid, ask] = [bids[at], asks[at]];
      if (bid !== undefined) texts.push(bid);
      if (ask !== undefined) texts.push(ask);
    }
    return crc32(Buffer.from(texts.join(":"))) | 0;
  }
}

/**
 * https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel: a whole book, then updates. Each names its
 * predecessor (`prevSeqId`); before OKX had those numbers, it had a checksum of the 25 best levels a side.
 */
export class OkxMessages {
  readonly #instruments = new Instruments("OKX", 3);
  readonly #books = new PerBook(() => new OkxBook());

  /** A new connection: updates may be missing until each book is sent again. */
  connected(): void {
    for (const { numbers, checksums } of this.#books.values()) {
      numbers.interrupt();
      checksums.interrupt();
    }
  }

  /** Adds a message's events to `out`, or returns the kind of a message that a tape does not need. */
  read(message: unknown, receivedNs: bigint, out: SourceEvent[]): string | undefined {
    const fields = fieldsOf(message, "the message");
    if (fields.event !== undefined) return "answer to a subscription";
    const { channel, instId } = fieldsOf(fields.arg, "arg");
    const name = textOf(channel, "channel");
    const depth = depths[name];
    if (name === "trades") {
      for (const row of listOf(fields.data, "data")) out.push(this.#trade(fieldsOf(row, "a trade"), receivedNs));
    } else if (depth !== undefined) {
      const symbol = textOf(instId, "instId");
      for (const row of listOf(fields.data, "data")) {
        out.push(this.#book(fieldsOf(row, "a book"), fields.action, symbol, depth, receivedNs));
      }
    } else return name;
    return undefined;
  }

  #book(data: Fields, action: unknown, symbol: string, depth: number, receivedNs: bigint): SourceEvent {
    if (action !== "snapshot" && action !== "update") {
      throw new BrokenLine(`action is neither snapshot nor update: ${shown(action)}`);
    }
    const whole = action === "snapshot";
    const [bids, asks] = [levelsOf(data.bids, "bids"), levelsOf(data.asks, "asks")];
    const { ns } = epochTime(data.ts, "ts");
    const id = data.seqId === undefined ? undefined : wholeOf(data.seqId, "seqId");
    const event = {
      instrument: this.#instruments.of(symbol),
      ns: whole ? wholeBookNs(ns, receivedNs, 3) : ns,
      receivedNs,
      bids,
      asks,
      depth,
    };
    const book = this.#books.of(symbol);
    if (id === undefined) {
      book.apply(
        whole,
        [
          ["bid", data.bids, bids],
          ["ask", data.asks, asks],
        ],
        depth,
      );
      const link = whole ? book.checksums.whole() : book.checksums.update(rightChecksum(data.checksum, book));
      return { kind: whole ? "snapshot" : "diff", ...event, link };
    }
    if (whole) return { kind: "snapshot", ...event, sequence: id, link: book.numbers.whole(id) };
    const previous = wholeOf(data.prevSeqId, "prevSeqId");
    const link: DepthLink = book.numbers.update(previous, id);
    return { kind: "diff", ...event, ids: { first: id, last: id, previous }, link };
  }

  #trade(row: Fields, receivedNs: bigint): SourceEvent {
    if (row.side !== "buy" && row.side !== "sell") {
      throw new BrokenLine(`side is neither buy nor sell: ${shown(row.side)}`);
    }
    const { ns } = epochTime(row.ts, "ts");
    return {
      kind: "trade",
      instrument: this.#instruments.of(textOf(row.instId, "instId")),
      ns,
      receivedNs,
      id: textOf(row.tradeId, "tradeId"),
      timestamp: isoOfNs(ns, 3),
      price: numberOf(row.px, "px"),
      size: numberOf(row.sz, "sz"),
      side: row.side,
    };
  }
}

/** Undefined if there is none: OKX sends 0 since it has numbers. */
function rightChecksum(checksum: unknown, book: OkxBook): boolean | undefined {
  return checksum === undefined || checksum === 0 ? undefined : checksum === book.checksum();
}
