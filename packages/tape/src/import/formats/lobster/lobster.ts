import type { BookLevel, MarketTrade } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import type { Instrument, SourceEvent } from "../../events/source-event.js";
import { BrokenLine, CutShort, ImportRefused } from "../../import-errors.js";
import { linesOf } from "../../input/lines.js";
import type { RecordingFile } from "../../input/recording-file.js";
import { numberOf, secondsNs, wholeOf } from "../../messages/fields.js";
import type { EventStream, Format, ReadContext } from "../format.js";
import { cutLine } from "../format.js";
import { midnightInNewYork } from "../new-york.js";
import { LobsterOrders } from "./lobster-orders.js";

/** Prices are ten-thousandths of a dollar. */
const priceScale = 10_000;
/** Price and size of both sides. */
const columnsPerLevel = 4;
/** The price of a level that does not exist. */
const dummyPrice = 9_999_999_999;

export const lobster: Format = {
  name: "lobster",
  about: "LOBSTER's pairs of a message and an orderbook file (NASDAQ)",
  recognises: ({ head: [first = ""] }) => isMessage(first) || isBook(first),
  streams: (files, reading) => pairs(files).map(([messages, books]) => rowByRow(messages, books, reading)),
};

function isMessage(line: string): boolean {
  return /^\d{1,5}(\.\d+)?,[1-7],\d+,\d+,-?\d+,-?1(,\w+)?$/.test(line);
}

function isBook(line: string): boolean {
  const values = line.split(",");
  return values.length % 4 === 0 && values.every((value) => /^-?\d+$/.test(value)) && values.length >= 4;
}

/** Row n of an orderbook file is the book after message n, so both files are needed. */
function pairs(files: readonly RecordingFile[]): [RecordingFile, RecordingFile][] {
  const messages = files.filter(({ head }) => isMessage(head[0] ?? ""));
  const books = files.filter(({ head }) => !isMessage(head[0] ?? ""));
  const found = messages.map((message): [RecordingFile, RecordingFile] => {
    const byName = books.find(({ name }) => name === message.name.replace("message", "orderbook"));
    const book = byName ?? (messages.length === 1 && books.length === 1 ? books[0] : undefined);
    if (book) return [message, book];
    const wanted = message.name.replace("message", "orderbook");
    throw new ImportRefused(`${message.name} is a message file: give its orderbook file too (${wanted}).`);
  });
  const unpaired = books.find((book) => !found.some(([, paired]) => paired === book));
  if (unpaired) {
    const wanted = unpaired.name.replace("orderbook", "message");
    throw new ImportRefused(
      `${unpaired.name} is an orderbook file, which has no times: give its message file too (${wanted}).`,
    );
  }
  return found;
}

async function* rowByRow(messages: RecordingFile, books: RecordingFile, reading: ReadContext): EventStream {
  const rows = new LobsterRows(messages, books, reading);
  const bookRows = new BookRows(books, reading);
  let events: SourceEvent[] = [];
  let number = 0;
  let lastGood = 0;
  let receivedNs: bigint | undefined;
  /** The file being read: the one to name if it ends too early. */
  let reads = messages;
  const nextBook = async () => {
    reads = books;
    const book = await bookRows.next();
    reads = messages;
    return book;
  };
  try {
    for await (const batch of linesOf(messages, reading.signal)) {
      for (const message of batch.lines) {
        const book = bookRows.waiting() ?? (await nextBook());
        number++;
        if (message === "") continue;
        if (book === undefined) {
          reads = books;
          throw new CutShort("it has fewer rows than its message file");
        }
        if (book === "") {
          reading.brokenLine(books, number, "the orderbook row for this message is missing");
          continue;
        }
        try {
          events.push(rows.read(message, book));
        } catch (error) {
          if (!(error instanceof BrokenLine)) throw error;
          if (batch.open || bookRows.atOpenEnd) throw cutLine(error, number);
          reading.brokenLine(messages, number, error.message);
        }
        lastGood = number;
      }
      receivedNs = events.at(-1)?.receivedNs ?? receivedNs;
      reading.addProgress(batch.lines.length, batch.bytes);
      yield events;
      events = [];
    }
    let more = await nextBook();
    while (more === "") more = await nextBook();
    if (more !== undefined) throw new CutShort("it has fewer rows than its orderbook file");
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    reading.cutShort(reads, { line: lastGood, receivedNs: events.at(-1)?.receivedNs ?? receivedNs }, error.message);
    yield events;
  } finally {
    await bookRows.close();
  }
}

/** The rows of an orderbook file, one by one. */
class BookRows {
  /** The last row was returned, and it has no line break. */
  atOpenEnd = false;
  readonly #batches: ReturnType<typeof linesOf>;
  readonly #reading: ReadContext;
  #lines: readonly string[] = [];
  #at = 0;

  constructor(file: RecordingFile, reading: ReadContext) {
    this.#batches = linesOf(file, reading.signal);
    this.#reading = reading;
  }

  /** The next row if it is already in memory, so that most rows need no await. */
  waiting(): string | undefined {
    return this.#at < this.#lines.length ? this.#lines[this.#at++] : undefined;
  }

  async next(): Promise<string | undefined> {
    while (this.#at === this.#lines.length) {
      const { value, done } = await this.#batches.next();
      if (done) return undefined;
      this.#reading.addProgress(0, value.bytes);
      this.#lines = value.lines;
      this.#at = 0;
      this.atOpenEnd = value.open;
    }
    return this.#lines[this.#at++];
  }

  async close(): Promise<void> {
    await this.#batches.return(undefined);
  }
}

class LobsterRows {
  readonly #instrument: Instrument;
  readonly #midnight: bigint;
  readonly #reading: ReadContext;
  readonly #orders = new LobsterOrders();
  /** Values in a row of the book. */
  readonly #width: number;
  readonly #depth: number;

  constructor(file: RecordingFile, books: RecordingFile, reading: ReadContext) {
    const [, inName = ""] = /^([A-Z.]+)_/.exec(file.name) ?? [];
    const symbol = (reading.symbol ?? inName).toUpperCase();
    if (symbol === "") throw new ImportRefused(`${file.name} does not name its stock: give --symbol.`);
    const date = reading.date ?? /\d{4}-\d{2}-\d{2}/.exec(file.name)?.[0];
    if (date === undefined) {
      throw new ImportRefused(`${file.name} does not name its day: give --date, for example 2012-06-21.`);
    }
    this.#instrument = { symbol, source: "NASDAQ", decimals: 9 };
    this.#midnight = midnightInNewYork(date);
    this.#reading = reading;
    this.#width = books.head[0]?.split(",").length ?? 0;
    this.#depth = Math.max(1, Math.floor(this.#width / columnsPerLevel));
  }

  read(message: string, book: string): SourceEvent {
    const [time = "", type, id, size, price, direction] = message.split(",");
    const ns = this.#midnight + secondsNs(time, "the time");
    const kind = wholeOf(type, "the type");
    if (kind === 6) this.#reading.ignore("cross trade");
    if (kind === 7) this.#reading.ignore("trading halt");
    const trades: MarketTrade[] = [];
    const base = {
      kind: "snapshot",
      instrument: this.#instrument,
      ...{ ns, receivedNs: ns },
      ...this.#levels(book),
      depth: this.#depth,
    } as const;
    if (kind > 5) return base;
    const order = {
      id: wholeOf(id, "the order id"),
      side: direction === "1" ? ("bid" as const) : ("ask" as const),
      price: wholeOf(price, "the price") / priceScale,
      size: numberOf(size, "the size"),
    };
    if (kind === 4 || kind === 5) {
      // The row has the resting order's side; a trade has the taker's.
      const side = order.side === "bid" ? "sell" : "buy";
      trades.push({ timestamp: isoOfNs(ns, 9), price: order.price, size: order.size, side });
    }
    return { ...base, trades, orders: this.#orders.take(kind, ns, order) };
  }

  #levels(row: string): { bids: BookLevel[]; asks: BookLevel[] } {
    const values = row.split(",");
    if (values.length !== this.#width) {
      throw new BrokenLine(`the book has ${values.length} values, but its first row has ${this.#width}`);
    }
    const bids: BookLevel[] = [];
    const asks: BookLevel[] = [];
    for (let at = 0; at < values.length; at += columnsPerLevel) {
      const [askPrice = 0, askSize = 0, bidPrice = 0, bidSize = 0] = [0, 1, 2, 3].map((n) =>
        wholeOf(values[at + n], "a value of the book"),
      );
      if (Math.abs(askPrice) !== dummyPrice && askSize > 0) asks.push([askPrice / priceScale, askSize]);
      if (Math.abs(bidPrice) !== dummyPrice && bidSize > 0) bids.push([bidPrice / priceScale, bidSize]);
    }
    return { bids, asks };
  }
}
