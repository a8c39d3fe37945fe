import { open, readdir, readFile, stat } from "node:fs/promises";
import { ConcurrencyLimiter } from "./concurrency-limiter.js";
import { FileMissing } from "./store.js";

const deadlineMs = 3_000;
/**
 * Reads at a time, of all stores of a process. A read that hangs, as on a network file system whose server is gone, occupies one of
 * the process's four threads for file access; the others inflate blocks and look up addresses.
 */
const concurrentReads = 2;
const limiter = new ConcurrencyLimiter(concurrentReads, deadlineMs);

/**
 * Reads the files below one root folder, and tells a missing file from a missing store. A new store may have no folder yet, or an empty
 * one; a store that once had content still has it, so an empty or missing root then means that its volume is not mounted.
 */
export class FolderReader {
  readonly #root: string;
  readonly #mustExist: boolean;
  #hadContent = false;

  /** @param mustExist whether a root that does not exist is a volume that is not mounted, and not a new store */
  constructor(root: string, { mustExist = false }: { readonly mustExist?: boolean } = {}) {
    this.#root = root;
    this.#mustExist = mustExist;
  }

  /** Names in a folder; none if the store is there, but not this folder of it. */
  async names(folder: string): Promise<string[]> {
    const found = await this.#find(async () => {
      const names = await namesIn(folder);
      return names.length === 0 ? undefined : names;
    });
    return found ?? [];
  }

  /** A whole file. Rejects with `FileMissing`. */
  file(path: string): Promise<Buffer> {
    return this.#orMissing(() => readFile(path));
  }

  /** Bytes `offset` to `offset + length` of a file; fewer if it ends before. Rejects with `FileMissing`. */
  range(path: string, offset: number, length: number): Promise<Buffer> {
    return this.#orMissing(() => readRange(path, offset, length));
  }

  /** A file's text without the check for a missing store; rejects as `readFile` does. */
  async text(path: string): Promise<string> {
    const text = await limiter.run(() => readFile(path, "utf8"));
    this.#hadContent = true;
    return text;
  }

  /** Throws if the store once had content, and has none now, or does not exist although it must. */
  async assertMounted(): Promise<void> {
    if (this.#mustExist) await limiter.run(() => stat(this.#root));
    if (!(await this.#isEmpty())) this.#hadContent = true;
    else if (this.#hadContent) throw new Error(`nothing is left in ${this.#root}: it was removed, or is not mounted`);
  }

  /** After the store itself has removed something: an empty root is expected then. */
  async afterRemoval(): Promise<void> {
    this.#hadContent = !(await this.#isEmpty());
  }

  async #orMissing<T>(read: () => Promise<T>): Promise<T> {
    const found = await this.#find(() => limiter.run(() => orAbsent(read())));
    if (found === undefined) throw new FileMissing("no such file in the tape store");
    return found;
  }

  /**
   * What `find` finds; undefined if the store is mounted and lacks it. A store may come back between `find` and the check whether it
   * is mounted, so a missing file is looked for twice.
   */
  async #find<T>(find: () => Promise<T | undefined>): Promise<T | undefined> {
    for (let attempt = 0; attempt < 2; attempt++) {
      const found = await find();
      if (found !== undefined) {
        this.#hadContent = true;
        return found;
      }
      await this.assertMounted();
    }
    return undefined;
  }

  async #isEmpty(): Promise<boolean> {
    return (await namesIn(this.#root)).length === 0;
  }
}

/** Names in a folder; none if the folder does not exist. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await limiter.run(() => readdir(folder));
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return [];
    throw error;
  }
}

/** The system's code of an error, such as ENOENT; empty if it has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

async function readRange(path: string, offset: number, length: number): Promise<Buffer> {
  const handle = await open(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

async function orAbsent<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
