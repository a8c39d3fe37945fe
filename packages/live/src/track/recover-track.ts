import { gzipSync } from "node:zlib";
import type { TapeStore } from "@tapedeck/tape";
import type { FeedStore } from "../feed-store/feed-store.js";
import type { LiveInstrument } from "../feed-store/live-tape-id.js";
import type { TrackState } from "./live-track.js";
import { readBatches } from "./recent-events.js";
import { encodeEntry, summaryOf, type UnstoredLine } from "./track-entry.js";
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
      const line = summaryOf(text);
      if (line === undefined || line.n < storedN) continue;
      if (line.n > nextN) bookKnown = false;
      if (!bookKnown && line.event && line.wholeBook) {
        unstored.push(gapBefore(line));
        bookKnown = true;
      }
      if (bookKnown) unstored.push(line);
      nextN = line.event ? line.n + 1 : line.n;
    }
  }
  return { parts, nextN, unstored };
}

function gapBefore({ n, seq }: UnstoredLine): UnstoredLine {
  const text = encodeEntry({ kind: "gap", reason: "Redis has lost events" }, n, seq, 0);
  return { text, n, seq, event: false, wholeBook: false };
}

/** Stores the remaining events of a tape that cannot be continued. Rejects if the store fails. */
export async function storeRemainingEvents(
  store: TapeStore,
  { tape, claim }: { readonly tape: string; readonly claim: number },
  { unstored }: TrackState,
): Promise<void> {
  const [first, last] = [unstored[0], unstored.at(-1)];
  if (first === undefined || last === undefined) return;
  const part = trackPart({
    ...{ claim, firstN: first.n, nextN: last.event ? last.n + 1 : last.n, joined: false },
    ...{ firstSeq: first.seq, lastSeq: last.seq },
    wholeSeq: unstored.find(({ wholeBook }) => wholeBook)?.seq,
  });
  if (part.nextN === part.firstN) return;
  const lines = unstored.map(({ text }) => text);
  await new TrackParts(store, tape).write(part, [gzipSync(`${lines.join("\n")}\n`)]);
}
