import { randomBytes } from "node:crypto";
import { type FileHandle, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { tapeIdPattern } from "../tape-id.js";
import { ConcurrencyLimiter } from "./concurrency-limiter.js";
import { makeFolders, removeEmptyFolders } from "./make-folders.js";
import { orUnavailable } from "./reading.js";
import { FileMissing, type StagedVersion, type TapeStore } from "./store.js";

/** Silence after which a read is given up. */
const silentMs = 3_000;
/**
 * Reads at a time, of all stores of a process. Each that hangs, as on a network's file system whose server is away, keeps one of the
 * process's four threads for such work; the others inflate blocks and look up addresses.
 */
const readsAtOnce = 2;
const reads = new ConcurrencyLimiter(readsAtOnce, silentMs);

/** Begins with a dot, so no tape is called that. */
const partsFolder = ".parts";

/**
 * `{folder}/{id}/{version}/{file}`, and beside the versions:
 *
 *   current.json          which version the id stands for, and the highest number ever used
 *   .draft-{version}-{x}  a version on its way in, renamed to {version} when it is finished
 *   .deleted-{x}          a version on its way out
 *
 * `{folder}/.parts/{id}/` is the store of the parts of a tape that is still growing.
 */
export class FolderTapeStore implements TapeStore {
  readonly #folder: string;
  /** Of the store that this one is a part of. */
  readonly #root: Root;

  constructor(folder: string, root = new Root(folder)) {
    this.#folder = folder;
    this.#root = root;
  }

  async ids(): Promise<string[]> {
    const names = (await orUnavailable(this.#namesIn(this.#folder))).filter((name) => tapeIdPattern.test(name)).sort();
    const current = await Promise.all(names.map((id) => this.current(id)));
    return names.filter((_, index) => current[index] !== undefined);
  }

  async current(id: string): Promise<number | undefined> {
    return (await orUnavailable(this.#standing(id))).current ?? undefined;
  }

  async versions(id: string): Promise<number[]> {
    const names = await orUnavailable(this.#namesIn(join(this.#folder, id)));
    return names
      .filter((name) => /^[1-9]\d*$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  async read(id: string, version: number, file: string): Promise<Buffer> {
    return orUnavailable(this.#orMissing(() => readFile(this.#path(id, version, file))));
  }

  readRange(id: string, version: number, file: string, offset: number, length: number): Promise<Buffer> {
    return orUnavailable(this.#orMissing(() => readPart(this.#path(id, version, file), offset, length)));
  }

  async begin(id: string): Promise<StagedVersion> {
    // What is written where a volume is not mounted is lost when it is.
    await orUnavailable(this.#root.expect());
    const home = join(this.#folder, id);
    const made = await makeFolders(home);
    const leave = async () => {
      if (await removeEmptyFolders(home, made ?? home)) await this.#root.removed();
    };
    try {
      return await this.#beginIn(home, id, leave);
    } catch (error) {
      await leave();
      throw error;
    }
  }

  async #beginIn(home: string, id: string, leave: () => Promise<void>): Promise<StagedVersion> {
    for (const name of await namesIn(home)) {
      if (/^\.(draft|deleted)-/.test(name) || name.endsWith(".tmp")) await removeAll(join(home, name));
    }
    const { highest } = await this.#standing(id);
    const version = Math.max(highest, ...(await this.versions(id))) + 1;
    const folder = join(home, `.draft-${version}-${randomBytes(6).toString("hex")}`);
    await makeFolders(folder); // all of it: another draft that was given up may have taken an empty home along
    const putInPlace = async () => {
      // Written before, so that a full disk is met while there is nothing to take back.
      const makeCurrent = await this.#prepareStanding(id, { current: version, highest: version });
      await rename(folder, join(home, String(version)));
      await makeCurrent();
    };
    return new FolderDraft(version, folder, { putInPlace, leave });
  }

  async delete(id: string, version: number): Promise<void> {
    const versions = await this.versions(id);
    if (!versions.includes(version)) throw new FileMissing(`there is no version ${version} of ${id}`);
    const { highest } = await this.#standing(id);
    const left = versions.filter((other) => other !== version);
    await (await this.#prepareStanding(id, { current: left.at(-1) ?? null, highest }))();
    // Renamed first, so that no reader meets half a tape.
    const leaving = join(this.#folder, id, `.deleted-${randomBytes(6).toString("hex")}`);
    await rename(join(this.#folder, id, String(version)), leaving);
    await removeAll(leaving);
  }

  async erase(id: string): Promise<void> {
    for (const version of await this.versions(id)) await this.delete(id, version);
    await removeAll(join(this.#folder, id));
    await this.#root.removed();
  }

  segments(tape: string): TapeStore {
    return new FolderTapeStore(join(this.#folder, partsFolder, tape), this.#root);
  }

  async tapesWithSegments(): Promise<string[]> {
    const names = await orUnavailable(this.#namesIn(join(this.#folder, partsFolder)));
    return names.filter((name) => tapeIdPattern.test(name)).sort();
  }

  eraseSegments(tape: string): Promise<void> {
    return removeAll(join(this.#folder, partsFolder, tape));
  }

  /** None where the store is there, but not this folder of it. */
  async #namesIn(folder: string): Promise<string[]> {
    return (
      (await this.#look(async () => {
        const names = await namesIn(folder);
        return names.length === 0 ? undefined : names;
      })) ?? []
    );
  }

  async #orMissing<T>(read: () => Promise<T>): Promise<T> {
    const found = await this.#look(() => reads.run(() => orAbsent(read())));
    if (found === undefined) throw new FileMissing("no such file in the tape store");
    return found;
  }

  /**
   * What `find` finds; undefined where the store is there and that is not. A store that comes back between the look and the question
   * whether it is there has everything and showed nothing, so what is missing is looked for twice.
   */
  async #look<T>(find: () => Promise<T | undefined>): Promise<T | undefined> {
    for (let looks = 0; looks < 2; looks++) {
      const found = await find();
      if (found !== undefined) {
        this.#root.found();
        return found;
      }
      await this.#root.expect();
    }
    return undefined;
  }

  #path(id: string, version: number, file: string): string {
    return join(this.#folder, id, String(version), file);
  }

  /** Where `current.json` is missing or broken, the newest version is the current one. */
  async #standing(id: string): Promise<Standing> {
    try {
      const text = await reads.run(() => readFile(join(this.#folder, id, "current.json"), "utf8"));
      this.#root.found();
      return standing.parse(JSON.parse(text));
    } catch (error) {
      if (!["", "ENOENT", "ENOTDIR"].includes(codeOf(error))) throw error;
      const newest = (await this.versions(id)).at(-1);
      return { current: newest ?? null, highest: newest ?? 0 };
    }
  }

  async #prepareStanding(id: string, value: Standing): Promise<() => Promise<void>> {
    const path = join(this.#folder, id, "current.json");
    const fresh = `${path}.${randomBytes(6).toString("hex")}.tmp`;
    await writeFile(fresh, `${JSON.stringify(value)}\n`, { flush: true });
    return () => rename(fresh, path);
  }
}

const standing = z.object({ current: z.int().positive().nullable(), highest: z.int().nonnegative() });
type Standing = z.infer<typeof standing>;

interface DraftEnd {
  readonly putInPlace: () => Promise<void>;
  /** Removes the folders that were made for the draft, once it is gone. */
  readonly leave: () => Promise<void>;
}

class FolderDraft implements StagedVersion {
  readonly version: number;
  readonly #folder: string;
  readonly #end: DraftEnd;
  readonly #files = new Map<string, FileHandle>();

  constructor(version: number, folder: string, end: DraftEnd) {
    this.version = version;
    this.#folder = folder;
    this.#end = end;
  }

  async append(file: string, bytes: Uint8Array): Promise<void> {
    let handle = this.#files.get(file);
    if (handle === undefined) {
      handle = await orTakenOver(open(join(this.#folder, file), "ax"));
      this.#files.set(file, handle);
    }
    await handle.writeFile(bytes);
  }

  async commit(): Promise<void> {
    for (const handle of this.#files.values()) await handle.sync();
    for (const handle of this.#files.values()) await handle.close();
    this.#files.clear();
    await orTakenOver(this.#end.putInPlace());
  }

  async discard(): Promise<void> {
    const handles = [...this.#files.values()];
    this.#files.clear();
    await Promise.allSettled(handles.map((handle) => handle.close()));
    await removeAll(this.#folder);
    await this.#end.leave();
  }
}

async function readPart(path: string, offset: number, length: number): Promise<Buffer> {
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

async function orAbsent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The folder of a draft vanishes, or its version is there already, only when someone else has begun the same tape. */
async function orTakenOver<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    if (!["ENOENT", "EEXIST", "ENOTEMPTY"].includes(codeOf(error))) throw error;
    throw new Error("another import of the same tape has taken over", { cause: error });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await reads.run(() => readdir(folder));
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

/**
 * The folder in which a store lies. A store may well have nothing in it yet, or no folder; one that had something has it still: of
 * a volume that is not mounted any more there is nothing, or an empty folder in its place.
 */
class Root {
  readonly #folder: string;
  #used = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Something of the store was there. */
  found(): void {
    this.#used = true;
  }

  /** What the store itself has removed is not missed. */
  async removed(): Promise<void> {
    this.#used = !(await this.#isEmpty());
  }

  /** Throws where it had something, and has nothing. */
  async expect(): Promise<void> {
    if (!(await this.#isEmpty())) this.#used = true;
    else if (this.#used) throw new Error(`nothing is left in ${this.#folder}: it was removed, or is not mounted`);
  }

  async #isEmpty(): Promise<boolean> {
    return (await namesIn(this.#folder)).length === 0;
  }
}

function removeAll(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
