import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { importToMemory, recording } from "../../test-recordings.js";
import { rebuiltBooks, trackIn, type WholeBook } from "../testing.js";

// What cryptofeed's authors recorded (its `sample_data`). Each book is rebuilt here once more, by nothing but the venue's words.

type Side = Map<number | string, readonly [price: number, size: number]>;

/** Levels by price or by the venue's id. */
interface TruthBook {
  readonly bid: Side;
  readonly ask: Side;
}

interface Sample {
  readonly venue: string;
  readonly files: readonly string[];
  /** Frames, books and trades that the import must find. */
  readonly tapes: number;
  readonly updates: number;
  /** Applies a message of a book; returns the market's symbol. */
  apply(message: ReturnType<typeof JSON.parse>, bookOf: (symbol: string) => TruthBook): string | undefined;
}

function put(side: Side, key: number | string, price: number, size: number): void {
  if (size === 0) side.delete(key);
  else side.set(key, [price, size]);
}

function sorted({ bid, ask }: TruthBook): WholeBook {
  return {
    bids: [...bid.values()].sort(([a], [b]) => b - a),
    asks: [...ask.values()].sort(([a], [b]) => a - b),
  };
}

/** Sizes with more than 15 digits are rounded. */
function rounded({ bids, asks }: WholeBook, decimals: number): WholeBook {
  const round = (levels: WholeBook["bids"]) =>
    levels.map(([price, size]) => [price, Math.round(size * 10 ** decimals) / 10 ** decimals] as const);
  return { bids: round(bids), asks: round(asks) };
}

function keep(book: TruthBook, depth: number): void {
  const { bids, asks } = sorted(book);
  for (const [price] of bids.slice(depth)) book.bid.delete(price);
  for (const [price] of asks.slice(depth)) book.ask.delete(price);
}

function clear(book: TruthBook): void {
  book.bid.clear();
  book.ask.clear();
}

/** Symbols of Bitfinex's channels, from the answers to the subscriptions. */
const channels = new Map<number, string>();

const samples: readonly Sample[] = [
  {
    venue: "Kraken",
    files: ["KRAKEN.ws.48.0", "KRAKEN.ws.49.0", "KRAKEN.ws.50.0"],
    tapes: 10,
    updates: 4_279,
    apply(message, bookOf) {
      if (!Array.isArray(message) || message.at(-2) !== "book-1000") return undefined;
      const book = bookOf(message.at(-1));
      for (const part of message.slice(1, -2)) {
        if (part.as) clear(book);
        for (const [price, size] of part.bs ?? part.b ?? []) put(book.bid, Number(price), Number(price), Number(size));
        for (const [price, size] of part.as ?? part.a ?? []) put(book.ask, Number(price), Number(price), Number(size));
      }
      keep(book, 1000);
      return message.at(-1);
    },
  },
  {
    venue: "OKX",
    files: ["OKX.ws.1.0"],
    tapes: 3,
    updates: 290,
    apply({ arg, action, data }, bookOf) {
      if (arg?.channel !== "books" || data === undefined) return undefined;
      const book = bookOf(arg.instId);
      if (action === "snapshot") clear(book);
      for (const [price, size] of data[0].bids) put(book.bid, Number(price), Number(price), Number(size));
      for (const [price, size] of data[0].asks) put(book.ask, Number(price), Number(price), Number(size));
      keep(book, 400);
      return arg.instId;
    },
  },
  {
    venue: "Bitfinex",
    files: ["BITFINEX.ws.11.0"],
    tapes: 7,
    updates: 1_600,
    apply(message, bookOf) {
      if (message.channel === "book") channels.set(message.chanId, message.symbol.slice(1));
      const symbol = Array.isArray(message) ? channels.get(message[0]) : undefined;
      if (symbol === undefined || !Array.isArray(message[1])) return undefined;
      const book = bookOf(symbol);
      const whole = message[1].every(Array.isArray);
      if (whole) clear(book);
      for (const [price, count, amount] of whole ? message[1] : [message[1]]) {
        put(amount > 0 ? book.bid : book.ask, price, price, count === 0 ? 0 : Math.abs(amount));
      }
      return symbol;
    },
  },
  {
    venue: "Deribit",
    files: ["DERIBIT.ws.1.0"],
    tapes: 8,
    updates: 46,
    apply({ params }, bookOf) {
      if (!params?.channel?.startsWith("book.")) return undefined;
      const { instrument_name: symbol, type, bids, asks } = params.data;
      const book = bookOf(symbol);
      if (type === "snapshot") clear(book);
      for (const [action, price, size] of bids) put(book.bid, price, price, action === "delete" ? 0 : size);
      for (const [action, price, size] of asks) put(book.ask, price, price, action === "delete" ? 0 : size);
      return symbol;
    },
  },
  {
    venue: "Bybit, before version 5",
    files: ["BYBIT.ws.25.0", "BYBIT.ws.26.0"],
    tapes: 10,
    updates: 4_278,
    apply({ topic, type, data }, bookOf) {
      if (!topic?.startsWith("orderBookL2")) return undefined;
      const symbol = topic.split(".")[1];
      const book = bookOf(symbol);
      if (type === "snapshot") clear(book);
      const set = type === "snapshot" ? (data.order_book ?? data) : [...data.update, ...data.insert];
      for (const { id } of type === "snapshot" ? [] : data.delete)
        for (const side of [book.bid, book.ask]) side.delete(String(id));
      for (const { id, side, price, size } of set) {
        for (const old of [book.bid, book.ask]) old.delete(String(id));
        put(side === "Buy" ? book.bid : book.ask, String(id), Number(price), Number(size));
      }
      return symbol;
    },
  },
];

const absent = samples
  .flatMap(({ files }) => recording(...files.map((name) => `cryptofeed-raw/${name}`)))
  .filter((path) => !existsSync(path));
if (absent.length > 0) {
  process.stderr.write(`\nNO RECORDINGS ${absent.join(", ")}: tests that need them are SKIPPED.\n\n`);
}

describe.skipIf(absent.length > 0)("cryptofeed's own samples", () => {
  test.each(samples)(
    "[IM55] [IM57] $venue: after each message the whole book is the one of the venue's words, and nothing is missing",
    async ({ files, tapes, updates, apply }) => {
      const paths = recording(...files.map((name) => `cryptofeed-raw/${name}`));
      const imported = await importToMemory(paths);
      const truths = new Map<string, WholeBook[]>();
      const books = new Map<string, TruthBook>();
      const bookOf = (symbol: string) => {
        const book = books.get(symbol) ?? { bid: new Map(), ask: new Map() };
        books.set(symbol, book);
        return book;
      };
      for (const line of paths.flatMap((path) => readFileSync(path, "utf8").split("\n"))) {
        if (!/^\d/.test(line)) continue;
        const symbol = apply(JSON.parse(line.slice(line.indexOf(": ") + 2)), bookOf);
        if (symbol === undefined) continue;
        const said = truths.get(symbol) ?? [];
        truths.set(symbol, said);
        said.push(sorted(bookOf(symbol)));
      }
      expect(imported.report.brokenLines.count).toBe(0);
      const made = imported.report.tapes.filter(({ tape }) => tape !== undefined);
      expect(made).toHaveLength(tapes);
      expect([...truths.values()].flat()).toHaveLength(updates);
      for (const report of made) {
        expect(report).toMatchObject({ book: { sequenceBreaks: 0 }, duplicates: 0 });
        const rebuilt: WholeBook[] = [];
        for await (const book of rebuiltBooks(imported, report)) rebuilt.push(book);
        const { decimals } = await trackIn(imported, report);
        const expected = (truths.get(report.symbol) ?? []).map((book) => rounded(book, decimals.size));
        expect(rebuilt).toHaveLength(expected.length);
        // Texts are compared much faster than objects.
        const different = rebuilt.findIndex((book, at) => JSON.stringify(book) !== JSON.stringify(expected[at]));
        expect([different, rebuilt[different]]).toEqual([-1, expected[different]]);
      }
    },
    120_000,
  );
});
