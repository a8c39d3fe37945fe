import type { FeedQueue, LiveUpkeep } from "@tapedeck/live";

/**
 * Asks for a worker for each feed that nobody holds: one that is wanted is to be recorded, one that is not is to be finished.
 * Asking twice for the same makes one job.
 */
export async function findFeeds(
  upkeep: Pick<LiveUpkeep, "standings">,
  queue: Pick<FeedQueue, "request">,
): Promise<void> {
  for (const { state, claimed } of await upkeep.standings()) if (!claimed) await queue.request(state, state.rev);
}
