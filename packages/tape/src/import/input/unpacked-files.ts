import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ImportRefused } from "../import-errors.js";
import { type ByteSource, type Bytes, fileSource } from "./byte-source.js";

/** Bytes of a file that is unpacked. Such files are compressed inside, so that more is a bomb. */
const most = 16 * 1024 ** 3;

/** Temporary copies of packed files that cannot be read from their beginning. */
export class UnpackedFiles {
  #folder: string | undefined;
  #files = 0;

  /** @param name the packed file's, for the refusal of one that is too large. Throws what reading the bytes throws, or `ImportRefused` */
  async add(bytes: Bytes, name: string): Promise<ByteSource> {
    this.#folder ??= await mkdtemp(join(tmpdir(), "tapedeck-import-"));
    const path = join(this.#folder, String(++this.#files));
    await pipeline(limited(bytes, name), createWriteStream(path));
    return fileSource(path);
  }

  /** Removes all copies. */
  async remove(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}

async function* limited(bytes: Bytes, name: string): Bytes {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > most)
      throw new ImportRefused(`${name} has more than ${most} bytes unpacked, the most that is accepted.`);
    yield chunk;
  }
}
