import { OrderBook } from "@tapedeck/market";
import type { Venue, VenueError, VenueTrade } from "../venues/venue.js";

/** What a venue has streamed. */
export interface StreamedMarket {
  readonly book: OrderBook;
  /** Book updates, and how many of them left the book crossed. */
  readonly updates: { count: number; crossed: number };
  readonly times: (bigint | undefined)[];
  readonly trades: VenueTrade[];
  readonly bookLost: string[];
  readonly unreadable: string[];
  /** How the connection ended: with an error, or undefined when it was stopped. */
  readonly over: Promise<VenueError | undefined>;
  stop(): void;
}

export function streamMarket(venue: Venue, symbol: string, { silenceMs = 60_000 } = {}): StreamedMarket {
  const book = new OrderBook();
  const updates = { count: 0, crossed: 0 };
  const times: (bigint | undefined)[] = [];
  const trades: VenueTrade[] = [];
  const bookLost: string[] = [];
  const unreadable: string[] = [];
  const stopping = new AbortController();
  const over = venue
    .stream({
      symbol,
      market: {
        book(ns, change) {
          change(book);
          times.push(ns);
          updates.count++;
          if (book.crossed) updates.crossed++;
        },
        trade: (trade) => trades.push(trade),
        bookLost: (reason) => {
          if (bookLost.at(-1) !== reason) bookLost.push(reason);
        },
        unreadable: (_, text) => unreadable.push(text),
      },
      now: () => BigInt(Date.now()) * 1_000_000n,
      silenceMs,
      signal: stopping.signal,
    })
    .then(
      () => undefined,
      (error: VenueError) => error,
    );
  return { book, updates, times, trades, bookLost, unreadable, over, stop: () => stopping.abort() };
}
