import { OrderBook } from "@tapedeck/market";
import type { Venue, VenueTrade, VenueTrouble } from "../venues/venue.js";

/** Somebody who listens to a venue and keeps what it says. */
export interface Ears {
  readonly book: OrderBook;
  /** Book updates, and how many of them left the book crossed. */
  readonly updates: { count: number; crossed: number };
  readonly times: (bigint | undefined)[];
  readonly trades: VenueTrade[];
  readonly broken: string[];
  readonly nonsense: string[];
  /** How the connection ended: by trouble, or undefined when it was left. */
  readonly over: Promise<VenueTrouble | undefined>;
  leave(): void;
}

export function listenTo(venue: Venue, symbol: string, { silenceMs = 60_000 } = {}): Ears {
  const book = new OrderBook();
  const updates = { count: 0, crossed: 0 };
  const times: (bigint | undefined)[] = [];
  const trades: VenueTrade[] = [];
  const broken: string[] = [];
  const nonsense: string[] = [];
  const leaving = new AbortController();
  const over = venue
    .listen({
      symbol,
      market: {
        book(ns, change) {
          change(book);
          times.push(ns);
          updates.count++;
          if (book.crossed) updates.crossed++;
        },
        trade: (trade) => trades.push(trade),
        broken: (reason) => {
          if (broken.at(-1) !== reason) broken.push(reason);
        },
        nonsense: (_, text) => nonsense.push(text),
      },
      now: () => BigInt(Date.now()) * 1_000_000n,
      silenceMs,
      signal: leaving.signal,
    })
    .then(
      () => undefined,
      (trouble: VenueTrouble) => trouble,
    );
  return { book, updates, times, trades, broken, nonsense, over, leave: () => leaving.abort() };
}
