import type { BookSideName } from "@tapedeck/market";
import type { ColumnValues, GroupValues } from "./parquet-file.js";
import type { EventState, TrackDecimals, TrackEvent } from "./track.js";

const initialRows = 1 << 14;
const sides: readonly BookSideName[] = ["bid", "ask"];

/** Price, size and side of each row, and the event that it belongs to. */
export class Levels {
  count = 0;
  event = new Uint32Array(initialRows);
  side = new Uint8Array(initialRows);
  price = new Float64Array(initialRows);
  size = new Float64Array(initialRows);

  // HOT: once per level of an imported update.
  add(event: number, side: BookSideName, price: number, size: number): void {
    const at = this.count++;
    if (at === this.event.length) this.#grow();
    this.event[at] = event;
    this.side[at] = side === "bid" ? 0 : 1;
    this.price[at] = price;
    this.size[at] = size;
  }

  clear(): void {
    this.count = 0;
  }

  #grow(): void {
    const length = 2 * this.event.length;
    const { event, side, price, size } = this;
    this.event = new Uint32Array(length);
    this.side = new Uint8Array(length);
    this.price = new Float64Array(length);
    this.size = new Float64Array(length);
    this.event.set(event);
    this.side.set(side);
    this.price.set(price);
    this.size.set(size);
  }
}

interface GroupInstrument {
  readonly exchange: string;
  readonly symbol: string;
  readonly decimals: TrackDecimals;
}

interface NumberedEvent {
  readonly event: TrackEvent;
  readonly state: EventState;
  readonly n: number;
  readonly isSnapshot: boolean;
}

/** Events of rows that wait for their row group to be full. */
export class Events {
  readonly #all: NumberedEvent[] = [];
  /** The first frame that shows each; those at the end are not shown yet. */
  readonly #seqs: number[] = [];

  get count(): number {
    return this.#all.length;
  }

  /** The last one that was added, even if its rows have been written since. */
  last: TrackEvent | undefined;

  add(event: TrackEvent, state: EventState, n: number, isSnapshot: boolean): void {
    this.last = event;
    this.#all.push({ event, state, n, isSnapshot });
  }

  /** Those since the last call are shown first by this frame. */
  shownBy(seq: number): void {
    while (this.#seqs.length < this.#all.length) this.#seqs.push(seq);
  }

  clear(): void {
    this.#all.length = this.#seqs.length = 0;
  }

  map<T>(value: (numbered: NumberedEvent) => T): T[] {
    return this.#all.map(value);
  }

  get seqs(): readonly number[] {
    return this.#seqs;
  }
}

/** The columns of one row group, by name: what belongs to an event is repeated for each of its rows. */
export class GroupRows {
  readonly #events: Events;
  readonly #rows: Levels;
  readonly #instrument: GroupInstrument;

  constructor(events: Events, rows: Levels, instrument: GroupInstrument) {
    this.#events = events;
    this.#rows = rows;
    this.#instrument = instrument;
  }

  /** The columns that all files have. */
  get market(): GroupValues {
    const { exchange, symbol, decimals } = this.#instrument;
    const { count, price, size } = this.#rows;
    return {
      exchange: new Array<string>(count).fill(exchange),
      symbol: new Array<string>(count).fill(symbol),
      timestamp: this.#whole(this.#events.map(({ event }) => event.timestampNs)),
      price: scaled(price, count, decimals.price),
      amount: scaled(size, count, decimals.size),
      n: this.#whole(this.#events.map(({ n }) => BigInt(n))),
      seq: this.#whole(this.#events.seqs.map(BigInt)),
    };
  }

  /** When and as which message an event was received, and what became of it. */
  get origin(): GroupValues {
    return {
      local_timestamp: this.#whole(this.#events.map(({ event }) => event.receivedNs)),
      heard: this.#whole(this.#events.map(({ event }) => BigInt(event.heard))),
      state: this.#each(this.#events.map(({ state }) => state)),
    };
  }

  /** The venue's update ids. */
  get ids(): GroupValues {
    const ids = (which: "first" | "last" | "previous") =>
      this.#each(
        this.#events.map(({ event }) => {
          const id = event.ids?.[which];
          return id === undefined ? undefined : BigInt(id);
        }),
      );
    return { first_id: ids("first"), last_id: ids("last"), previous_id: ids("previous") };
  }

  get isSnapshot(): ColumnValues {
    return this.#each(this.#events.map(({ isSnapshot }) => isSnapshot));
  }

  get side(): ColumnValues {
    const { side, count } = this.#rows;
    return Array.from({ length: count }, (_, at) => sides[side[at] ?? 0]);
  }

  /** @param prices one for each event */
  prices(prices: readonly (number | undefined)[]): ColumnValues {
    const scale = Number(`1e${this.#instrument.decimals.price}`);
    return this.#each(prices.map((price) => (price === undefined ? undefined : BigInt(Math.round(price * scale)))));
  }

  #whole(values: readonly bigint[]): BigInt64Array {
    const { event, count } = this.#rows;
    const column = new BigInt64Array(count);
    for (let at = 0; at < count; at++) column[at] = values[event[at] ?? 0] ?? 0n;
    return column;
  }

  #each<T>(values: readonly T[]): (T | undefined)[] {
    const { event, count } = this.#rows;
    return Array.from({ length: count }, (_, at) => values[event[at] ?? 0]);
  }
}

/** Units of the last decimal. Exact as long as a number has no more than 15 digits. */
function scaled(values: Float64Array, count: number, decimals: number): BigInt64Array {
  const scale = Number(`1e${decimals}`);
  const column = new BigInt64Array(count);
  for (let at = 0; at < count; at++) column[at] = BigInt(Math.round((values[at] ?? 0) * scale));
  return column;
}

/** Undefined for infinities: there is no limit. */
export function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}
