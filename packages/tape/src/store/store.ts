/**
 * Where tapes lie. A tape's version is a set of named files that appears all at once when its draft is published, and never
 * changes afterwards. What reads rejects with `StoreAway` while the store itself cannot be read. Implementations are held by `store.contract.ts`.
 */
export interface TapeStore {
  /** Ids of the tapes that have a finished version, sorted. */
  ids(): Promise<string[]>;
  /** The version that the id alone stands for; undefined where there is none. */
  current(id: string): Promise<number | undefined>;
  /** Finished versions, ascending. */
  versions(id: string): Promise<number[]>;
  /** A whole file. Rejects with `FileMissing`. */
  read(id: string, version: number, file: string): Promise<Buffer>;
  /** Bytes `offset` to `offset + length` of a file; fewer where it ends before. Rejects with `FileMissing`. */
  readRange(id: string, version: number, file: string, offset: number, length: number): Promise<Buffer>;
  /**
   * Begins the next version. What an interrupted draft of this id left behind is removed. A draft that is still being
   * written elsewhere fails from then on, so of two writers of one id the later one wins.
   */
  begin(id: string): Promise<StagedVersion>;
  /**
   * Removes a finished version; its number is not used again. The newest one left becomes the current one. Rejects with
   * `FileMissing`.
   */
  delete(id: string, version: number): Promise<void>;
  /** Removes a tape with all that is known of it: its numbers may come again. Does nothing where there is none. */
  erase(id: string): Promise<void>;
  /**
   * Where the parts of a tape lie that is still growing: tapes in a store of their own, in no listing of this one. There are
   * none at first.
   */
  segments(tape: string): TapeStore;
  /** Ids of the tapes that have parts, sorted; one whose parts were all erased may still be among them. */
  tapesWithSegments(): Promise<string[]>;
  /** Removes all parts of a tape. Does nothing where there is none. */
  eraseSegments(tape: string): Promise<void>;
}

/** A version on its way in, seen by nobody. */
export interface StagedVersion {
  readonly version: number;
  /** Appends to a file of the draft. One call at a time. */
  append(file: string, bytes: Uint8Array): Promise<void>;
  /** Makes the version visible and current, at once. */
  commit(): Promise<void>;
  /** Removes everything; also after a failure, and twice. */
  discard(): Promise<void>;
}

export class FileMissing extends Error {
  override readonly name = "FileMissing";
}
