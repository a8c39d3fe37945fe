import {
  BlockCache,
  type Gap,
  minCacheBytes,
  parseTapeName,
  RecordedTape,
  type TapeStore,
  TapeWriter,
  type TapeWriterOptions,
  type TrackDecimals,
} from "@tapedeck/tape";
import { DecimalsChanged, type TrackSummary } from "@tapedeck/tape/blocks";
import { writeTrack } from "../finishing/write-track.js";
import { TrackParts } from "../track/track-parts.js";
import { openSegments } from "./open-segments.js";
import { metadataOf, writerOptions } from "./write-segment.js";

/**
 * Makes an ordinary tape of the segments of one that no feed continues: the same frames, byte for byte, under the same name, with its event
 * track. Then the segments and the parts of the track are erased. Safe to repeat after a crash at any moment, and by several processes at
 * once: one succeeds, the others reject with `TapeWriteError` or find it done. Resolves to whether there is such a tape now.
 */
export async function finishTape(store: TapeStore, name: string): Promise<boolean> {
  const { id, version = 1 } = parseTapeName(name);
  const all = { fromSeq: 0, toSeq: -1 };
  const { segments, finished } = await openSegments(store, name, new BlockCache(minCacheBytes), all);
  const parts = new TrackParts(store, name);
  const first = segments[0];
  if (!finished && first !== undefined) {
    const options = writerOptions(id, metadataOf(name, segments, first), first.span.firstSeq);
    // Unless the tape was finished before, and deleted since.
    await writeTape(store, options, { segments, parts, version });
  } else if (finished) await addTrack(store, name, parts);
  await store.eraseSegments(id);
  await parts.eraseAll();
  return (await store.versions(id)).includes(version);
}

/** A release that knew nothing of the event track has finished the tape: another version gets it. */
async function addTrack(store: TapeStore, name: string, parts: TrackParts): Promise<void> {
  const { id } = parseTapeName(name);
  const current = await store.current(id);
  if (current === undefined || (await parts.list()).length === 0) return;
  const finished = await RecordedTape.open(store, id, current, new BlockCache(minCacheBytes));
  if (finished.manifest.track !== undefined) return;
  const options = writerOptions(id, metadataOf(name, [finished], finished), finished.span.firstSeq);
  await writeTape(store, options, { segments: [finished], parts, version: current + 1 });
}

interface TapeSources {
  readonly segments: readonly RecordedTape[];
  readonly parts: TrackParts;
  /** The version has to be this one; otherwise nothing is written. */
  readonly version: number;
}

async function writeTape(
  store: TapeStore,
  options: TapeWriterOptions,
  { segments, parts, version }: TapeSources,
): Promise<void> {
  const [first, last] = [segments[0], segments.at(-1)];
  if (first === undefined || last === undefined) return;
  const { firstSeq } = first.span;
  const { lastSeq } = last.span;
  for (let decimals: TrackDecimals | undefined; ; ) {
    const writer = await TapeWriter.open(store, options);
    if (writer.version !== version) return writer.abort();
    try {
      // A gap that ends with the first frame is not on the tape.
      await copySegments(segments, writer, {
        marked: ({ afterSeq }) => afterSeq >= firstSeq,
        track: () => writeTrack(writer, parts, { ...options, firstSeq, lastSeq, decimals }),
      });
      return;
    } catch (error) {
      if (!(error instanceof DecimalsChanged)) throw error;
      ({ decimals } = error);
    }
  }
}

interface CopyOptions {
  /** Which gaps are marked; all by default. */
  readonly marked?: (gap: Gap) => boolean;
  /** Writes the event track after the frames; none by default. */
  readonly track?: () => Promise<TrackSummary | undefined>;
}

/** Copies the blocks of segments, one at a time, and finishes the writer. */
export async function copySegments(
  segments: readonly RecordedTape[],
  writer: TapeWriter,
  { marked = () => true, track }: CopyOptions = {},
): Promise<void> {
  try {
    for (const segment of segments) {
      for await (const block of segment.compressedBlocks()) {
        await writer.appendBlock({ ...block, gaps: block.gaps.filter(marked) });
      }
    }
    await writer.finish(await track?.());
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
