import { LRUCache } from "lru-cache";

/** Bytes asked of the store at once: some twenty blocks, a minute or two of playing. */
const windowBytes = 256 * 1024;
/** Bytes of such windows that are kept. */
const keptBytes = 32 * 2 ** 20;

/** Reads a range of an object; fewer bytes where it ends before, undefined where there is none. */
export type ReadRange = (key: string, offset: number, length: number) => Promise<Buffer | undefined>;

/**
 * Small reads out of large windows, for stores in which every request costs tens of milliseconds, and money. A reader that comes
 * near a window's end has the next one fetched, so that playing on never waits. What is read never changes, so nothing grows stale.
 */
export class ReadAhead {
  readonly #fetch: ReadRange;
  readonly #windows = new LRUCache<string, Buffer>({
    maxSize: keptBytes,
    sizeCalculation: ({ length }) => length + 256,
  });
  readonly #underWay = new Map<string, Promise<Buffer | undefined>>();

  constructor(fetch: ReadRange) {
    this.#fetch = fetch;
  }

  async read(key: string, offset: number, length: number): Promise<Buffer | undefined> {
    const first = Math.floor(offset / windowBytes);
    const last = Math.floor((offset + Math.max(1, length) - 1) / windowBytes);
    const windows = await Promise.all(
      Array.from({ length: last - first + 1 }, (_, index) => this.#window(key, first + index)),
    );
    const [whole] = windows;
    if (whole === undefined) return undefined;
    const end = windows.findIndex((window) => window === undefined || window.length < windowBytes);
    const bytes = windows.flatMap((window) => window ?? []);
    if (end < 0 && (offset + length) % windowBytes > windowBytes / 2) {
      this.#window(key, last + 1).catch(() => undefined); // whoever needs it asks again and is told
    }
    const from = offset - first * windowBytes;
    // A copy, so that a block in a cache does not hold a whole window in memory.
    return Buffer.from(
      bytes.length === 1 ? whole.subarray(from, from + length) : Buffer.concat(bytes).subarray(from, from + length),
    );
  }

  async #window(key: string, index: number): Promise<Buffer | undefined> {
    const name = `${key} ${index}`;
    const known = this.#windows.get(name);
    if (known !== undefined) return known;
    const underWay = this.#underWay.get(name);
    if (underWay !== undefined) return underWay;
    const fetching = this.#fetch(key, index * windowBytes, windowBytes)
      .then((window) => {
        if (window !== undefined) this.#windows.set(name, window);
        return window;
      })
      .finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, fetching);
    return fetching;
  }
}
