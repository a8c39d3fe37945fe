import { CutShort } from "../import-errors.js";

/** A decoder keeps this much of what it has unpacked; a frame that wants more is refused, as zstd itself does by default. */
const largestWindow = 128 * 1024 * 1024;
const longestFrameHeader = 18;
const blockHeader = 3;

/** What the bytes at hand are part of, and how many more of them there are. */
type Place =
  | { readonly in: "frame header" | "block header" }
  | { readonly in: "block"; readonly last: boolean; left: number }
  | { readonly in: "checksum" | "skipped"; left: number };

/**
 * Follows the frames and blocks of a zstd stream without unpacking them (RFC 8878): so a stream that ends in the middle is told
 * from one that is whole, and a frame that would take too much memory is found before it does.
 */
export class ZstdFrames {
  #place: Place = { in: "frame header" };
  /** The beginning of a header that has not wholly come yet. */
  #header = Buffer.alloc(0);
  #checksum = false;

  /** True between two frames: the stream may end here. */
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

  /** Length of the frame's header, or undefined while not all of it is there. */
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
    if (magic !== 0xfd2fb528) throw new CutShort("something other than zstd follows the zstd data");
    const descriptor = header[4] ?? 0;
    const single = (descriptor & 0x20) !== 0;
    const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
    const size = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    const length = 5 + (single ? 0 : 1) + dictionary + size;
    if (header.length < length) return undefined;
    if (dictionary > 0) throw new CutShort("the zstd data needs a dictionary");
    // The format counts a size of two bytes from 256 on.
    const window = single ? numberAt(header, 5, size) + (size === 2 ? 256 : 0) : windowOf(header[5] ?? 0);
    if (window > largestWindow) {
      throw new CutShort(`the zstd data needs a window of ${window} bytes, and at most ${largestWindow} are kept`);
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
