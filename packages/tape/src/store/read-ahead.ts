import { LRUCache } from "lru-cache";

/** Bytes of one request to the store: some twenty blocks, a minute or two of playback. */
const windowBytes = 256 * 1024;
/** Bytes of windows that are kept. */
const keptBytes = 32 * 2 ** 20;

/** Reads a range of an object; fewer bytes if it ends before, undefined if it does not exist. */
type ReadRange = (key: string, offset: number, length: number) => Promise<Buffer | undefined>;

interface Window {
  readonly key: string;
  readonly index: number;
}

/**
 * Serves small reads out of large windows, for stores in which every request costs money and tens of milliseconds. Before a reader
 * reaches a window's end the next one is fetched, so that playback does not wait. Tapes never change, so no window grows stale.
 */
export class ReadAhead {
  /** Readers of one window share one request. A window that could not be fetched, or does not exist, is not kept. */
  readonly #windows: LRUCache<string, Buffer, Window>;

  constructor(readRange: ReadRange) {
    this.#windows = new LRUCache<string, Buffer, Window>({
      maxSize: keptBytes,
      sizeCalculation: ({ length }) => length + 256,
      fetchMethod: (_name, _stale, { context: { key, index } }) => readRange(key, index * windowBytes, windowBytes),
      ignoreFetchAbort: true, // a window that is pushed out while it is fetched still answers its readers
    });
  }

  async read(key: string, offset: number, length: number): Promise<Buffer | undefined> {
    // A range of an empty object is an error, which some stores never answer.
    if (length === 0) return Buffer.alloc(0);
    const first = Math.floor(offset / windowBytes);
    const last = Math.floor((offset + length - 1) / windowBytes);
    const windows = await Promise.all(
      Array.from({ length: last - first + 1 }, (_, nth) => this.#window(key, first + nth)),
    );
    const [whole] = windows;
    if (whole === undefined) return undefined;
    const objectEnds = windows.some((window) => window === undefined || window.length < windowBytes);
    if (!objectEnds && (offset + length) % windowBytes > windowBytes / 2) {
      this.#window(key, last + 1).catch(() => undefined); // the reader that needs it fetches it again, and gets the error
    }
    const bytes = windows.flatMap((window) => window ?? []);
    const from = offset - first * windowBytes;
    // A copy, so that a block in a cache does not keep a whole window in memory.
    return Buffer.from(
      bytes.length === 1 ? whole.subarray(from, from + length) : Buffer.concat(bytes).subarray(from, from + length),
    );
  }

  #window(key: string, index: number): Promise<Buffer | undefined> {
    return this.#windows.fetch(`${key} ${index}`, { context: { key, index } });
  }
}
