import { parseTapeName, type TapeStore, TapeWriter, type TapeWriterOptions } from "@tapedeck/tape";
import type { CompressedBlock } from "@tapedeck/tape/blocks";
import type { FeedRecord } from "../feed-store/feed-record.js";
import { type SegmentName, segmentName } from "./segment-name.js";

/** What a part says of its tape. */
export type LiveTapeMetadata = Pick<
  FeedRecord,
  | "tape"
  | "source"
  | "symbol"
  | "startNs"
  | "decimals"
  | "priceDecimals"
  | "sizeDecimals"
  | "intervalMs"
  | "analyticsVersion"
>;

export function writerOptions(id: string, tape: LiveTapeMetadata, firstSeq: number): TapeWriterOptions {
  const { source, symbol, startNs, decimals, priceDecimals, sizeDecimals, intervalMs, analyticsVersion } = tape;
  return {
    id,
    symbol,
    source,
    startNs,
    decimals,
    precision: { priceDecimals, sizeDecimals },
    intervalMs,
    ...(analyticsVersion > 0 && { analyticsVersion }),
    firstSeq,
  };
}

/**
 * Stores blocks that follow on one another as a part of a live tape. One that is there already has the same frames and is left as it
 * is. Undefined for no blocks. Rejects with `TapeWriteError`, and then there is no such part.
 */
export async function writeSegment(
  store: TapeStore,
  tape: LiveTapeMetadata,
  blocks: readonly CompressedBlock[],
): Promise<SegmentName | undefined> {
  const [first, last] = [blocks[0], blocks.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const part = segmentName(first.firstSeq, last.firstSeq + last.count - 1, first.firstNs);
  const parts = store.segments(parseTapeName(tape.tape).id);
  if ((await parts.current(part.id)) !== undefined) return part;
  const writer = await TapeWriter.open(parts, writerOptions(part.id, tape, part.firstSeq));
  for (const block of blocks) await writer.appendBlock(block);
  await writer.finish();
  return part;
}
