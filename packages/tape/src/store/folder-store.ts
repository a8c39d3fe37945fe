import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { tapeIdPattern } from "../tape-id.js";
import { ConcurrencyLimiter, TimeoutError } from "./concurrency-limiter.js";
import { errorCode, FolderReader, namesIn } from "./folder-reader.js";
import { makeFolders, removeEmptyFolders } from "./make-folders.js";
import { FileMissing, orUnavailable, type StagedVersion, type TapeStore, takenOver } from "./store.js";

/** A write that takes longer has failed: the folder hangs. A large tape takes long to sync. */
const writeMs = 60_000;
/**
 * One write at a time in a process. A write that hangs occupies one of its four threads for file access; with the reads that may hang too,
 * one is left that inflates blocks and looks up addresses.
 */
const oneWriter = new ConcurrencyLimiter(1, writeMs);

/** Begins with a dot, so no tape has this name. */
const segmentsFolder = ".parts";

/**
 * `{folder}/{id}/{version}/{file}`, and beside the versions:
 *
 *   current.json          which version the id stands for, and the highest number ever used
 *   .draft-{version}-{x}  a staged version, renamed to {version} when it is committed
 *   .deleted-{x}          a version that is being deleted
 *
 * `{folder}/.parts/{id}/` is the store of the segments of a live tape.
 */
export class FolderTapeStore implements TapeStore {
  readonly #folder: string;
  /** Shared with the stores of segments below this one. */
  readonly #reader: FolderReader;

  readonly #writer: ConcurrencyLimiter;

  constructor(folder: string, reader = new FolderReader(folder), writer = oneWriter) {
    this.#folder = folder;
    this.#reader = reader;
    this.#writer = writer;
  }

  async ids(): Promise<string[]> {
    const names = (await orUnavailable(this.#reader.names(this.#folder)))
      .filter((name) => tapeIdPattern.test(name))
      .sort();
    const current = await Promise.all(names.map((id) => this.current(id)));
    return names.filter((_, index) => current[index] !== undefined);
  }

  async current(id: string): Promise<number | undefined> {
    return (await orUnavailable(this.#versionPointer(id))).current ?? undefined;
  }

  async versions(id: string): Promise<number[]> {
    const names = await orUnavailable(this.#reader.names(join(this.#folder, id)));
    return names
      .filter((name) => /^[1-9]\d*$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  read(id: string, version: number, file: string): Promise<Buffer> {
    return orUnavailable(this.#reader.file(this.#path(id, version, file)));
  }

  readRange(id: string, version: number, file: string, offset: number, length: number): Promise<Buffer> {
    return orUnavailable(this.#reader.range(this.#path(id, version, file), offset, length));
  }

  begin(id: string): Promise<StagedVersion> {
    return this.#writing(() => this.#begin(id));
  }

  async #begin(id: string): Promise<StagedVersion> {
    // A version written into the mount point of a missing volume would be lost when the volume is mounted.
    await orUnavailable(this.#reader.assertMounted());
    const tapeFolder = join(this.#folder, id);
    const topmostNew = await makeFolders(tapeFolder);
    const removeFolders = async () => {
      if (await removeEmptyFolders(tapeFolder, topmostNew ?? tapeFolder)) await this.#reader.afterRemoval();
    };
    try {
      return await this.#beginIn(tapeFolder, id, removeFolders);
    } catch (error) {
      await removeFolders();
      throw error;
    }
  }

  async #beginIn(tapeFolder: string, id: string, removeFolders: () => Promise<void>): Promise<StagedVersion> {
    for (const name of await namesIn(tapeFolder)) {
      if (/^\.(draft|deleted)-/.test(name) || name.endsWith(".tmp")) await removeAll(join(tapeFolder, name));
    }
    const { highest } = await this.#versionPointer(id);
    const version = Math.max(highest, ...(await this.versions(id))) + 1;
    const folder = join(tapeFolder, `.draft-${version}-${randomBytes(6).toString("hex")}`);
    await makeFolders(folder); // all of it: another staged version that was discarded may have removed an empty tape folder
    const putInPlace = async () => {
      // Written first, so that a full disk is noticed while there is nothing to take back.
      const replacePointer = await this.#prepareVersionPointer(id, { current: version, highest: version });
      await rename(folder, join(tapeFolder, String(version)));
      await replacePointer();
    };
    const write = <T>(task: () => Promise<T>) => this.#writing(task);
    return new FolderStagedVersion(version, folder, { putInPlace, removeFolders, write });
  }

  delete(id: string, version: number): Promise<void> {
    return this.#writing(() => this.#delete(id, version));
  }

  async #delete(id: string, version: number): Promise<void> {
    const versions = await this.versions(id);
    if (!versions.includes(version)) throw new FileMissing(`there is no version ${version} of ${id}`);
    const { highest } = await this.#versionPointer(id);
    const left = versions.filter((other) => other !== version);
    await (await this.#prepareVersionPointer(id, { current: left.at(-1) ?? null, highest }))();
    // Renamed first, so that no reader finds half a tape.
    const deleted = join(this.#folder, id, `.deleted-${randomBytes(6).toString("hex")}`);
    await rename(join(this.#folder, id, String(version)), deleted);
    await removeAll(deleted);
  }

  async erase(id: string): Promise<void> {
    for (const version of await this.versions(id)) await this.delete(id, version);
    await this.#writing(() => removeAll(join(this.#folder, id)));
    await this.#reader.afterRemoval();
  }

  segments(tape: string): TapeStore {
    return new FolderTapeStore(join(this.#folder, segmentsFolder, tape), this.#reader, this.#writer);
  }

  async tapesWithSegments(): Promise<string[]> {
    const names = await orUnavailable(this.#reader.names(join(this.#folder, segmentsFolder)));
    return names.filter((name) => tapeIdPattern.test(name)).sort();
  }

  eraseSegments(tape: string): Promise<void> {
    return this.#writing(() => removeAll(join(this.#folder, segmentsFolder, tape)));
  }

  /** A write with a deadline; it may still end after that. */
  async #writing<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await this.#writer.run(task);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      throw new Error(`${this.#folder} hangs: a write was given up (${error.message})`, { cause: error });
    }
  }

  #path(id: string, version: number, file: string): string {
    return join(this.#folder, id, String(version), file);
  }

  /** If `current.json` is missing or broken, the newest version is the current one. */
  async #versionPointer(id: string): Promise<VersionPointer> {
    try {
      return versionPointer.parse(JSON.parse(await this.#reader.text(join(this.#folder, id, "current.json"))));
    } catch (error) {
      if (!["", "ENOENT", "ENOTDIR"].includes(errorCode(error))) throw error;
      const newest = (await this.versions(id)).at(-1);
      return { current: newest ?? null, highest: newest ?? 0 };
    }
  }

  /** Writes the new `current.json` beside the old one, and resolves to the function that replaces it. */
  async #prepareVersionPointer(id: string, value: VersionPointer): Promise<() => Promise<void>> {
    const path = join(this.#folder, id, "current.json");
    const fresh = `${path}.${randomBytes(6).toString("hex")}.tmp`;
    await writeFile(fresh, `${JSON.stringify(value)}\n`, { flush: true });
    return () => rename(fresh, path);
  }
}

const versionPointer = z.object({ current: z.int().positive().nullable(), highest: z.int().nonnegative() });
type VersionPointer = z.infer<typeof versionPointer>;

interface StagedVersionStore {
  putInPlace(): Promise<void>;
  /** Removes the folders that were made for this version, once it is discarded. */
  removeFolders(): Promise<void>;
  /** Runs a write with a deadline. */
  write<T>(task: () => Promise<T>): Promise<T>;
}

class FolderStagedVersion implements StagedVersion {
  readonly version: number;
  readonly #folder: string;
  readonly #store: StagedVersionStore;
  readonly #files = new Map<string, FileHandle>();

  constructor(version: number, folder: string, store: StagedVersionStore) {
    this.version = version;
    this.#folder = folder;
    this.#store = store;
  }

  append(file: string, bytes: Uint8Array): Promise<void> {
    return this.#store.write(() => this.#append(file, bytes));
  }

  async #append(file: string, bytes: Uint8Array): Promise<void> {
    let handle = this.#files.get(file);
    if (handle === undefined) {
      handle = await orTakenOver(open(join(this.#folder, file), "ax"));
      this.#files.set(file, handle);
    }
    await handle.writeFile(bytes);
  }

  commit(): Promise<void> {
    return this.#store.write(() => this.#commit());
  }

  async #commit(): Promise<void> {
    for (const handle of this.#files.values()) await handle.sync();
    for (const handle of this.#files.values()) await handle.close();
    this.#files.clear();
    await orTakenOver(this.#store.putInPlace());
  }

  discard(): Promise<void> {
    return this.#store.write(() => this.#discard());
  }

  async #discard(): Promise<void> {
    const handles = [...this.#files.values()];
    this.#files.clear();
    await Promise.allSettled(handles.map((handle) => handle.close()));
    await removeAll(this.#folder);
    await this.#store.removeFolders();
  }
}

/** The folder of a staged version disappears, or its version exists already, only if another writer has begun the same tape. */
async function orTakenOver<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    if (!["ENOENT", "EEXIST", "ENOTEMPTY"].includes(errorCode(error))) throw error;
    throw takenOver(error);
  }
}

function removeAll(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}
