import { basename } from "node:path";
import { type Entry, openPromise } from "yauzl";
import { crc32 } from "../../format/checksum.js";
import { CutShort, ImportRefused } from "../import-errors.js";
import { type ByteSource, type Bytes, counted } from "./byte-source.js";
import { inflateRaw } from "./decompress.js";

/** Every file is inspected before the import begins, with about 64 KB in memory. */
const mostFiles = 1_000;
const stored = 0;

export function isZip(beginning: Buffer): boolean {
  return beginning.length >= 4 && ["PK\x03\x04", "PK\x05\x06"].includes(beginning.toString("latin1", 0, 4));
}

/** The files in an archive. Throws `ImportRefused` if the archive cannot be read. */
export async function filesInZip({ path, name }: ByteSource): Promise<ByteSource[]> {
  const entries = await entriesOf(path);
  const files = entries.filter(({ fileName }) => !fileName.endsWith("/"));
  if (files.length > mostFiles) {
    throw new ImportRefused(
      `${name} has ${files.length} files, and at most ${mostFiles} are read from a zip: unpack it with \`unzip ${name}\` and import the folder.`,
    );
  }
  const closed = files.find((entry) => !entry.canDecodeFileData());
  if (closed !== undefined) {
    const why = closed.isEncrypted() ? "is encrypted" : "is compressed by a method other than deflate";
    throw new ImportRefused(
      `${name} cannot be read: ${closed.fileName} in it ${why}. Unpack it with \`unzip ${name}\` and import the files.`,
    );
  }
  return files.map((entry) => ({
    path: `${path}/${entry.fileName}`,
    name: basename(entry.fileName),
    size: entry.compressedSize,
    open: (onRead) => checked(entry, compressedBytes(path, entry, onRead)),
  }));
}

async function entriesOf(path: string): Promise<Entry[]> {
  try {
    const zip = await openPromise(path);
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) entries.push(entry);
    return entries;
  } catch (error) {
    // A zip has its file list at the end.
    throw new ImportRefused(
      `${path} is a zip that is cut short or damaged (${error instanceof Error ? error.message : String(error)}). Nothing was imported; \`zip -FF\` may repair it.`,
      { cause: error },
    );
  }
}

async function* compressedBytes(path: string, entry: Entry, onRead: (bytes: number) => void): Bytes {
  const zip = await openPromise(path, { autoClose: false, lazyEntries: true });
  try {
    yield* counted(await zip.openReadStreamPromise(entry, { decodeFileData: false }), onRead);
  } finally {
    zip.close();
  }
}

/** Verifies length and checksum against the zip's entry. */
async function* checked(entry: Entry, compressed: Bytes): Bytes {
  let length = 0;
  let sum = 0;
  for await (const chunk of entry.compressionMethod === stored ? compressed : inflateRaw(compressed)) {
    length += chunk.length;
    sum = crc32(chunk, sum);
    if (length > entry.uncompressedSize) break;
    yield chunk;
  }
  if (length !== entry.uncompressedSize || sum !== entry.crc32) {
    throw new CutShort("its length or checksum differs from the zip's entry");
  }
}
