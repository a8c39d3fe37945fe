import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";

export type Bytes = AsyncIterable<Uint8Array>;

/** Bytes that lie in a file of their own or in an archive. */
export interface ByteSource {
  /** That of a file in an archive begins with the archive's: `day.zip/books.csv`. */
  readonly path: string;
  readonly name: string;
  /** As they lie on the disk. */
  readonly size: number;
  /** Tells how many bytes it has read on the disk. Throws `CutShort` where an archive is damaged. */
  open(onRead: (bytes: number) => void): Bytes;
}

/** Bytes of a file or of an unpacking that are handed on at once. */
export const chunkSize = 256 * 1024;

export async function fileSource(path: string): Promise<ByteSource> {
  const { size } = await stat(path);
  return {
    path,
    name: basename(path),
    size,
    open: (onRead) => counted(createReadStream(path, { highWaterMark: chunkSize }), onRead),
  };
}

export async function* counted(chunks: AsyncIterable<unknown>, onRead: (bytes: number) => void): Bytes {
  for await (const chunk of chunks) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("a stream of bytes gave something else");
    onRead(chunk.length);
    yield chunk;
  }
}

/** The first bytes: as many as were asked for, or all there are. */
export async function beginningOf(bytes: Bytes, length: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let found = 0;
  for await (const chunk of bytes) {
    chunks.push(chunk);
    found += chunk.length;
    if (found >= length) break;
  }
  return Buffer.concat(chunks).subarray(0, length);
}
