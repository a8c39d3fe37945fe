import type { MarketSegment } from "./market-segment.js";

/** It changes nothing but the market that it is given, so copies of a segment can share it. */
export type Act = (market: MarketSegment) => void;

/** A deliberate action on the market at one millisecond of a segment. */
export interface Intervention {
  readonly atMs: number;
  readonly act: Act;
}

/** The actions of a millisecond, in this order. `scheduled`: on the way, by others. */
interface Slot {
  readonly incidents: Act[];
  readonly orders: Act[];
  readonly scheduled: Act[];
}

/** What is done to a segment deliberately, by time. */
export class Agenda {
  readonly #incidents: readonly Intervention[];
  readonly #slots = new Map<number, Slot>();

  /** @param orders of the user */
  constructor(incidents: readonly Intervention[], orders: readonly Intervention[]) {
    this.#incidents = incidents;
    for (const { atMs, act } of incidents) this.#slot(atMs).incidents.push(act);
    for (const { atMs, act } of orders) this.#slot(atMs).orders.push(act);
  }

  /** The same with other orders of the user. */
  copy(orders: readonly Intervention[]): Agenda {
    const copy = new Agenda(this.#incidents, orders);
    for (const [ms, { scheduled }] of this.#slots) {
      if (scheduled.length > 0) copy.#slot(ms).scheduled.push(...scheduled);
    }
    return copy;
  }

  /** Schedules an action later in the segment. */
  schedule(ms: number, act: Act): void {
    this.#slot(ms).scheduled.push(act);
  }

  // HOT: once per millisecond of market time.
  /** Removes and returns the actions of a millisecond, in their order. */
  take(ms: number): readonly Act[] | undefined {
    const slot = this.#slots.size === 0 ? undefined : this.#slots.get(ms);
    if (slot === undefined) return undefined;
    this.#slots.delete(ms);
    return [...slot.incidents, ...slot.orders, ...slot.scheduled];
  }

  #slot(ms: number): Slot {
    const known = this.#slots.get(ms);
    if (known !== undefined) return known;
    const slot: Slot = { incidents: [], orders: [], scheduled: [] };
    this.#slots.set(ms, slot);
    return slot;
  }
}
