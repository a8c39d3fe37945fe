import { OrderBook } from "@tapedeck/market";
import { decimalText, type FullBook, type TrackDecimals, type TrackedUpdate } from "@tapedeck/tape";

/** Price and quantity as decimals. */
export type LevelText = readonly [price: string, quantity: string];

/** Levels that an event changed; a quantity of 0 removed the level. */
export interface LevelChanges {
  readonly bids: readonly LevelText[];
  readonly asks: readonly LevelText[];
}

/** The book at the playhead. Prices and quantities in it are integers that count the last decimal. */
export class VenueBook {
  readonly decimals: TrackDecimals;
  readonly book = new OrderBook();
  /** The last event in it; -1 for none. */
  n: number;

  constructor({ n, bids, asks }: FullBook, decimals: TrackDecimals) {
    this.decimals = decimals;
    this.n = n;
    const [price, size] = [Number(`1e${decimals.price}`), Number(`1e${decimals.size}`)];
    const units = (levels: FullBook["bids"]) =>
      levels.map(([at, amount]) => [Math.round(at * price), Math.round(amount * size)] as const);
    this.book.replace(units(bids), units(asks));
  }

  // HOT: once per update.
  /** Applies an update. @returns what it changed, as bots have to hear it */
  apply(update: TrackedUpdate): LevelChanges {
    this.n = update.n;
    const bids: LevelText[] = [];
    const asks: LevelText[] = [];
    if (update.isSnapshot) this.#remove(update, bids, asks);
    for (const level of update.levels) {
      this.book.set(level.side, level.priceUnits, level.amountUnits);
      (level.side === "bid" ? bids : asks).push([level.price, level.amount]);
    }
    return { bids, asks };
  }

  /** A whole book does not name the levels that are gone. */
  #remove({ levels }: TrackedUpdate, bids: LevelText[], asks: LevelText[]): void {
    for (const [side, changes] of [
      [this.book.bids, bids],
      [this.book.asks, asks],
    ] as const) {
      const kept = new Set(levels.filter((level) => level.side === side.name).map(({ priceUnits }) => priceUnits));
      const none = this.quantity(0);
      for (const [price] of side.top(side.depth)) if (!kept.has(price)) changes.push([this.price(price), none]);
    }
    this.book.clear();
  }

  /** The best levels of both sides, best first. */
  top(count: number): LevelChanges {
    const texts = (side: OrderBook["bids"]) =>
      side.top(count).map(([price, size]): LevelText => [this.price(price), this.quantity(size)]);
    return { bids: texts(this.book.bids), asks: texts(this.book.asks) };
  }

  /** The middle of the best prices as a decimal; of a side alone its best price, and 0 without any. */
  get middle(): string {
    const { bids, asks, mid = bids.bestPrice ?? asks.bestPrice ?? 0 } = this.book;
    return (mid / Number(`1e${this.decimals.price}`)).toFixed(this.decimals.price + 1);
  }

  price(units: number): string {
    return decimalText(units, this.decimals.price);
  }

  quantity(units: number): string {
    return decimalText(units, this.decimals.size);
  }
}
