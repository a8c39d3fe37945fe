/** An action at one millisecond of a segment. */
export interface ScheduledAct<Act> {
  readonly atMs: number;
  readonly act: Act;
}

/** The actions of a millisecond, in this order. `scheduled`: on the way, by others. */
interface Slot<Act> {
  readonly incidents: Act[];
  readonly orders: Act[];
  readonly scheduled: Act[];
}

/** What is done to a segment deliberately, by time. */
export class Agenda<Act> {
  readonly #incidents: readonly ScheduledAct<Act>[];
  readonly #slots = new Map<number, Slot<Act>>();

  /** @param orders of the user */
  constructor(incidents: readonly ScheduledAct<Act>[], orders: readonly ScheduledAct<Act>[]) {
    this.#incidents = incidents;
    for (const { atMs, act } of incidents) this.#slot(atMs).incidents.push(act);
    for (const { atMs, act } of orders) this.#slot(atMs).orders.push(act);
  }

  /** The same with other orders of the user. */
  copy(orders: readonly ScheduledAct<Act>[]): Agenda<Act> {
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

  #slot(ms: number): Slot<Act> {
    const known = this.#slots.get(ms);
    if (known !== undefined) return known;
    const slot: Slot<Act> = { incidents: [], orders: [], scheduled: [] };
    this.#slots.set(ms, slot);
    return slot;
  }
}
