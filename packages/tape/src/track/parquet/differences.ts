import type { ByteWriter } from "hyparquet-writer";

const blockValues = 128;
const miniblocks = 4;
const miniblockValues = blockValues / miniblocks;
/** Numbers that are less than this apart have differences, and differences of those, that doubles hold exactly. */
export const maxSpread = 2 ** 52;

/**
 * Appends whole numbers as Parquet's DELTA_BINARY_PACKED. hyparquet-writer uses BigInt for numbers of more than 32 bits, which takes many times
 * as long for times and ids.
 *
 * @param offsets what each exceeds `base` by; less than `maxSpread` apart
 */
export function packDifferences(writer: ByteWriter, base: bigint, offsets: Float64Array): void {
  const [first] = offsets;
  writer.appendVarInt(blockValues);
  writer.appendVarInt(miniblocks);
  writer.appendVarInt(offsets.length);
  writer.appendZigZag(first === undefined ? 0n : base + BigInt(first));
  const bits = new BitPacker(writer);
  const block = new Float64Array(blockValues);
  for (let start = 1; start < offsets.length; start += blockValues) {
    const size = Math.min(blockValues, offsets.length - start);
    let least = Number.POSITIVE_INFINITY;
    for (let at = 0; at < size; at++) {
      const difference = (offsets[start + at] ?? 0) - (offsets[start + at - 1] ?? 0);
      block[at] = difference;
      if (difference < least) least = difference;
    }
    for (let at = 0; at < size; at++) block[at] = (block[at] ?? 0) - least;
    block.fill(0, size); // a miniblock is always written whole
    appendZigZag(writer, least);
    packBlock(writer, bits, block);
  }
}

/** Each miniblock takes as many bits a number as its largest one needs. */
function packBlock(writer: ByteWriter, bits: BitPacker, block: Float64Array): void {
  const widths: number[] = [];
  for (let start = 0; start < blockValues; start += miniblockValues) {
    let most = 0;
    for (let at = start; at < start + miniblockValues; at++) most = Math.max(most, block[at] ?? 0);
    const width = bitsOf(most);
    widths.push(width);
    writer.appendUint8(width);
  }
  for (const [miniblock, width] of widths.entries()) {
    if (width === 0) continue;
    const start = miniblock * miniblockValues;
    for (let at = start; at < start + miniblockValues; at++) bits.append(block[at] ?? 0, width);
  }
}

/** Writes numbers of some bits one after the other, the lowest bit first. What it wrote is complete after a multiple of 32 bits. */
class BitPacker {
  readonly #writer: ByteWriter;
  #word = 0;
  /** Bits of the word that are taken, below 32. */
  #used = 0;

  constructor(writer: ByteWriter) {
    this.#writer = writer;
  }

  // HOT: once per row and column of an event track.
  /** @param value a whole number of at most `width` bits; `width` is at most 53 */
  append(value: number, width: number): void {
    if (width <= 32) this.#put(value >>> 0, width);
    else {
      this.#put(value >>> 0, 32);
      this.#put(Math.floor(value / 2 ** 32), width - 32);
    }
  }

  #put(value: number, width: number): void {
    const used = this.#used;
    this.#word |= value << used;
    this.#used += width;
    if (this.#used < 32) return;
    this.#writer.appendUint32(this.#word);
    this.#used -= 32;
    // A shift by 32 bits would be one by none.
    this.#word = used === 0 ? 0 : value >>> (32 - used);
  }
}

function bitsOf(value: number): number {
  return value < 2 ** 32 ? 32 - Math.clz32(value) : 64 - Math.clz32(Math.floor(value / 2 ** 32));
}

/** As a varint whose lowest bit is the sign. */
function appendZigZag(writer: ByteWriter, value: number): void {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) writer.appendUint8((rest % 128) + 128);
  writer.appendUint8(rest);
}
