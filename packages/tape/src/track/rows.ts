import type { BookSideName } from "@tapedeck/market";
import { type CodedTexts, offsetsOf, type TypedValues } from "./parquet/column-values.js";
import { type EventState, eventStates, type TrackDecimals, type TrackEvent } from "./track.js";

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

type TypedGroup = Readonly<Record<string, TypedValues>>;

interface GroupInstrument {
  readonly exchange: string;
  readonly symbol: string;
  readonly decimals: TrackDecimals;
}

/**
 * Events of rows that wait for their row group to be full: what their columns need, and not the messages, whose levels would stay in memory
 * until then.
 */
export class Events {
  readonly timestamps: bigint[] = [];
  readonly received: bigint[] = [];
  readonly heard: number[] = [];
  readonly numbers: number[] = [];
  /** Places in `eventStates`. */
  readonly states: number[] = [];
  /** 1 for a whole book. */
  readonly snapshots: number[] = [];
  /** NaN for none, in all three. */
  readonly firstIds: number[] = [];
  readonly lastIds: number[] = [];
  readonly previousIds: number[] = [];
  /** The first frame that shows each; those at the end are not shown yet. */
  readonly seqs: number[] = [];
  /** The last one that was added, even if its rows have been written since. */
  last: TrackEvent | undefined;

  get count(): number {
    return this.numbers.length;
  }

  // HOT: once per message of an import.
  add(event: TrackEvent, state: EventState, n: number, isSnapshot: boolean): void {
    const { timestampNs, receivedNs, heard, ids } = event;
    this.last = event;
    this.timestamps.push(timestampNs);
    this.received.push(receivedNs);
    this.heard.push(heard);
    this.numbers.push(n);
    this.states.push(eventStates.indexOf(state));
    this.snapshots.push(isSnapshot ? 1 : 0);
    this.firstIds.push(ids?.first ?? Number.NaN);
    this.lastIds.push(ids?.last ?? Number.NaN);
    this.previousIds.push(ids?.previous ?? Number.NaN);
  }

  /** Those since the last call are shown first by this frame. */
  shownBy(seq: number): void {
    while (this.seqs.length < this.count) this.seqs.push(seq);
  }

  clear(): void {
    this.timestamps.length = this.received.length = this.heard.length = this.numbers.length = 0;
    this.states.length = this.snapshots.length = this.seqs.length = 0;
    this.firstIds.length = this.lastIds.length = this.previousIds.length = 0;
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
  get market(): TypedGroup {
    const { exchange, symbol, decimals } = this.#instrument;
    const { count, price, size } = this.#rows;
    return {
      exchange: { codes: new Uint8Array(count), texts: [exchange] },
      symbol: { codes: new Uint8Array(count), texts: [symbol] },
      timestamp: this.#times(this.#events.timestamps),
      price: scaled(price.subarray(0, count), decimals.price),
      amount: scaled(size.subarray(0, count), decimals.size),
      n: this.#numbers(this.#events.numbers),
      seq: this.#numbers(this.#events.seqs),
    };
  }

  /** When and as which message an event was received, and what became of it. */
  get origin(): TypedGroup {
    return {
      local_timestamp: this.#times(this.#events.received),
      heard: this.#numbers(this.#events.heard),
      state: { codes: this.#codes(this.#events.states), texts: eventStates },
    };
  }

  /** The venue's update ids. */
  get ids(): TypedGroup {
    const { firstIds, lastIds, previousIds } = this.#events;
    return {
      first_id: this.#numbers(firstIds),
      last_id: this.#numbers(lastIds),
      previous_id: this.#numbers(previousIds),
    };
  }

  get isSnapshot(): TypedValues {
    return this.#codes(this.#events.snapshots);
  }

  get side(): CodedTexts {
    const { side, count } = this.#rows;
    return { codes: side.subarray(0, count), texts: sides };
  }

  /** @param prices one for each event */
  prices(prices: readonly (number | undefined)[]): TypedValues {
    return scaled(this.#numbers(prices), this.#instrument.decimals.price);
  }

  /** @param flags one for each event */
  flags(flags: readonly (0 | 1)[]): TypedValues {
    return this.#codes(flags);
  }

  #times(times: readonly bigint[]): TypedValues {
    const found = offsetsOf(times);
    if (found !== undefined) return { base: found.base, offsets: this.#numbers(found.offsets) };
    const { event, count } = this.#rows;
    return BigInt64Array.from({ length: count }, (_, at) => times[event[at] ?? 0] ?? 0n);
  }

  /** Repeats what an event has for each of its rows; NaN for none. */
  #numbers(values: ArrayLike<number | undefined>): Float64Array {
    const { event, count } = this.#rows;
    const column = new Float64Array(count);
    for (let at = 0; at < count; at++) column[at] = values[event[at] ?? 0] ?? Number.NaN;
    return column;
  }

  #codes(codes: readonly number[]): Uint8Array {
    const { event, count } = this.#rows;
    const column = new Uint8Array(count);
    for (let at = 0; at < count; at++) column[at] = codes[event[at] ?? 0] ?? 0;
    return column;
  }
}

/** Units of the last decimal. Exact as long as a number has no more than 15 digits. */
function scaled(values: Float64Array, decimals: number): Float64Array {
  const scale = Number(`1e${decimals}`);
  return values.map((value) => Math.round(value * scale));
}

/** Undefined for infinities: there is no limit. */
export function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}
