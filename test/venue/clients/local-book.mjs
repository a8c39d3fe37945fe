// The local book that Binance's documentation describes, for clients that have the streams and keep none themselves.

/** Levels of each side that are told. */
const levels = 20;

export class LocalBook {
  #isSpot;
  #snapshot;
  #bids = new Map();
  #asks = new Map();
  #lastId = 0;
  /** Updates that wait for a snapshot; undefined while the book is in sync. */
  #waiting;

  /**
   * @param {boolean} isSpot futures' updates name the one before them
   * @param {() => Promise<{ lastUpdateId: number, bids: string[][], asks: string[][] }>} snapshot
   */
  constructor(isSpot, snapshot) {
    this.#isSpot = isSpot;
    this.#snapshot = snapshot;
  }

  /** The best levels, once there is a book. */
  get best() {
    if (this.#lastId === 0 || this.#waiting !== undefined) return { bids: [], asks: [] };
    const sorted = (side, sign) => [...side].sort(([a], [b]) => sign * (a - b)).slice(0, levels);
    return { bids: sorted(this.#bids, -1), asks: sorted(this.#asks, 1) };
  }

  /** @param update a `depthUpdate` */
  hear(update) {
    if (this.#waiting !== undefined) {
      this.#waiting.push(update);
    } else if (update.u < this.#lastId) {
      return; // another connection has told it
    } else if (this.#follows(update)) {
      this.#apply(update);
    } else {
      this.#waiting = [update];
      void this.#synchronize();
    }
  }

  #follows({ U, u, pu }) {
    if (this.#lastId === 0) return false;
    if (this.#isSpot) return U <= this.#lastId + 1;
    return pu === this.#lastId || (U <= this.#lastId && u >= this.#lastId);
  }

  #apply({ b, a, u }) {
    for (const [side, changed] of [
      [this.#bids, b],
      [this.#asks, a],
    ]) {
      for (const [price, size] of changed) {
        if (Number(size) === 0) side.delete(Number(price));
        else side.set(Number(price), Number(size));
      }
    }
    this.#lastId = u;
  }

  /** Begins with a snapshot that is not older than the first update, and applies those that are later than it. */
  async #synchronize() {
    for (;;) {
      const { lastUpdateId, bids, asks } = await this.#snapshot().catch(() => ({ lastUpdateId: -1 }));
      const waiting = this.#waiting;
      if (lastUpdateId < waiting[0].U - 1) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        continue;
      }
      this.#bids = new Map(bids.map((level) => level.map(Number)));
      this.#asks = new Map(asks.map((level) => level.map(Number)));
      this.#lastId = lastUpdateId;
      this.#waiting = undefined;
      for (const update of waiting.filter(({ u }) => (this.#isSpot ? u > lastUpdateId : u >= lastUpdateId)))
        this.hear(update);
      return;
    }
  }
}
