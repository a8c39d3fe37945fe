import { StoreUnavailable } from "../errors.js";

/**
 * Where tapes are kept. A tape's version is a set of named files that appears all at once when it is committed, and never changes
 * afterwards. Reads reject with `StoreUnavailable` while the store cannot be read. `store.contract.ts` tests every implementation.
 */
export interface TapeStore {
  /** Ids of the tapes that have a finished version, sorted. */
  ids(): Promise<string[]>;
  /** The version that the id alone stands for; undefined if the tape does not exist. */
  current(id: string): Promise<number | undefined>;
  /** Finished versions, ascending. */
  versions(id: string): Promise<number[]>;
  /** A whole file. Rejects with `FileMissing`. */
  read(id: string, version: number, file: string): Promise<Buffer>;
  /** Bytes `offset` to `offset + length` of a file; fewer if the file ends before. Rejects with `FileMissing`. */
  readRange(id: string, version: number, file: string, offset: number, length: number): Promise<Buffer>;
  /**
   * Begins the next version, and removes what an interrupted writer of this id left behind. A staged version that another process
   * is still writing fails from then on, so of two writers of one id the later one wins.
   */
  begin(id: string): Promise<StagedVersion>;
  /**
   * Removes a finished version; its number is not used again. The newest remaining version becomes the current one. Rejects with
   * `FileMissing`.
   */
  delete(id: string, version: number): Promise<void>;
  /** Removes a tape and its version numbers, which may be used again. Does nothing if the tape does not exist. */
  erase(id: string): Promise<void>;
  /** The segments of a live tape: a store of their own, which no listing of this one includes. It is empty at first. */
  segments(tape: string): TapeStore;
  /** Ids of the live tapes that have segments, sorted. It may include a tape whose segments were all erased. */
  tapesWithSegments(): Promise<string[]>;
  /** Removes all segments of a tape. Does nothing if there are none. */
  eraseSegments(tape: string): Promise<void>;
}

/** A version that is being written. Readers do not see it before it is committed. */
export interface StagedVersion {
  readonly version: number;
  /** Appends to a file. One call at a time. */
  append(file: string, bytes: Uint8Array): Promise<void>;
  /** Makes the version visible and current, at once. */
  commit(): Promise<void>;
  /** Removes everything. May be called after a failure, and more than once. */
  discard(): Promise<void>;
}

export class FileMissing extends Error {
  override readonly name = "FileMissing";
}

/** A staged version fails with this when another writer has begun the same tape. */
export function takenOver(cause?: unknown): Error {
  return new Error("another import of the same tape has taken over", { cause });
}

/** Waits for a read of a store. Any failure but `FileMissing` becomes `StoreUnavailable`, which clients may see. */
export async function orUnavailable<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    throw error instanceof FileMissing ? error : new StoreUnavailable(error);
  }
}
