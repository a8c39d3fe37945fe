import { promisify } from "node:util";
import { deflate as deflateCallback } from "node:zlib";
import type { TapeNs } from "@tapedeck/protocol";
import type { Gap, Seq, TapeEvent } from "../tape.js";
import type { BlockBuilder } from "./block-builder.js";
import { crc32 } from "./checksum.js";
import type { OverviewPoint } from "./overview.js";

const deflate = promisify(deflateCallback);

/** A point of an overview, with how many frames it sums up. */
export interface OverviewRun extends OverviewPoint {
  readonly frames: number;
}

/** A block as it lies in a file, with all that a tape says of its frames elsewhere: what goes from tape to tape unread. */
export interface CompressedBlock {
  readonly firstSeq: Seq;
  readonly count: number;
  readonly firstNs: TapeNs;
  readonly lastNs: TapeNs;
  readonly trades: number;
  readonly flags: number;
  readonly compressed: Uint8Array;
  readonly rawLength: number;
  /** Of `packed`. */
  readonly crc32: number;
  readonly events: readonly TapeEvent[];
  /** Those that end in this block. */
  readonly gaps: readonly Gap[];
  /** Those that begin in this block. */
  readonly runs: readonly OverviewRun[];
}

/** Compresses a block, in another thread. The block is not to be changed afterwards. */
export async function compressBlock(block: BlockBuilder): Promise<CompressedBlock> {
  const raw = block.toBytes();
  const bytes = await deflate(raw);
  return {
    firstSeq: block.firstSeq,
    count: block.frames,
    firstNs: block.firstNs,
    lastNs: block.lastNs,
    trades: block.tradeTotal,
    flags: block.flags,
    compressed: bytes,
    rawLength: raw.length,
    crc32: crc32(bytes),
    events: block.events,
    gaps: block.gaps,
    runs: block.points.map((point) => ({ ...point, frames: 1 })),
  };
}
