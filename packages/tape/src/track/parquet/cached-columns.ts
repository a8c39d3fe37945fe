import type { GroupPart } from "./row-group-parts.js";

/** Decoded columns of a row group, in a cache. */
export class CachedColumns<Columns = unknown> {
  readonly columns: Columns;
  /** Bytes they take in memory. */
  readonly size: number;
  readonly #part: object;

  constructor(part: GroupPart<Columns>, columns: Columns) {
    this.#part = part;
    this.columns = columns;
    this.size = part.sizeOf(columns);
  }

  /** Whether these are the columns that the part has. */
  areOf<Wanted>(part: GroupPart<Wanted>): this is CachedColumns<Wanted> {
    return this.#part === part;
  }
}
