import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Draft, FileMissing, type TapeStore } from "./store.js";
import { tapeIdPattern } from "./tape-id.js";

/**
 * `{folder}/{id}/{version}/{file}`, and beside the versions:
 *
 *   current.json          which version the id stands for, and the highest number ever used
 *   .draft-{version}-{x}  a version on its way in, renamed to {version} when it is finished
 *   .deleted-{x}          a version on its way out
 */
export class FolderTapeStore implements TapeStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async ids(): Promise<string[]> {
    const names = (await namesIn(this.#folder)).filter((name) => tapeIdPattern.test(name)).sort();
    const current = await Promise.all(names.map((id) => this.current(id)));
    return names.filter((_, index) => current[index] !== undefined);
  }

  async current(id: string): Promise<number | undefined> {
    return (await this.#standing(id)).current ?? undefined;
  }

  async versions(id: string): Promise<number[]> {
    const names = await namesIn(join(this.#folder, id));
    return names
      .filter((name) => /^[1-9]\d*$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  async read(id: string, version: number, file: string): Promise<Buffer> {
    return orMissing(readFile(this.#path(id, version, file)));
  }

  async readRange(id: string, version: number, file: string, offset: number, length: number): Promise<Buffer> {
    const handle = await orMissing(open(this.#path(id, version, file), "r"));
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

  async begin(id: string): Promise<Draft> {
    const home = join(this.#folder, id);
    await mkdir(home, { recursive: true });
    for (const name of await namesIn(home)) {
      if (/^\.(draft|deleted)-/.test(name) || name.endsWith(".tmp")) await removeAll(join(home, name));
    }
    const { highest } = await this.#standing(id);
    const version = Math.max(highest, ...(await this.versions(id))) + 1;
    const folder = join(home, `.draft-${version}-${randomBytes(6).toString("hex")}`);
    await mkdir(folder);
    return new FolderDraft(version, folder, async () => {
      await rename(folder, join(home, String(version)));
      await this.#setStanding(id, { current: version, highest: version });
    });
  }

  async delete(id: string, version: number): Promise<void> {
    const left = (await this.versions(id)).filter((other) => other !== version);
    const { highest } = await this.#standing(id);
    await this.#setStanding(id, { current: left.at(-1) ?? null, highest: Math.max(highest, version) });
    const leaving = join(this.#folder, id, `.deleted-${randomBytes(6).toString("hex")}`);
    await orMissing(rename(join(this.#folder, id, String(version)), leaving));
    await removeAll(leaving);
  }

  #path(id: string, version: number, file: string): string {
    return join(this.#folder, id, String(version), file);
  }

  async #standing(id: string): Promise<Standing> {
    try {
      return standing.parse(JSON.parse(await readFile(join(this.#folder, id, "current.json"), "utf8")));
    } catch (error) {
      if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return { current: null, highest: 0 };
      throw error;
    }
  }

  async #setStanding(id: string, value: Standing): Promise<void> {
    const path = join(this.#folder, id, "current.json");
    const fresh = `${path}.${randomBytes(6).toString("hex")}.tmp`;
    await writeFile(fresh, `${JSON.stringify(value)}\n`, { flush: true });
    await rename(fresh, path);
  }
}

const standing = z.object({ current: z.int().positive().nullable(), highest: z.int().nonnegative() });
type Standing = z.infer<typeof standing>;

class FolderDraft implements Draft {
  readonly version: number;
  readonly #folder: string;
  readonly #putInPlace: () => Promise<void>;
  readonly #files = new Map<string, FileHandle>();

  constructor(version: number, folder: string, putInPlace: () => Promise<void>) {
    this.version = version;
    this.#folder = folder;
    this.#putInPlace = putInPlace;
  }

  async append(file: string, bytes: Uint8Array): Promise<void> {
    let handle = this.#files.get(file);
    if (handle === undefined) {
      handle = await open(join(this.#folder, file), "ax");
      this.#files.set(file, handle);
    }
    await handle.writeFile(bytes);
  }

  async publish(): Promise<void> {
    for (const handle of this.#files.values()) await handle.sync();
    await this.#close();
    await this.#putInPlace();
  }

  async discard(): Promise<void> {
    await this.#close();
    await removeAll(this.#folder);
  }

  async #close(): Promise<void> {
    const handles = [...this.#files.values()];
    this.#files.clear();
    for (const handle of handles) await handle.close();
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

async function orMissing<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (codeOf(error) === "ENOENT") throw new FileMissing("no such file in the tape store", { cause: error });
    throw error;
  }
}

function removeAll(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
