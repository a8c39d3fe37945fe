import type { FeedQueue, LiveMaintenance } from "@tapedeck/live";

/**
 * Asks for a worker for each feed that nobody holds: one that is wanted is to be recorded, one that is not is to be finished, unless
 * its tape is not kept. Asking twice for the same makes one job.
 */
export async function findFeeds(
  upkeep: Pick<LiveMaintenance, "inspectAll" | "removeShortTapes">,
  queue: Pick<FeedQueue, "requestWorker">,
): Promise<void> {
  const standings = await upkeep.inspectAll();
  const settled = await upkeep.removeShortTapes(standings);
  for (const { state, claimed } of standings) {
    if (!claimed && !settled.has(state.tape)) await queue.requestWorker(state, state.rev);
  }
}
