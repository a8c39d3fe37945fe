import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";

export type Bytes = AsyncIterable<Uint8Array>;

/** The bytes of a file, or of a file in an archive. */
export interface ByteSource {
  /** A file in an archive has the archive's path first: `day.zip/books.csv`. */
  readonly path: string;
  readonly name: string;
  /** Size on disk. */
  readonly size: number;
  /** Reports the bytes read from disk. Throws `CutShort` if an archive is damaged. */
  open(onRead: (bytes: number) => void): Bytes;
  /** Some bytes of a file, from `start` up to and without `end`. Undefined: a file in an archive can only be read from its beginning. */
  readonly slice?: (start: number, end: number) => Promise<ArrayBuffer>;
}

/** Bytes per chunk of a file or of decompressed data. */
export const chunkSize = 256 * 1024;

export async function fileSource(path: string): Promise<ByteSource> {
  const { size } = await stat(path);
  return {
    path,
    name: basename(path),
    size,
    open: (onRead) => counted(createReadStream(path, { highWaterMark: chunkSize }), onRead),
    slice: async (start, end) => {
      if (start < 0 || end > size || start > end)
        throw new RangeError(`it has ${size} bytes, and not ${start} to ${end}`);
      const file = await open(path);
      try {
        const { buffer, bytesRead } = await file.read(new Uint8Array(end - start), 0, end - start, start);
        if (bytesRead < end - start) throw new RangeError(`it has become shorter than ${end} bytes`);
        return buffer.buffer;
      } finally {
        await file.close();
      }
    },
  };
}

export async function* counted(chunks: AsyncIterable<unknown>, onRead: (bytes: number) => void): Bytes {
  for await (const chunk of chunks) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("a stream of bytes gave something else");
    onRead(chunk.length);
    yield chunk;
  }
}

/** The first `length` bytes, or all if there are fewer. */
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

export async function* textOf(bytes: Bytes): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8");
  for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
}
