import { type BookLevel, type BookSideName, OrderBook, SimulatedMarket, segmentMs } from "@tapedeck/market";

/** One moment: trades, then changed levels (size 0: removed). */
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

/** Records which levels are set. */
class RecordingBook extends OrderBook {
  changed: [side: BookSideName, price: number, size: number][] = [];

  override set(side: BookSideName, price: number, size: number): void {
    super.set(side, price, size);
    this.changed.push([side, price, size]);
  }
}

/** A simulated market for a fake exchange: determined by a seed, on this machine's clock, with its true book. */
export class FakeMarket {
  readonly symbol: string;
  readonly #book = new RecordingBook();
  readonly #simulated: SimulatedMarket;
  readonly #listeners = new Set<(event: FakeMarketEvent) => void>();
  #events: ReturnType<SimulatedMarket["events"]>;
  #segment = 1;
  #next: { atMs: number; event: Omit<FakeMarketEvent, "ms"> } | undefined;
  #zeroMs = 0;
  #tradeId = 1000;
  #timer: NodeJS.Timeout | undefined;

  constructor(symbol: string, seed: string | number = symbol) {
    this.symbol = symbol;
    this.#simulated = new SimulatedMarket({ symbol, seed });
    this.#simulated.opening(this.#segment).change?.(this.#book);
    this.#events = this.#simulated.events(this.#segment);
  }

  /** The present book. */
  get book(): OrderBook {
    return this.#book;
  }

  onEvent(listener: (event: FakeMarketEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Runs in real time from now. */
  run(): void {
    this.#zeroMs = Date.now() - (this.#segment * segmentMs - 100);
    this.#timer = setInterval(() => this.#advance(), 5);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Emits the next `count` events at once, whatever the clock says. */
  step(count: number): void {
    for (let n = 0; n < count; n++) this.#emit(this.#take().event);
  }

  #advance(): void {
    for (;;) {
      this.#next ??= this.#take();
      if (this.#zeroMs + this.#next.atMs > Date.now()) return;
      this.#emit(this.#next.event);
      this.#next = undefined;
    }
  }

  #emit(event: Omit<FakeMarketEvent, "ms">): void {
    for (const [price, size] of event.bids) this.#book.set("bid", price, size);
    for (const [price, size] of event.asks) this.#book.set("ask", price, size);
    const ms = Date.now();
    for (const listener of this.#listeners) listener({ ...event, ms });
  }

  #take(): { atMs: number; event: Omit<FakeMarketEvent, "ms"> } {
    for (;;) {
      const { value: event, done } = this.#events.next();
      if (done) {
        this.#segment++;
        this.#events = this.#simulated.events(this.#segment);
        continue;
      }
      const changes = new RecordingBook();
      event.change?.(changes);
      const of = (side: BookSideName) =>
        changes.changed.flatMap(([its, price, size]): BookLevel[] => (its === side ? [[price, size]] : []));
      const trades = (event.trades ?? []).map(({ price, size, side }): FakeTrade => {
        return { id: this.#tradeId++, price, size, side: side === "sell" ? "sell" : "buy" };
      });
      if (of("bid").length + of("ask").length + trades.length === 0) continue;
      return { atMs: event.ns / 1e6, event: { bids: of("bid"), asks: of("ask"), trades } };
    }
  }
}
