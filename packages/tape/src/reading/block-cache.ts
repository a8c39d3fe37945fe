import { LRUCache } from "lru-cache";
import type { Block } from "../tape.js";
import { CachedColumns, type ColumnsKind } from "../track/parquet/cached-columns.js";

/** In a smaller cache a single message could need more blocks at once than fit. */
export const minCacheBytes = 8 * 1024 * 1024;

/**
 * Decompressed blocks of all tapes of a process, and columns of their event tracks, together bounded in bytes. The least recently used
 * one is evicted first.
 */
export class BlockCache {
  readonly #held: LRUCache<number, Block | CachedColumns>;
  readonly #loading = new Map<number, Promise<Block>>();
  readonly #loadingColumns = new Map<number, Promise<CachedColumns>>();
  #tapes = 0;
  /** Lookups that found their block, and blocks that had to be read, since the process started. */
  hits = 0;
  misses = 0;

  constructor(bytes: number) {
    if (!(bytes >= minCacheBytes)) throw new RangeError(`a block cache needs at least ${minCacheBytes} bytes`);
    this.#held = new LRUCache({ maxSize: bytes, sizeCalculation: ({ size }) => size });
  }

  /** Bytes in use. */
  get bytes(): number {
    return this.#held.calculatedSize;
  }

  /** A range of keys for one opened tape: block n has the key of its tape plus n. */
  newTape(): number {
    return this.#tapes++ * 2 ** 24;
  }

  // HOT: the key is a number, since a string would be allocated for each lookup.
  get(key: number): Block | undefined {
    const block = this.#held.get(key);
    if (block === undefined || block instanceof CachedColumns) return undefined;
    this.hits++;
    return block;
  }

  /** Stores a block that was produced together with another one. */
  put(key: number, block: Block): void {
    this.#held.set(key, block);
  }

  /**
   * The block, read by `read` if it is not cached. Concurrent callers share one read. Not `fetchMethod` of lru-cache: there `put`, which a
   * simulated tape calls for blocks that are being loaded, would abort the load.
   */
  load(key: number, read: () => Promise<Block>): Promise<Block> {
    const block = this.get(key);
    if (block !== undefined) return Promise.resolve(block);
    const loading = this.#loading.get(key) ?? this.#read(key, read);
    this.#loading.set(key, loading);
    return loading;
  }

  /** The columns, read by `read` if they are not cached. Concurrent callers share one read. */
  async loadColumns<Columns>(kind: ColumnsKind<Columns>, key: number, read: () => Promise<Columns>): Promise<Columns> {
    const held = this.#held.get(key);
    if (held instanceof CachedColumns && held.areOf(kind)) return held.columns;
    const loading = this.#loadingColumns.get(key) ?? this.#readColumns(kind, key, read);
    const loaded = await loading;
    return loaded.areOf(kind) ? loaded.columns : read();
  }

  /** Stores columns that were read for another reason. */
  putColumns<Columns>(kind: ColumnsKind<Columns>, key: number, columns: Columns): CachedColumns {
    const made = new CachedColumns(kind, columns);
    this.#held.set(key, made);
    return made;
  }

  #readColumns<Columns>(kind: ColumnsKind<Columns>, key: number, read: () => Promise<Columns>): Promise<CachedColumns> {
    const reading = read().then((columns) => this.putColumns(kind, key, columns));
    this.#loadingColumns.set(key, reading);
    const forget = () => this.#loadingColumns.delete(key);
    reading.then(forget, forget);
    return reading;
  }

  async #read(key: number, read: () => Promise<Block>): Promise<Block> {
    this.misses++;
    try {
      const block = await read();
      this.#held.set(key, block);
      return block;
    } finally {
      this.#loading.delete(key);
    }
  }
}
