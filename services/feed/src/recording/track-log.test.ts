import type { TrackEntry } from "@tapedeck/live";
import { type BookLevel, OrderBook } from "@tapedeck/market";
import { createLogger } from "@tapedeck/runtime";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { RecordedExchange, recordedTexts, recordingsAbsent } from "../../../../test/support/exchange/recorded.js";
import { binanceFutures } from "../venues/binance.js";
import { bitmex } from "../venues/bitmex.js";
import { coinbase } from "../venues/coinbase.js";
import { SocketVenue, type VenueProtocol } from "../venues/connection/socket-venue.js";
import type { MarketSink, VenueTrade } from "../venues/venue.js";
import { FrameAssembler, type RecordedFrame } from "./frame-assembler.js";

let exchange: RecordedExchange | undefined;
const stopping: AbortController[] = [];

afterEach(async () => {
  for (const stop of stopping.splice(0)) stop.abort();
  await exchange?.close();
});

const log = createLogger({ service: "feed", node: "test", level: "silent" });

const now = (): bigint => BigInt(Date.now()) * 1_000_000n;

function assembling({ source = "BITMEX", symbol = "XBTUSD", decimals = 3 as const, claimed = true } = {}) {
  const frames: RecordedFrame[] = [];
  const assembler = new FrameAssembler({
    ...{ source, symbol, decimals, now, log },
    listener: { onFrame: (frame) => frames.push(frame), onBook: () => undefined },
    metrics: { event: () => undefined, unreadable: () => undefined },
  });
  if (claimed) assembler.startTape(undefined);
  return { assembler, frames };
}

/** What an assembler makes of a venue's messages, with a frame after each seventh event. */
async function recorded(protocol: VenueProtocol, symbol: string, texts: readonly string[], answer?: unknown) {
  exchange = new RecordedExchange(texts, answer);
  await exchange.open();
  const { assembler, frames } = assembling({ source: protocol.source, symbol });
  const seen = { books: 0, trades: 0 };
  const close = (): void => {
    if ((seen.books + seen.trades) % 7 === 0) assembler.closeFrame();
  };
  const market: MarketSink = {
    book: (...event) => {
      assembler.book(...event);
      seen.books++;
      close();
    },
    trade: (trade) => {
      assembler.trade(trade);
      seen.trades++;
      close();
    },
    track: assembler.track,
    bookLost: (reason) => assembler.bookLost(reason),
    unreadable: (error, text) => assembler.unreadable(error, text),
  };
  const stop = new AbortController();
  stopping.push(stop);
  const venue = new SocketVenue(protocol, { socket: new URL(exchange.url), rest: new URL(exchange.restUrl) });
  venue.stream({ symbol, market, now, silenceMs: 60_000, signal: stop.signal }).catch(() => undefined);
  return { assembler, frames, seen };
}

const frameShape = z.object({
  bids: z.array(z.tuple([z.number(), z.number()])),
  asks: z.array(z.tuple([z.number(), z.number()])),
});

/** The levels that a frame shows, without the ones that fill it up. */
function shownBy({ parts }: RecordedFrame): { bids: BookLevel[]; asks: BookLevel[] } {
  const { bids, asks } = frameShape.parse(JSON.parse(`{${parts.head}}`));
  const real = (levels: BookLevel[]) => levels.filter(([, size]) => size > 0);
  return { bids: real(bids), asks: real(asks) };
}

function apply(book: OrderBook, entry: TrackEntry): void {
  if (entry.kind === "derived") for (const price of entry.prices) book.set(entry.side, price, 0);
  if (entry.kind === "full") {
    expect([book.bids.top(1e6), book.asks.top(1e6)]).toEqual([entry.bids, entry.asks]);
  }
  if (entry.kind !== "book" || entry.state !== "applied") return;
  if (entry.snapshot) book.replace(entry.bids, entry.asks);
  else book.apply(entry.bids, entry.asks);
}

/** Rebuilds the book from the events of each frame, and compares it with what the frame shows. */
function expectRebuilt(frames: readonly RecordedFrame[]): OrderBook {
  const book = new OrderBook();
  for (const [seq, frame] of frames.entries()) {
    for (const entry of frame.events) apply(book, entry);
    expect([seq, book.bids.top(20), book.asks.top(20)]).toEqual([seq, ...Object.values(shownBy(frame))]);
  }
  return book;
}

const eventsOf = (frames: readonly RecordedFrame[]) => frames.flatMap(({ events }) => events);

describe.skipIf(recordingsAbsent)(
  "[FD32] the events of the frames of a recording lead to the book of each frame",
  () => {
    test("of Binance futures, with the update ids, and each message once", async () => {
      const texts = recordedTexts(
        "binance-raw/usdm_btcusdt_20230404.dat.gz",
        "binance-raw/usdm_btcusdt_20230405.dat.gz",
      );
      const snapshot = texts.find((text) => text.includes('"lastUpdateId"') && !text.includes('"stream"'));
      const messages = texts.filter((text) => text !== snapshot);
      const { assembler, frames, seen } = await recorded(
        binanceFutures,
        "BTCUSDT",
        messages,
        JSON.parse(snapshot ?? "null"),
      );
      await vi.waitFor(() => expect(seen.books).toBe(16_110), { timeout: 150_000, interval: 50 });
      assembler.closeFrame();
      expectRebuilt(frames);
      const events = eventsOf(frames);
      const books = events.flatMap((entry) => (entry.kind === "book" ? [entry] : []));
      const trades = events.flatMap((entry) => (entry.kind === "trade" ? [entry] : []));
      expect(books.filter(({ snapshot: whole }) => whole)).toHaveLength(1);
      const empty = (text: string) => text.includes('"b":[]') && text.includes('"a":[]');
      const updates = messages.filter((text) => text.includes('"depthUpdate"') && !empty(text));
      expect(books.length - 1).toBe(updates.length);
      expect(new Set(books.map(({ ids }) => ids?.last)).size).toBeGreaterThanOrEqual(updates.length);
      expect(trades).toHaveLength(12_935);
      expect(new Set([...books, ...trades].map(({ heard }) => heard)).size).toBe(books.length + trades.length);
      expect(events.some(({ kind }) => kind === "full")).toBe(true);
      const diffs = books.filter((entry) => !entry.snapshot);
      const inOrder = [...diffs].sort((a, b) => a.heard - b.heard).map(({ ids }) => ids?.last ?? 0);
      expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
      const [first] = books.filter(({ state }) => state === "applied");
      expect(first).toMatchObject({ snapshot: true, known: { low: expect.any(Number), high: expect.any(Number) } });
    }, 180_000);

    test("of BitMEX, whose levels have ids", async () => {
      const all = recordedTexts("cryptofeed-raw/BITMEX.ws.1.0");
      const texts = all.filter((text) => text.startsWith('{"info"') || text.includes('"symbol":"XBTUSD"'));
      const { assembler, frames, seen } = await recorded(bitmex, "XBTUSD", texts);
      const books = texts.filter((text) => text.startsWith('{"table":"orderBookL2"') && text.includes('"action":"'));
      await vi.waitFor(() => expect(seen.books).toBe(books.length), { timeout: 150_000, interval: 50 });
      assembler.closeFrame();
      expect(expectRebuilt(frames).bids.depth).toBeGreaterThan(1_000);
      expect(eventsOf(frames).filter(({ kind }) => kind === "book")).toHaveLength(books.length);
    }, 180_000);

    test("of Coinbase", async () => {
      const texts = recordedTexts("cryptofeed-raw/COINBASE.ws.28.0").filter((text) => text.includes("SKL-USD"));
      const { assembler, frames, seen } = await recorded(coinbase, "SKL-USD", texts);
      await vi.waitFor(() => expect(seen.books).toBe(2_593), { timeout: 150_000, interval: 50 });
      assembler.closeFrame();
      expectRebuilt(frames);
    }, 180_000);
  },
);

describe("the events of a frame", () => {
  const quote = (bid: number, ask: number): [BookLevel[], BookLevel[]] => [[[bid, 1]], [[ask, 1]]];
  const trade = (id: number, more: Partial<VenueTrade> = {}): VenueTrade => ({
    ...{ ns: now(), id, consecutive: true, timestamp: new Date().toISOString(), price: 100, size: 1 },
    side: "buy",
    ...more,
  });
  const kinds = (events: readonly TrackEntry[] | undefined) =>
    events?.map((entry) => ("state" in entry ? `${entry.kind} ${entry.state}` : entry.kind));

  test("[FD33] are those that it shows: while the book is crossed, they wait for the frame that shows the next good one", () => {
    const { assembler, frames } = assembling();
    assembler.book(now(), (book) => book.replace(...quote(99, 101)));
    assembler.closeFrame();
    assembler.trade(trade(1));
    assembler.book(now(), (book) => book.apply([[102, 1]], []));
    assembler.trade(trade(2));
    assembler.closeFrame();
    expect(assembler.takeEvents()).toEqual([]);
    assembler.book(now(), (book) =>
      book.apply(
        [],
        [
          [101, 0],
          [103, 1],
        ],
      ),
    );
    assembler.closeFrame();
    expect(frames.map(({ events }) => kinds(events))).toEqual([
      ["book applied"],
      ["trade applied"],
      ["book applied", "book applied", "trade applied"],
    ]);
    expectRebuilt(frames);
  });

  test("[FD33] changes that no frame shows are taken without one, and the next frame does not have them again", () => {
    const { assembler, frames } = assembling();
    const deep = Array.from({ length: 30 }, (_, nth): BookLevel => [99 - nth, 1]);
    assembler.book(now(), (book) => book.replace(deep, [[101, 1]]));
    assembler.closeFrame();
    assembler.book(now(), (book) => book.apply([[72, 5]], []));
    assembler.closeFrame();
    expect(frames).toHaveLength(1);
    expect(kinds(assembler.takeEvents())).toEqual(["book applied"]);
    assembler.book(now(), (book) => book.apply([[98, 5]], []));
    assembler.closeFrame();
    expect(kinds(frames[1]?.events)).toEqual(["book applied"]);
  });

  test("[FD33] say of each trade what became of it", () => {
    const { assembler, frames } = assembling();
    assembler.book(now(), (book) => book.replace(...quote(99, 101)));
    for (const one of [trade(1), trade(1), trade(2, { excluded: "block trade" }), trade(3, { side: "sell" })]) {
      assembler.trade(one);
    }
    assembler.closeFrame();
    const states = ["trade applied", "trade duplicate", "trade left-out", "trade applied"];
    expect(kinds(frames[0]?.events)).toEqual(["book applied", ...states]);
    const heard = frames[0]?.events.flatMap((entry) => ("heard" in entry ? [entry.heard] : []));
    expect(heard).toEqual([0, 1, 2, 3, 4]);
  });

  test("[FD34] a lost book is a gap, also if nothing had happened, and the next whole book follows it", () => {
    const { assembler, frames } = assembling();
    assembler.book(now(), (book) => book.replace(...quote(99, 101)));
    assembler.closeFrame();
    assembler.bookLost("BITMEX sent nothing.", { silent: true });
    assembler.book(now(), (book) => book.replace(...quote(99, 101)));
    assembler.book(now(), (book) => book.apply([[98, 1]], []));
    assembler.closeFrame();
    expect(frames[1]?.parts.gapBefore).toBeNull();
    expect(kinds(frames[1]?.events)).toEqual(["gap", "book applied", "book applied"]);
    expectRebuilt(frames);
  });

  test("[FD34] a tape that is taken over has a gap and the whole book first; what was heard before is not on it", () => {
    const { assembler, frames } = assembling({ claimed: false });
    assembler.book(now(), (book) => book.replace(...quote(99, 101)));
    assembler.book(now(), (book) => book.apply([[98, 1]], []));
    assembler.startTape({ startNs: now() - 60_000_000_000n, lastNs: 1_000_000, reason: "the feed was away" });
    assembler.closeFrame();
    expect(kinds(frames[0]?.events)).toEqual(["gap", "book applied"]);
    expect(expectRebuilt(frames).bids.top(3)).toEqual([
      [99, 1],
      [98, 1],
    ]);
  });

  test("[FD34] after a refused frame the whole book follows a gap, and messages are counted on", () => {
    const { assembler, frames } = assembling();
    assembler.book(now(), (book) => book.replace(...quote(99, 101)));
    assembler.trade(trade(1));
    assembler.closeFrame();
    assembler.restartTrack("a frame was refused");
    assembler.book(now(), (book) => book.apply([[98, 1]], []));
    assembler.closeFrame();
    expect(kinds(frames[1]?.events)).toEqual(["gap", "book applied", "book applied"]);
    const heard = frames.flatMap(({ events }) => events.flatMap((entry) => ("heard" in entry ? [entry.heard] : [])));
    expect(heard).toEqual([0, 1, 2, 3]);
    expectRebuilt(frames);
  });

  test("[FD32] levels beyond a venue's depth are removed by an event of their own", () => {
    const { assembler, frames } = assembling();
    assembler.book(now(), (book) => book.replace(...quote(99, 101)));
    assembler.book(now(), (book) => {
      book.apply([[100, 1]], []);
      book.keep(1);
    });
    assembler.closeFrame();
    expect(kinds(frames[0]?.events)).toEqual(["book applied", "book applied", "derived"]);
    expectRebuilt(frames);
  });
});
