import type { RedisConnection } from "@tapedeck/runtime";
import type { BlockCache, TapeStore } from "@tapedeck/tape";
import { openSegments } from "../segments/open-segments.js";
import { metadataOf } from "../segments/write-segment.js";
import { GrowingTape } from "./growing-tape.js";

interface StoredTapeOptions {
  readonly store: TapeStore;
  readonly cache: BlockCache;
  /** Where events may be that are in no part yet, and the key of their stream. */
  readonly events?: { readonly redis: RedisConnection; readonly key: string };
}

/**
 * A live tape as far as the tape store has it: its segments, and the parts of its event track. It does not grow, even if a feed records it. Undefined
 * if it is finished or has no segments. Rejects with `DamagedTape`, or if the store cannot be read.
 *
 * @param name `id@1`
 */
export async function openStoredTape(
  name: string,
  { store, cache, events }: StoredTapeOptions,
): Promise<GrowingTape | undefined> {
  const all = { fromSeq: 0, toSeq: -1 };
  const { segments, finished } = await openSegments(store, name, cache, all);
  const first = segments[0];
  if (finished || first === undefined) return undefined;
  const context = {
    ...{ store, cache, redis: events?.redis, stream: "", feed: "", events: events?.key ?? "" },
    catchUp: () => Promise.resolve(),
    onListen: () => undefined,
    onError: () => undefined,
  };
  const range = { fromSeq: first.span.firstSeq, toSeq: first.span.firstSeq - 1 };
  const tape = await GrowingTape.open(metadataOf(name, segments, first), context, range);
  tape.end();
  return tape;
}
