import { pipeline } from "node:stream/promises";
import { createGunzip, createInflateRaw, type Gunzip, type InflateRaw } from "node:zlib";
import { Decompress } from "fzstd";
import { CutShort } from "../import-errors.js";
import { type Bytes, chunkSize, counted } from "./byte-source.js";
import { ZstdFrames } from "./zstd-frames.js";

export type Compression = "gzip" | "zstd" | undefined;

export function compressionOf(beginning: Buffer): Compression {
  if (beginning[0] === 0x1f && beginning[1] === 0x8b) return "gzip";
  if (beginning.length < 4) return undefined;
  const magic = beginning.readUInt32LE(0);
  // A zstd file may begin with a skippable frame.
  return magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50 ? "zstd" : undefined;
}

/** Decompresses in bounded memory. Throws `CutShort` after the last good bytes. */
export function decompress(compressed: Bytes, packing: Compression): Bytes {
  if (packing === undefined) return compressed;
  return packing === "gzip" ? gunzip(compressed) : decompressZstd(compressed);
}

export function inflateRaw(compressed: Bytes): Bytes {
  return throughZlib(compressed, createInflateRaw({ chunkSize }), "deflate");
}

async function* gunzip(compressed: Bytes): Bytes {
  let read = 0;
  let lastNonZero = 0;
  const watched = async function* (): Bytes {
    for await (const chunk of compressed) {
      const at = chunk.findLastIndex((byte) => byte !== 0);
      if (at >= 0) lastNonZero = read + at + 1;
      read += chunk.length;
      yield chunk;
    }
  };
  const zlib = createGunzip({ chunkSize });
  yield* throughZlib(watched(), zlib, "gzip");
  // Files may be padded with zeros. zlib stops at them and ignores whatever follows.
  if (lastNonZero > zlib.bytesWritten) throw new CutShort("other data follows the gzip data");
}

async function* throughZlib(compressed: Bytes, zlib: Gunzip | InflateRaw, kind: string): Bytes {
  // The loop below sees every failure of the pipeline.
  const feeding = pipeline(compressed, zlib).catch(() => undefined);
  try {
    yield* counted(zlib, () => undefined);
    await feeding;
  } catch (error) {
    throw zlibProblem(error, kind) ?? error;
  }
}

/** Translates zlib's errors for truncated or damaged data. */
function zlibProblem(error: unknown, kind: string): CutShort | undefined {
  if (!(error instanceof Error && "code" in error)) return undefined;
  if (error.code === "Z_BUF_ERROR") return new CutShort(`the ${kind} data ends in the middle`, { cause: error });
  if (error.code !== "Z_DATA_ERROR") return undefined;
  return new CutShort(`the ${kind} data is damaged (${error.message})`, { cause: error });
}

/** Bytes per push: the decoder decompresses all of its input at once, and 4 bytes can expand to 128 KB, so this is at most 32 MB. */
const pushBytes = 1024;

async function* decompressZstd(compressed: Bytes): Bytes {
  const frames = new ZstdFrames();
  let decompressed: Uint8Array[] = [];
  const decoder = new Decompress((bytes) => decompressed.push(bytes));
  for await (const chunk of compressed) {
    for (let at = 0; at < chunk.length; at += pushBytes) {
      const part = chunk.subarray(at, at + pushBytes);
      frames.push(part);
      try {
        decoder.push(part);
      } catch (error) {
        throw new CutShort("the zstd data is damaged", { cause: error });
      } finally {
        yield* decompressed;
        decompressed = [];
      }
    }
  }
  if (!frames.whole) throw new CutShort("the zstd data ends in the middle");
  decoder.push(new Uint8Array(0), true);
  yield* decompressed;
}
