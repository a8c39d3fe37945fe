import { orUnavailable } from "@tapedeck/sessions";
import { parseTapeName, type TapeStore } from "@tapedeck/tape";
import { type FeedRecord, noTape, tapeFields } from "../feed-store/feed-record.js";
import type { FeedStore } from "../feed-store/feed-store.js";
import { readNewestFrame } from "../stream/read-frames.js";

/** Sessions looked at in one round trip. */
const sessionsAtOnce = 500;

/** Whether a feed's tape is shorter than so many seconds. Its first frame is at 0. */
export async function isShort(feeds: FeedStore, record: FeedRecord, keepSeconds: number): Promise<boolean> {
  if (record.tape === "" || record.firstSeq > 0) return false;
  const newest = await readNewestFrame(feeds.redis, feeds.keys.live(record.source, record.symbol));
  return newest === undefined || newest.frame.ns < keepSeconds * 1e9;
}

/** The tapes that sessions stand on or play, but for those at the edge, which go along with their feed. */
export async function tapesInUse({ redis, keys }: FeedStore): Promise<Set<string>> {
  const inUse = new Set<string>();
  for (let from = 0; ; from += sessionsAtOnce) {
    const ids = await orUnavailable(redis.zrange(keys.created, `${from}`, `${from + sessionsAtOnce - 1}`));
    const tapes = ids.map((id) => orUnavailable(redis.hmget(keys.session(id), "tape", "edge")));
    for (const [tape, edge] of await Promise.all(tapes)) if (tape && edge !== "1") inUse.add(tape);
    if (ids.length < sessionsAtOnce) return inUse;
  }
}

/**
 * Removes the tape of a feed that nobody wants and nobody holds, with all that is left of the feed. Does nothing where the feed has
 * changed since it was read. @returns whether it is gone
 */
export async function removeTape(feeds: FeedStore, store: TapeStore, record: FeedRecord): Promise<boolean> {
  const removed = await feeds.change(record, { rev: record.rev }, tapeFields(noTape), "remove");
  if (typeof removed !== "object") return false;
  await feeds.dropClaim(record, record.claim);
  await store.eraseSegments(parseTapeName(record.tape).id);
  return true;
}
