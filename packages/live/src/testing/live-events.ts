import type { RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import type { TapeStore } from "@tapedeck/tape";
import { parseLiveTapeId } from "../feed-store/live-tape-id.js";
import { readBatches } from "../track/recent-events.js";
import { decodeEntry, isEvent, type PlacedEntry } from "../track/track-entry.js";
import { TrackParts } from "../track/track-parts.js";

/**
 * What a feed recorded on the event track of a growing tape, entry by entry, from event `n` on: first its parts in the tape store, then what Redis
 * has. It ends with the newest event. Rejects with `DamagedTape`, `UNAVAILABLE`, or if the store cannot be read.
 */
export async function* readLiveEvents(
  redis: RedisConnection,
  keys: Pick<Keys, "liveEvents">,
  store: TapeStore,
  tape: string,
  n = 0,
): AsyncGenerator<PlacedEntry, void, undefined> {
  const parts = new TrackParts(store, tape);
  let next = n;
  /** Each entry once: parts are stored while batches of the same events are in Redis. */
  const isNew = (entry: PlacedEntry): boolean => {
    if (entry.n < next) return false;
    if (isEvent(entry)) next = entry.n + 1;
    return true;
  };
  for (const part of await parts.list()) {
    if (part.nextN <= n) continue;
    for await (const entry of parts.entries(part)) if (isNew(entry)) yield entry;
  }
  const feed = parseLiveTapeId(tape);
  if (feed === undefined) return;
  for await (const batch of readBatches(redis, keys.liveEvents(feed.source, feed.symbol), next)) {
    if (batch.tape !== tape) return;
    for (const line of batch.lines) {
      const entry = decodeEntry(line);
      if (isNew(entry)) yield entry;
    }
  }
}
