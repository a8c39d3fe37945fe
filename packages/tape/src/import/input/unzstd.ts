import { Decompress } from "fzstd";
import { CutShort } from "../import-errors.js";
import type { Bytes } from "./byte-source.js";
import { ZstdFrames } from "./zstd-frames.js";

/** The decoder unpacks all it is given before it returns, and four bytes can stand for a block of 128 KB: this makes at most 32 MB. */
const pushed = 1024;

export async function* decompressZstd(packed: Bytes): Bytes {
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
