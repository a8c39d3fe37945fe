import type { FrameLog, LoggedFrame } from "./frame-log";

/**
 * Something that frames carry (trades, anomalies) as one list, kept in step with the log by looking at what is new. Bounded like
 * the log itself.
 */
export class DerivedList<Item> {
  readonly capacity: number;
  /** Raised when items other than at the end have changed. */
  revision = 0;
  #log: FrameLog;
  #take: (logged: LoggedFrame) => readonly Item[];
  #items: Item[] = [];
  #seenRevision = -1;
  #seenAppended = 0;

  constructor(log: FrameLog, capacity: number, take: (logged: LoggedFrame) => readonly Item[]) {
    this.#log = log;
    this.capacity = capacity;
    this.#take = take;
  }

  /** Oldest first. Brings the list up to date. */
  get items(): readonly Item[] {
    const log = this.#log;
    const afresh = log.revision !== this.#seenRevision;
    if (afresh) {
      this.#items = [];
      this.#seenRevision = log.revision;
      this.revision++;
    }
    const fresh = afresh ? log.length : Math.min(log.length, log.appended - this.#seenAppended);
    for (let index = log.length - fresh; index < log.length; index++) {
      const logged = log.at(index);
      if (logged) this.#items.push(...this.#take(logged));
    }
    this.#seenAppended = log.appended;
    if (this.#items.length > this.capacity * 1.25) this.#items.splice(0, this.#items.length - this.capacity);
    return this.#items;
  }
}
