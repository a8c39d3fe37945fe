import { type BlockCache, parseTapeName, RecordedTape, type Seq, type TapeStore } from "@tapedeck/tape";
import { contiguousSegments } from "./segment-name.js";

interface StoredSegments {
  /** In order, contiguous. */
  readonly segments: readonly RecordedTape[];
  /** The tape is finished: the only segment is the finished version. */
  readonly finished: boolean;
}

/** The frames that the segments have to cover, as far as the caller knows. */
export interface SeqRange {
  readonly fromSeq: Seq;
  /** One before `fromSeq` for an empty range. */
  readonly toSeq: Seq;
}

/** Listings are repeated this often: they are no snapshots, and segments that are being joined may be missing in one. */
const maxListings = 3;

/**
 * Opens the stored segments of a live tape, reusing those that are `open` already. Segments before `fromSeq` are left out. If they
 * do not cover the range after some attempts, the result has the contiguous ones up to the last.
 *
 * @param onDamaged called with the error of an unreadable segment, which is left out with all before it; without it the error is thrown
 */
export async function openSegments(
  store: TapeStore,
  name: string,
  cache: BlockCache,
  { fromSeq, toSeq }: SeqRange,
  { open = [], onDamaged }: { open?: readonly RecordedTape[]; onDamaged?: (error: unknown) => void } = {},
): Promise<StoredSegments> {
  const { id, version = 1 } = parseTapeName(name);
  const segmentStore = store.segments(id);
  const known = new Map(open.map((segment) => [segment.manifest.id, segment]));
  const damaged = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    const ids = (await segmentStore.ids()).filter((segment) => !damaged.has(segment));
    const names = contiguousSegments(ids, fromSeq);
    // Checked after the listing: segments are erased only after the finished version exists.
    if ((await store.versions(id)).includes(version)) {
      return { segments: [await RecordedTape.open(store, id, version, cache)], finished: true };
    }
    const [first, last] = [names[0], names.at(-1)];
    const covers =
      toSeq < fromSeq || (first !== undefined && first.firstSeq <= fromSeq && (last?.lastSeq ?? -1) >= toSeq);
    if (!covers && attempt < maxListings) continue;
    const segments: RecordedTape[] = [];
    const opening = names.map((name) => known.get(name.id) ?? RecordedTape.open(segmentStore, name.id, 1, cache));
    for (const [at, result] of (await Promise.allSettled(opening)).entries()) {
      if (result.status === "fulfilled") segments.push(result.value);
      else if (attempt < maxListings)
        break; // it may have been joined with others just now
      else if (onDamaged === undefined) throw result.reason;
      else {
        onDamaged(result.reason);
        damaged.add(names[at]?.id ?? "");
      }
    }
    if (segments.length === names.length) return { segments, finished: false };
  }
}
