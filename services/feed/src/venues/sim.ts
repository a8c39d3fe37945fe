import { type MarketEvent, type OrderBook, SimulatedMarket, segmentMs, segments } from "@tapedeck/market";
import { isoOfNs } from "@tapedeck/protocol";
import { type StreamOptions, type Venue, VenueError } from "./venue.js";

export interface SimSettings {
  /** Another seed gives other markets for the same symbols. */
  readonly seed: string;
  readonly scenario: string;
}

/** The market's time 0: the same on every node and after every restart, so that the market continues like a real one. */
const originMs = Date.UTC(2025, 0, 1);
/** Updates come every 20 to 45 ms. */
const pollMs = 10;
const nsPerMs = 1_000_000n;
const simulatedSymbol = /^[A-Z0-9][A-Z0-9_-]{0,19}$/;

/**
 * A simulated exchange. It trades any symbol, around the clock, in a market that symbol and seed determine. The market continues
 * without listeners: a feed that reconnects finds it at its present state and has missed the events in between.
 */
export class SimVenue implements Venue {
  readonly decimals = 3;
  /** What happens within one millisecond arrives together. */
  readonly distinctTimes = true;
  readonly #settings: SimSettings;

  constructor(settings: SimSettings) {
    this.#settings = settings;
  }

  async stream({ symbol, market, now, signal }: StreamOptions): Promise<void> {
    if (!simulatedSymbol.test(symbol)) {
      const accepted = "a symbol has 1 to 20 letters, digits, _ and -";
      throw new VenueError("refused", `SIM refuses ${symbol}: ${accepted}.`);
    }
    const simulated = new SimulatedMarket({ symbol, ...this.#settings });
    const fromNs = lastWholeMs(now());
    const running = new RunningMarket(simulated, fromNs);
    market.book(fromNs, running.bookAt(fromNs));
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        for (const event of running.until(lastWholeMs(now()))) {
          const ns = running.nsOf(event);
          const timestamp = isoOfNs(ns, 3);
          for (const trade of event.trades ?? []) market.trade({ ...trade, ns, timestamp });
          if (event.change) market.book(ns, event.change);
        }
      }, pollMs);
      const stop = (): void => {
        clearInterval(timer);
        resolve();
      };
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
    });
  }
}

/** The market from a moment on, each event at its wall time. */
class RunningMarket {
  readonly #market: SimulatedMarket;
  #segment: number;
  /** Wall time of the tape's time 0. */
  #zeroNs: bigint;
  #events: Generator<MarketEvent>;
  #next: MarketEvent | undefined;

  constructor(market: SimulatedMarket, fromNs: bigint) {
    this.#market = market;
    const minute = Math.floor((Number(fromNs / nsPerMs) - originMs) / segmentMs);
    this.#segment = modulo(minute, segments);
    this.#zeroNs = BigInt(originMs + (minute - this.#segment) * segmentMs) * nsPerMs;
    this.#events = market.events(this.#segment);
  }

  /** The whole book at a time within the first segment. */
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

  /** The events up to a time. */
  *until(ns: bigint): Generator<MarketEvent> {
    for (;;) {
      this.#next ??= this.#read();
      if (this.nsOf(this.#next) > ns) return;
      yield this.#next;
      this.#next = undefined;
    }
  }

  #read(): MarketEvent {
    const { value, done } = this.#events.next();
    if (!done) return value;
    // A segment opens with the book at the end of its predecessor.
    this.#segment = (this.#segment + 1) % segments;
    this.#events = this.#market.events(this.#segment);
    return this.#segment === 0 ? this.#restart() : this.#read();
  }

  /** After 91 days the market starts over, with another book. */
  #restart(): MarketEvent {
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

/** The last moment of the millisecond before this one, since the present one is not over. */
function lastWholeMs(ns: bigint): bigint {
  return ns - (ns % nsPerMs) - 1n;
}

function modulo(n: number, by: number): number {
  return ((n % by) + by) % by;
}
