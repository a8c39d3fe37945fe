import { type BookLevel, type BookSideName, OrderBook, SimulatedMarket, segmentMs } from "@tapedeck/market";

/** What happened at one moment: levels that have another size now (0: gone), and trades before that. */
export interface FakeMarketEvent {
  readonly ms: number;
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  readonly trades: readonly FakeTrade[];
}

export interface FakeTrade {
  readonly id: number;
  readonly price: number;
  readonly size: number;
  readonly side: "buy" | "sell";
}

/** Notes which levels are set. */
class NotingBook extends OrderBook {
  noted: [side: BookSideName, price: number, size: number][] = [];

  override set(side: BookSideName, price: number, size: number): void {
    super.set(side, price, size);
    this.noted.push([side, price, size]);
  }
}

/** A market for a stand-in exchange: made of a seed, on this machine's clock, with the book that it really has. */
export class FakeMarket {
  readonly symbol: string;
  readonly #book = new NotingBook();
  readonly #simulated: SimulatedMarket;
  readonly #listeners = new Set<(happening: FakeMarketEvent) => void>();
  #events: ReturnType<SimulatedMarket["events"]>;
  #segment = 1;
  #next: { atMs: number; happening: Omit<FakeMarketEvent, "ms"> } | undefined;
  #zeroMs = 0;
  #tradeId = 1000;
  #timer: NodeJS.Timeout | undefined;

  constructor(symbol: string, seed: string | number = symbol) {
    this.symbol = symbol;
    this.#simulated = new SimulatedMarket({ symbol, seed });
    this.#simulated.opening(this.#segment).change?.(this.#book);
    this.#events = this.#simulated.events(this.#segment);
  }

  /** The book as it is. */
  get book(): OrderBook {
    return this.#book;
  }

  onEvent(listener: (happening: FakeMarketEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Goes on in real time from now. */
  run(): void {
    this.#zeroMs = Date.now() - (this.#segment * segmentMs - 100);
    this.#timer = setInterval(() => this.#advance(), 5);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Has the next `count` things happen at once, whatever the clock says. */
  step(count: number): void {
    for (let n = 0; n < count; n++) this.#happen(this.#take().happening);
  }

  #advance(): void {
    for (;;) {
      this.#next ??= this.#take();
      if (this.#zeroMs + this.#next.atMs > Date.now()) return;
      this.#happen(this.#next.happening);
      this.#next = undefined;
    }
  }

  #happen(happening: Omit<FakeMarketEvent, "ms">): void {
    for (const [price, size] of happening.bids) this.#book.set("bid", price, size);
    for (const [price, size] of happening.asks) this.#book.set("ask", price, size);
    const ms = Date.now();
    for (const listener of this.#listeners) listener({ ...happening, ms });
  }

  #take(): { atMs: number; happening: Omit<FakeMarketEvent, "ms"> } {
    for (;;) {
      const { value: event, done } = this.#events.next();
      if (done) {
        this.#segment++;
        this.#events = this.#simulated.events(this.#segment);
        continue;
      }
      const noting = new NotingBook();
      event.change?.(noting);
      const of = (side: BookSideName) =>
        noting.noted.flatMap(([its, price, size]): BookLevel[] => (its === side ? [[price, size]] : []));
      const trades = (event.trades ?? []).map(({ price, size, side }): FakeTrade => {
        return { id: this.#tradeId++, price, size, side: side === "sell" ? "sell" : "buy" };
      });
      if (of("bid").length + of("ask").length + trades.length === 0) continue;
      return { atMs: event.ns / 1e6, happening: { bids: of("bid"), asks: of("ask"), trades } };
    }
  }
}
