import { parseTapeName, type RecordedTape, type TapeStore, TapeWriter, type TapeWriterOptions } from "@tapedeck/tape";
import type { CompressedBlock } from "@tapedeck/tape/blocks";
import type { FeedRecord } from "../feed-store/feed-record.js";
import { type SegmentName, segmentName } from "./segment-name.js";

/** What every segment says of its tape. */
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

/** The metadata of a stored tape. Its decimals are those of all segments together: they are learned as the tape grows. */
export function metadataOf(name: string, segments: readonly RecordedTape[], first: RecordedTape): LiveTapeMetadata {
  return {
    tape: name,
    source: first.source,
    symbol: first.symbol,
    startNs: first.startNs,
    decimals: first.decimals,
    priceDecimals: Math.max(...segments.map(({ precision }) => precision.priceDecimals)),
    sizeDecimals: Math.max(...segments.map(({ precision }) => precision.sizeDecimals)),
    intervalMs: first.manifest.interval_ms,
    analyticsVersion: first.manifest.analytics_version ?? 0,
  };
}

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
 * Writes contiguous blocks as a segment. An existing segment of the same name has the same frames and is left as it is. Undefined
 * without blocks. Rejects with `TapeWriteError`; then there is no such segment.
 */
export async function writeSegment(
  store: TapeStore,
  tape: LiveTapeMetadata,
  blocks: readonly CompressedBlock[],
): Promise<SegmentName | undefined> {
  const [first, last] = [blocks[0], blocks.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const segment = segmentName(first.firstSeq, last.firstSeq + last.count - 1, first.firstNs);
  const segments = store.segments(parseTapeName(tape.tape).id);
  if ((await segments.current(segment.id)) !== undefined) return segment;
  const writer = await TapeWriter.open(segments, writerOptions(segment.id, tape, segment.firstSeq));
  for (const block of blocks) await writer.appendBlock(block);
  await writer.finish();
  return segment;
}
