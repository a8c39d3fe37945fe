/** Columns that are cached together. Two kinds are different objects. */
export interface ColumnsKind<Columns> {
  /** Bytes that they take in memory. */
  readonly sizeOf: (columns: Columns) => number;
}

/** Decoded columns of a part of an event track, in a cache. */
export class CachedColumns<Columns = unknown> {
  readonly columns: Columns;
  /** Bytes they take in memory. */
  readonly size: number;
  readonly #kind: object;

  constructor(kind: ColumnsKind<Columns>, columns: Columns) {
    this.#kind = kind;
    this.columns = columns;
    this.size = kind.sizeOf(columns);
  }

  /** Whether these are columns of that kind. */
  areOf<Wanted>(kind: ColumnsKind<Wanted>): this is CachedColumns<Wanted> {
    return this.#kind === kind;
  }
}
