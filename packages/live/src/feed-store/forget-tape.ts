import { type FeedRecord, noTape, tapeFields } from "./feed-record.js";
import type { FeedStore } from "./feed-store.js";

/**
 * Says that nothing can follow on a feed's tape: its writer is told `lost` at its next frame and begins another. Does nothing
 * where the feed has changed since it was read.
 */
export async function forgetTape(feeds: FeedStore, record: FeedRecord): Promise<void> {
  await feeds.change(record, { rev: record.rev }, tapeFields(noTape), "clear");
}
