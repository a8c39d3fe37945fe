import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm, rmdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { writeFailureReason } from "@tapedeck/tape";
import { codeOf, UserError } from "../user-error.js";

/** A file that is being written under another name. */
export interface OutputFile {
  /** Where it will be. */
  readonly path: string;
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Files that appear under their names all together, once all are complete. Rejects with a `UserError` that says why one cannot be written. */
export class OutputFiles {
  readonly #paths: ReadonlyMap<string, string>;
  /** The folder, if it was made for them. */
  readonly #made: string | undefined;
  readonly #parts: { readonly part: string; readonly path: string; readonly handle: FileHandle }[] = [];

  private constructor(paths: ReadonlyMap<string, string>, made: string | undefined) {
    this.#paths = paths;
    this.#made = made;
  }

  /**
   * Decides where they go, makes the folder, and refuses to replace what exists unless it is forced.
   *
   * @param out a file, or the folder of `NAME.EXTENSION`
   */
  static async prepare(out: string, names: readonly string[], extension: string, force: boolean): Promise<OutputFiles> {
    const place = resolve(out);
    const isFolder = names.length > 1 || /[\\/]$/.test(out) || (await kindOf(place)) === "folder";
    const paths = new Map(names.map((name) => [name, isFolder ? join(place, `${name}.${extension}`) : place]));
    for (const path of paths.values()) {
      const kind = await kindOf(path);
      if (kind === "folder") throw new UserError(`${path} is a folder: no file can be written there.`);
      if (kind === "other") throw new UserError(`${path} is no regular file: leave out --out to write to a pipe.`);
      if (kind === "file" && !force) throw new UserError(`${path} exists already: add --force to replace it.`);
    }
    const made = isFolder ? await orRefuse(place, mkdir(place, { recursive: true })) : undefined;
    return new OutputFiles(paths, made === undefined ? undefined : place);
  }

  /** @param name one of those it was prepared for */
  async open(name: string): Promise<OutputFile> {
    const path = this.#paths.get(name);
    if (path === undefined) throw new Error(`no place was prepared for ${name}`);
    const part = join(dirname(path), `.${basename(path)}.part-${randomBytes(4).toString("hex")}`);
    const handle = await orRefuse(path, open(part, "wx"));
    this.#parts.push({ part, path, handle });
    return {
      path,
      write: (bytes) => orRefuse(path, handle.writeFile(bytes)),
      close: () => orRefuse(path, handle.close()),
    };
  }

  /** Gives all their names. */
  async publish(): Promise<void> {
    for (const { part, path } of this.#parts) await orRefuse(path, rename(part, path));
  }

  /** Removes what was not published. */
  async discard(): Promise<void> {
    for (const { part, handle } of this.#parts) {
      await handle.close().catch(() => {}); // it may be closed
      await rm(part, { force: true });
    }
    // It stays if anything is in it.
    if (this.#made !== undefined) await rmdir(this.#made).catch(() => {});
  }
}

async function kindOf(path: string): Promise<"file" | "folder" | "other" | undefined> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return "folder";
    return found.isFile() ? "file" : "other";
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw refusal(path, error);
  }
}

async function orRefuse<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw refusal(path, error);
  }
}

function refusal(path: string, error: unknown): UserError {
  const reason = codeOf(error) === "ENOENT" ? "its folder does not exist" : writeFailureReason(error);
  return new UserError(`${path} cannot be written: ${reason}.`);
}
