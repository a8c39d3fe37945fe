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
import { metadataOf, writerOptions } from "./write-segment.js";

/**
 * Makes an ordinary tape of the segments of one that no feed continues: the same frames, byte for byte, under the same name. Then
 * the segments are erased. Safe to repeat after a crash at any moment, and by several processes at once: one succeeds, the others
 * reject with `TapeWriteError` or find it done. Resolves to whether there is such a tape now.
 */
export async function finishTape(store: TapeStore, name: string): Promise<boolean> {
  const { id, version = 1 } = parseTapeName(name);
  const all = { fromSeq: 0, toSeq: -1 };
  const { segments, finished } = await openSegments(store, name, new BlockCache(minCacheBytes), all);
  const first = segments[0];
  if (!finished && first !== undefined) {
    const metadata = metadataOf(name, segments, first);
    const writer = await TapeWriter.open(store, writerOptions(id, metadata, first.span.firstSeq));
    if (writer.version !== version) {
      // The tape was finished before, and deleted since.
      await writer.abort();
      await store.eraseSegments(id);
      return false;
    }
    // A gap that ends with the first frame is not on the tape.
    await copySegments(segments, writer, ({ afterSeq }) => afterSeq >= first.span.firstSeq);
  }
  await store.eraseSegments(id);
  return finished || first !== undefined;
}

/** Copies the blocks of segments, one at a time, with those gaps for which `marked` is true, and finishes the writer. */
export async function copySegments(
  segments: readonly RecordedTape[],
  writer: TapeWriter,
  marked: (gap: Gap) => boolean = () => true,
): Promise<void> {
  try {
    for (const segment of segments) {
      for await (const block of segment.compressedBlocks()) {
        await writer.appendBlock({ ...block, gaps: block.gaps.filter(marked) });
      }
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
