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
  // A zstd file may begin with a frame that is to be skipped.
  return magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50 ? "zstd" : undefined;
}

/** What is packed in the bytes, in memory that does not grow with it. Throws `CutShort` behind the last good bytes. */
export function decompress(packed: Bytes, packing: Compression): Bytes {
  if (packing === undefined) return packed;
  return packing === "gzip" ? gunzip(packed) : decompressZstd(packed);
}

export function inflateRaw(packed: Bytes): Bytes {
  return throughZlib(packed, createInflateRaw({ chunkSize }), "deflate");
}

async function* gunzip(packed: Bytes): Bytes {
  let read = 0;
  let lastNonZero = 0;
  const watched = async function* (): Bytes {
    for await (const chunk of packed) {
      const at = chunk.findLastIndex((byte) => byte !== 0);
      if (at >= 0) lastNonZero = read + at + 1;
      read += chunk.length;
      yield chunk;
    }
  };
  const zlib = createGunzip({ chunkSize });
  yield* throughZlib(watched(), zlib, "gzip");
  // Zeros fill a file up to a whole block. zlib stops at them and looks at nothing that follows.
  if (lastNonZero > zlib.bytesWritten) throw new CutShort("something other than gzip follows the gzip data");
}

async function* throughZlib(packed: Bytes, zlib: Gunzip | InflateRaw, kind: string): Bytes {
  // The loop below meets every failure of the pipeline itself.
  const feeding = pipeline(packed, zlib).catch(() => undefined);
  try {
    yield* counted(zlib, () => undefined);
    await feeding;
  } catch (error) {
    throw zlibProblem(error, kind) ?? error;
  }
}

/** zlib's complaints about data that was cut or damaged. */
function zlibProblem(error: unknown, kind: string): CutShort | undefined {
  if (!(error instanceof Error && "code" in error)) return undefined;
  if (error.code === "Z_BUF_ERROR") return new CutShort(`the ${kind} data ends in the middle`, { cause: error });
  if (error.code !== "Z_DATA_ERROR") return undefined;
  return new CutShort(`the ${kind} data is damaged (${error.message})`, { cause: error });
}

/** The decoder unpacks all it is given before it returns, and four bytes can stand for a block of 128 KB: this makes at most 32 MB. */
const pushed = 1024;

async function* decompressZstd(packed: Bytes): Bytes {
  const frames = new ZstdFrames();
  let unpacked: Uint8Array[] = [];
  const decoder = new Decompress((bytes) => unpacked.push(bytes));
  for await (const chunk of packed) {
    for (let at = 0; at < chunk.length; at += pushed) {
      const part = chunk.subarray(at, at + pushed);
      frames.push(part);
      try {
        decoder.push(part);
      } catch (error) {
        throw new CutShort("the zstd data is damaged", { cause: error });
      } finally {
        yield* unpacked;
        unpacked = [];
      }
    }
  }
  if (!frames.whole) throw new CutShort("the zstd data ends in the middle");
  decoder.push(new Uint8Array(0), true);
  yield* unpacked;
}
