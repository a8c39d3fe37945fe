interface Interval {
  /** Nanoseconds since 1970; the end is exclusive. */
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly symbol: string;
}

/** The symbols of instrument ids: an id can be given to another instrument on another day. */
export class SymbolMap {
  readonly #intervals = new Map<number, Interval[]>();
  /** What the recording itself says, from there on. */
  readonly #learnt = new Map<number, string>();

  /**
   * @param first the first UTC day, as the number YYYYMMDD
   * @param end the day after the last one
   */
  add(id: number, first: number, end: number, symbol: string): void {
    const intervals = this.#intervals.get(id) ?? [];
    // Of two symbols for the same day the later one counts.
    intervals.unshift({ fromNs: midnightOf(first), toNs: midnightOf(end), symbol });
    this.#intervals.set(id, intervals);
  }

  learn(id: number, symbol: string): void {
    this.#learnt.set(id, symbol);
  }

  // HOT: once per record of an imported file.
  /** The symbol of an id at a time, nanoseconds since 1970; undefined if it has none. */
  symbolOf(id: number, ns: bigint): string | undefined {
    const intervals = this.#intervals.get(id);
    const found = intervals?.find(({ fromNs, toNs }) => fromNs <= ns && ns < toNs)?.symbol;
    return found ?? this.#learnt.get(id);
  }
}

function midnightOf(day: number): bigint {
  const ms = Date.UTC(Math.floor(day / 10_000), (Math.floor(day / 100) % 100) - 1, day % 100);
  return BigInt(Number.isNaN(ms) ? 0 : ms) * 1_000_000n;
}
