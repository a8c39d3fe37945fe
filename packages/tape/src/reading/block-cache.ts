import { LRUCache } from "lru-cache";
import type { Block } from "../tape.js";

/** In a smaller cache a single message could need more blocks at once than fit. */
export const minCacheBytes = 8 * 1024 * 1024;

/** Decompressed blocks of all tapes of a process, bounded in bytes. The least recently used one is evicted first. */
export class BlockCache {
  readonly #blocks: LRUCache<number, Block>;
  readonly #loading = new Map<number, Promise<Block>>();
  #tapes = 0;
  /** Lookups that found their block, and blocks that had to be read, since the process started. */
  hits = 0;
  misses = 0;

  constructor(bytes: number) {
    if (!(bytes >= minCacheBytes)) throw new RangeError(`a block cache needs at least ${minCacheBytes} bytes`);
    this.#blocks = new LRUCache({ maxSize: bytes, sizeCalculation: (block) => block.size });
  }

  /** Bytes in use. */
  get bytes(): number {
    return this.#blocks.calculatedSize;
  }

  /** A range of keys for one opened tape: block n has the key of its tape plus n. */
  newTape(): number {
    return this.#tapes++ * 2 ** 24;
  }

  // HOT: the key is a number, since a string would be allocated for each lookup.
  get(key: number): Block | undefined {
    const block = this.#blocks.get(key);
    if (block !== undefined) this.hits++;
    return block;
  }

  /** Stores a block that was produced together with another one. */
  put(key: number, block: Block): void {
    this.#blocks.set(key, block);
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

  async #read(key: number, read: () => Promise<Block>): Promise<Block> {
    this.misses++;
    try {
      const block = await read();
      this.#blocks.set(key, block);
      return block;
    } finally {
      this.#loading.delete(key);
    }
  }
}
