import { CutShort } from "../import-errors.js";

/** A decoder keeps a window of decompressed data. A frame that asks for more is refused, as by zstd itself. */
const largestWindow = 128 * 1024 * 1024;
const longestFrameHeader = 18;
const blockHeader = 3;

/** What the next bytes belong to, and how many are left of it. */
type Place =
  | { readonly in: "frame header" | "block header" }
  | { readonly in: "block"; readonly last: boolean; left: number }
  | { readonly in: "checksum" | "skipped"; left: number };

/**
 * Follows the frames and blocks of a zstd stream without decompressing them (RFC 8878): this detects a truncated stream, and a frame
 * that needs too much memory before it is allocated.
 */
export class ZstdFrames {
  #place: Place = { in: "frame header" };
  /** The beginning of an incomplete header. */
  #header = Buffer.alloc(0);
  #checksum = false;

  /** Whether the stream may end here: between two frames. */
  get whole(): boolean {
    return this.#place.in === "frame header" && this.#header.length === 0;
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const place = this.#place;
      if ("left" in place) {
        const taken = Math.min(place.left, chunk.length - at);
        at += taken;
        place.left -= taken;
        if (place.left === 0) this.#after(place);
      } else {
        const known = this.#header.length;
        this.#header = Buffer.concat([this.#header, chunk.subarray(at, at + longestFrameHeader)]);
        const length = place.in === "frame header" ? this.#beginFrame() : this.#beginBlock();
        if (length === undefined) {
          at += this.#header.length - known;
          continue;
        }
        at += length - known;
        this.#header = Buffer.alloc(0);
      }
    }
  }

  #after(place: Place): void {
    if (place.in !== "block") this.#place = { in: "frame header" };
    else if (!place.last) this.#place = { in: "block header" };
    else this.#place = this.#checksum ? { in: "checksum", left: 4 } : { in: "frame header" };
  }

  /** Length of the frame's header; undefined while it is incomplete. */
  #beginFrame(): number | undefined {
    const header = this.#header;
    if (header.length < 5) return undefined;
    const magic = header.readUInt32LE(0);
    if ((magic & 0xfffffff0) >>> 0 === 0x184d2a50) {
      if (header.length < 8) return undefined;
      const left = header.readUInt32LE(4);
      this.#place = left === 0 ? { in: "frame header" } : { in: "skipped", left };
      return 8;
    }
    if (magic !== 0xfd2fb528) throw new CutShort("other data follows the zstd data");
    const descriptor = header[4] ?? 0;
    const single = (descriptor & 0x20) !== 0;
    const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
    const size = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    const length = 5 + (single ? 0 : 1) + dictionary + size;
    if (header.length < length) return undefined;
    if (dictionary > 0) throw new CutShort("the zstd data needs a dictionary");
    // A two-byte size counts from 256.
    const window = single ? numberAt(header, 5, size) + (size === 2 ? 256 : 0) : windowOf(header[5] ?? 0);
    if (window > largestWindow) {
      throw new CutShort(`the zstd data needs a window of ${window} bytes, and at most ${largestWindow} are allowed`);
    }
    this.#checksum = (descriptor & 4) !== 0;
    this.#place = { in: "block header" };
    return length;
  }

  #beginBlock(): number | undefined {
    if (this.#header.length < blockHeader) return undefined;
    const header = numberAt(this.#header, 0, blockHeader);
    const repeatedByte = ((header >> 1) & 3) === 1;
    const block = { in: "block", last: (header & 1) === 1, left: repeatedByte ? 1 : header >> 3 } as const;
    if (block.left === 0) this.#after(block);
    else this.#place = { ...block };
    return blockHeader;
  }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function numberAt(bytes: Buffer, at: number, length: number): number {
  let number = 0;
  for (let n = length - 1; n >= 0; n--) number = number * 256 + (bytes[at + n] ?? 0);
  return number;
}
