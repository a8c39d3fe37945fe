import type { BookSideName } from "@tapedeck/market";
import { type BookBatch, bookSides, type TradeBatch, tradeSides } from "./batches.js";
import { eventStates, type TrackDecimals, type TrackEvent } from "./track.js";
import type { TrackedEvent, TrackedLevel, TrackedTrade, TrackedUpdate } from "./track-reader.js";

/** Events that are handed over together: a promise for each of them would cost more than the event. */
const mostTogether = 64;

/** The events of batches of the book and of trades, in the order of their numbers, some at a time. */
export async function* eventsOfBatches(
  bookBatches: AsyncGenerator<BookBatch, void, undefined>,
  tradeBatches: AsyncGenerator<TradeBatch, void, undefined>,
  decimals: TrackDecimals,
): AsyncGenerator<readonly TrackedEvent[], void, undefined> {
  const updates = new EventCursor(bookBatches, (batch) => updatesOf(batch, decimals));
  const trades = new EventCursor(tradeBatches, (batch) => tradesOf(batch, decimals));
  try {
    await Promise.all([updates.load(), trades.load()]);
    for (;;) {
      const events: TrackedEvent[] = [];
      let ended: { load(): Promise<void> } | undefined;
      while (ended === undefined && events.length < mostTogether) {
        const { current: update } = updates;
        const { current: trade } = trades;
        const isUpdate = update !== undefined && (trade === undefined || update.n < trade.n);
        const event = isUpdate ? update : trade;
        if (event === undefined) break;
        events.push(event);
        const cursor = isUpdate ? updates : trades;
        if (!cursor.advance()) ended = cursor;
      }
      if (events.length === 0) return;
      yield events;
      await ended?.load();
    }
  } finally {
    await Promise.all([bookBatches.return(), tradeBatches.return()]);
  }
}

/** Each event of such lists. */
export async function* eachOf(
  lists: AsyncGenerator<readonly TrackedEvent[], void, undefined>,
): AsyncGenerator<TrackedEvent, void, undefined> {
  for await (const events of lists) yield* events;
}

/** Walks over the events of batches. */
class EventCursor<Batch, Event> {
  /** Undefined: there are no more, or the next batch has to be loaded. */
  current: Event | undefined;
  readonly #batches: AsyncGenerator<Batch, void, undefined>;
  readonly #eventsOf: (batch: Batch) => Promise<Iterator<Event>>;
  #events: Iterator<Event> | undefined;

  constructor(batches: AsyncGenerator<Batch, void, undefined>, eventsOf: (batch: Batch) => Promise<Iterator<Event>>) {
    this.#batches = batches;
    this.#eventsOf = eventsOf;
  }

  /** @returns false where the batch ends: then `load` goes on */
  advance(): boolean {
    const next = this.#events?.next();
    this.current = next === undefined || next.done ? undefined : next.value;
    return this.current !== undefined;
  }

  async load(): Promise<void> {
    do {
      const { done, value: batch } = await this.#batches.next();
      this.#events = undefined;
      if (done) return;
      this.#events = await this.#eventsOf(batch);
    } while (!this.advance());
  }
}

async function updatesOf(batch: BookBatch, decimals: TrackDecimals): Promise<Iterator<TrackedUpdate>> {
  const { rows, n, seq, state, timestamp, isSnapshot, side, price, amount } = batch;
  const { heard, localTimestamp, firstId, lastId, previousId } = await batch.origin();
  return (function* () {
    for (let at = 0; at < rows; ) {
      const first = at;
      const levels: TrackedLevel[] = [];
      for (; at < rows && n[at] === n[first]; at++) {
        levels.push(new Level(bookSides[side[at] ?? 0] ?? "bid", price[at] ?? 0, amount[at] ?? 0, decimals));
      }
      const update: TrackedUpdate = {
        kind: "book",
        n: n[first] ?? 0,
        seq: seq[first] ?? 0,
        heard: heard[first] ?? 0,
        state: eventStates[state[first] ?? 0] ?? "applied",
        timestampNs: timestamp[first] ?? 0n,
        receivedNs: localTimestamp[first] ?? 0n,
        isSnapshot: isSnapshot[first] === 1,
        ids: idsOf(firstId[first], lastId[first], previousId[first]),
        levels,
      };
      yield update;
    }
  })();
}

async function tradesOf(batch: TradeBatch, decimals: TrackDecimals): Promise<Iterator<TrackedTrade>> {
  const { rows, n, seq, state, timestamp, side, price, amount, own } = batch;
  const { heard, localTimestamp, id } = await batch.origin();
  return (function* () {
    for (let at = 0; at < rows; at++) {
      const trade: TrackedTrade = {
        kind: "trade",
        n: n[at] ?? 0,
        seq: seq[at] ?? 0,
        heard: heard[at] ?? 0,
        state: eventStates[state[at] ?? 0] ?? "applied",
        timestampNs: timestamp[at] ?? 0n,
        receivedNs: localTimestamp[at] ?? 0n,
        id: id[at] || undefined,
        side: tradeSides[side[at] ?? 0] ?? "unknown",
        priceUnits: price[at] ?? 0,
        amountUnits: amount[at] ?? 0,
        price: decimalText(price[at] ?? 0, decimals.price),
        amount: decimalText(amount[at] ?? 0, decimals.size),
      };
      yield own?.[at] === 1 ? { ...trade, own: true } : trade;
    }
  })();
}

/** A level of an update, whose texts are made when they are asked for: most readers need the numbers only. */
class Level implements TrackedLevel {
  readonly side: BookSideName;
  readonly priceUnits: number;
  readonly amountUnits: number;
  readonly #decimals: TrackDecimals;

  constructor(side: BookSideName, priceUnits: number, amountUnits: number, decimals: TrackDecimals) {
    this.side = side;
    this.priceUnits = priceUnits;
    this.amountUnits = amountUnits;
    this.#decimals = decimals;
  }

  get price(): string {
    return decimalText(this.priceUnits, this.#decimals.price);
  }

  get amount(): string {
    return decimalText(this.amountUnits, this.#decimals.size);
  }
}

/** `280001` with one decimal is `28000.1`. @param units a whole number of at most 15 digits */
export function decimalText(units: number, decimals: number): string {
  if (decimals === 0) return String(units);
  const digits = String(Math.abs(units)).padStart(decimals + 1, "0");
  const point = digits.length - decimals;
  return `${units < 0 ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
}

function idsOf(first = Number.NaN, last = Number.NaN, previous = Number.NaN): TrackEvent["ids"] {
  if (Number.isNaN(last)) return undefined;
  return { ...(!Number.isNaN(first) && { first }), last, ...(!Number.isNaN(previous) && { previous }) };
}
