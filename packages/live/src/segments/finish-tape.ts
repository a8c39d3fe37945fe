import {
  BlockCache,
  type Gap,
  minCacheBytes,
  parseTapeName,
  type RecordedTape,
  type TapeStore,
  TapeWriter,
} from "@tapedeck/tape";
import { openSegments } from "./open-segments.js";
import { type LiveTapeMetadata, writerOptions } from "./write-segment.js";

/**
 * Makes an ordinary tape of the parts of one that nobody goes on with: the same frames, byte for byte, under the same name. Then
 * the parts go. Safe to do again, after a crash at any moment, and by several at once: one of them succeeds, the others reject with
 * `TapeWriteError` or find it done. Resolves to whether there is such a tape now.
 */
export async function finishTape(store: TapeStore, name: string): Promise<boolean> {
  const { id, version = 1 } = parseTapeName(name);
  const { segments, finished } = await openSegments(store, name, new BlockCache(minCacheBytes), {
    fromSeq: 0,
    toSeq: -1,
  });
  const first = segments[0];
  if (!finished && first !== undefined) {
    const writer = await TapeWriter.open(
      store,
      writerOptions(id, metadataOf(name, segments, first), first.span.firstSeq),
    );
    if (writer.version !== version) {
      // It was finished once, and deleted since.
      await writer.abort();
      await store.eraseSegments(id);
      return false;
    }
    // A gap that ended with the first frame is not on the tape.
    await copySegments(segments, writer, ({ afterSeq }) => afterSeq >= first.span.firstSeq);
  }
  await store.eraseSegments(id);
  return finished || first !== undefined;
}

/** Writes the blocks of parts, one at a time, with those gaps that are to be marked, and finishes. */
export async function copySegments(
  parts: readonly RecordedTape[],
  writer: TapeWriter,
  marked: (gap: Gap) => boolean = () => true,
): Promise<void> {
  try {
    for (const part of parts) {
      for await (const block of part.compressedBlocks()) {
        await writer.appendBlock({ ...block, gaps: block.gaps.filter(marked) });
      }
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** What the parts say of their tape: decimals are learned as it grows. */
export function metadataOf(name: string, parts: readonly RecordedTape[], first: RecordedTape): LiveTapeMetadata {
  return {
    tape: name,
    source: first.source,
    symbol: first.symbol,
    startNs: first.startNs,
    decimals: first.decimals,
    priceDecimals: Math.max(...parts.map(({ precision }) => precision.priceDecimals)),
    sizeDecimals: Math.max(...parts.map(({ precision }) => precision.sizeDecimals)),
    intervalMs: first.manifest.interval_ms,
    analyticsVersion: first.manifest.analytics_version ?? 0,
  };
}
