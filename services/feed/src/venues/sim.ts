import { type MarketEvent, type OrderBook, SimulatedMarket, segmentMs, segments } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import { type StreamOptions, type Venue, VenueError } from "./venue.js";

export interface SimSettings {
  /** Makes other markets of the same symbols. */
  readonly seed: string;
  readonly scenario: string;
}

/** The market's time 0: everywhere and after every restart the same, so that the market goes on as others do. */
const beganMs = Date.UTC(2025, 0, 1);
/** Changes come every 20 to 45 ms. */
const wakeMs = 10;
const nsPerMs = 1_000_000n;
const simulatedSymbol = /^[A-Z0-9][A-Z0-9_-]{0,19}$/;

/**
 * A simulated exchange: any symbol is traded there, around the clock, in a market that symbol and seed fix for ever. It goes on
 * while nobody listens, so a feed that comes back finds it where it is now, with what happened meanwhile missed.
 */
export class SimVenue implements Venue {
  readonly decimals = 3;
  readonly #settings: SimSettings;

  constructor(settings: SimSettings) {
    this.#settings = settings;
  }

  async stream({ symbol, market, now, signal }: StreamOptions): Promise<void> {
    if (!simulatedSymbol.test(symbol)) {
      const rule = "a symbol there has 1 to 20 letters, digits, _ and -";
      throw new VenueError("refused", `SIM refuses ${symbol}: ${rule}.`);
    }
    const simulated = new SimulatedMarket({ symbol, ...this.#settings });
    const fromNs = now();
    const running = new Running(simulated, fromNs);
    market.book(fromNs, running.bookAt(fromNs));
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        for (const event of running.until(now())) {
          const ns = running.nsOf(event);
          const timestamp = isoOfNs(ns, 3);
          for (const trade of event.trades ?? []) market.trade({ ...trade, ns, timestamp });
          if (event.change) market.book(ns, event.change);
        }
      }, wakeMs);
      const stop = (): void => {
        clearInterval(timer);
        resolve();
      };
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
    });
  }
}

/** The market from a moment on, each event at its time on the wall. */
class Running {
  readonly #market: SimulatedMarket;
  #segment: number;
  /** Wall time of the tape's time 0. */
  #zeroNs: bigint;
  #events: Generator<MarketEvent>;
  #next: MarketEvent | undefined;

  constructor(market: SimulatedMarket, fromNs: bigint) {
    this.#market = market;
    const minute = Math.floor((Number(fromNs / nsPerMs) - beganMs) / segmentMs);
    this.#segment = modulo(minute, segments);
    this.#zeroNs = BigInt(beganMs + (minute - this.#segment) * segmentMs) * nsPerMs;
    this.#events = market.events(this.#segment);
  }

  /** The whole book at a time within the segment that it begins in. */
  bookAt(ns: bigint): (book: OrderBook) => void {
    const events = [this.#market.opening(this.#segment), ...this.until(ns)];
    return (book) => {
      book.clear();
      for (const { change } of events) change?.(book);
    };
  }

  nsOf(event: MarketEvent): bigint {
    return this.#zeroNs + BigInt(event.ns);
  }

  /** What happens up to a time. */
  *until(ns: bigint): Generator<MarketEvent> {
    for (;;) {
      this.#next ??= this.#take();
      if (this.nsOf(this.#next) > ns) return;
      yield this.#next;
      this.#next = undefined;
    }
  }

  #take(): MarketEvent {
    const { value, done } = this.#events.next();
    if (!done) return value;
    // A segment opens with the book that the one before it has ended with.
    this.#segment = (this.#segment + 1) % segments;
    this.#events = this.#market.events(this.#segment);
    return this.#segment === 0 ? this.#beginAgain() : this.#take();
  }

  /** After 91 days the market begins again, with another book. */
  #beginAgain(): MarketEvent {
    this.#zeroNs += BigInt(segments * segmentMs) * nsPerMs;
    const opening = this.#market.opening(0);
    return {
      ns: opening.ns,
      change: (book) => {
        book.clear();
        opening.change?.(book);
      },
    };
  }
}

function modulo(n: number, by: number): number {
  return ((n % by) + by) % by;
}
