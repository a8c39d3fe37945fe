import { gzipSync } from "node:zlib";
import type { TapeStore } from "@tapedeck/tape";
import type { FeedStore } from "../feed-store/feed-store.js";
import type { LiveInstrument } from "../feed-store/live-tape-id.js";
import type { TrackState } from "./live-track.js";
import { PartRange } from "./part-range.js";
import { readBatches } from "./recent-events.js";
import {
  encodeEntry,
  isEvent,
  isWholeBook,
  type TrackEntry,
  type UnstoredLine,
  unstoredLineOf,
} from "./track-entry.js";
import { TrackParts, trackPart } from "./track-parts.js";

/**
 * What the tape store and Redis have of a tape's track. Where Redis has lost events, those after it are used from the next whole book on.
 * No number is used again. Rejects with `UNAVAILABLE`, or if the store cannot be read.
 */
export async function recoverTrack(
  feeds: FeedStore,
  store: TapeStore,
  feed: LiveInstrument,
  tape: string,
): Promise<TrackState> {
  const parts = await new TrackParts(store, tape).list();
  const storedN = parts.at(-1)?.nextN ?? 0;
  const unstored: UnstoredLine[] = [];
  let nextN = storedN;
  let bookKnown = true;
  for await (const batch of readBatches(feeds.redis, feeds.keys.liveEvents(feed.source, feed.symbol), storedN)) {
    if (batch.tape !== tape) break;
    for (const text of batch.lines) {
      const line = unstoredLineOf(text);
      if (line === undefined || line.n < storedN) continue;
      if (line.n > nextN) bookKnown = false;
      const event = isEvent(line.entry);
      if (!bookKnown && event && isWholeBook(line.entry)) {
        unstored.push(gapBefore(line));
        bookKnown = true;
      }
      if (bookKnown) unstored.push(line);
      nextN = event ? line.n + 1 : line.n;
    }
  }
  return { parts, nextN, unstored };
}

function gapBefore({ n, seq }: UnstoredLine): UnstoredLine {
  const entry: TrackEntry = { kind: "gap", reason: "Redis has lost events" };
  return { text: encodeEntry(entry, n, seq, 0), n, seq, entry };
}

/** Stores the remaining events of a tape that cannot be continued. Rejects if the store fails. */
export async function storeRemainingEvents(
  store: TapeStore,
  { tape, claim }: { readonly tape: string; readonly claim: number },
  { unstored }: TrackState,
): Promise<void> {
  const [first] = unstored;
  if (first === undefined) return;
  const range = new PartRange(first);
  for (const line of unstored) range.add(line);
  if (range.empty) return;
  const part = trackPart({ claim, ...range.summary, joined: false });
  const lines = unstored.map(({ text }) => text);
  await new TrackParts(store, tape).write(part, [gzipSync(`${lines.join("\n")}\n`)]);
}
