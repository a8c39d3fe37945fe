import type { FeedQueue, LiveUpkeep } from "@tapedeck/live";

/**
 * Asks for a worker for each feed that nobody holds: one that is wanted is to be recorded, one that is not is to be finished, unless
 * its tape is not kept. Asking twice for the same makes one job.
 */
export async function findFeeds(
  upkeep: Pick<LiveUpkeep, "standings" | "removeShortTapes">,
  queue: Pick<FeedQueue, "request">,
): Promise<void> {
  const standings = await upkeep.standings();
  const settled = await upkeep.removeShortTapes(standings);
  for (const { state, claimed } of standings) {
    if (!claimed && !settled.has(state.tape)) await queue.request(state, state.rev);
  }
}
