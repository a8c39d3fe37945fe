export {
  type FeedJob,
  FeedQueue,
  type FeedQueueOptions,
  feedJobId,
  feedJobName,
  feedMaintenanceQueue,
  feedQueueName,
} from "./feed-store/feed-queue.js";
export { claimTimeoutMs, type FeedState, type FeedSummary, isClaimed } from "./feed-store/feed-state.js";
export { type LiveInstrument, liveTapeId, parseLiveTapeId } from "./feed-store/live-tape-id.js";
export { FeedDemand, type FeedDemandContext } from "./follower/feed-demand.js";
export type { FeedListener } from "./follower/feed-listeners.js";
export { feedStatusOf, LiveTapes, type LiveTapesOptions } from "./follower/live-tapes.js";
export { type GrowingTape, isGrowingTape } from "./growing-tape/growing-tape.js";
export { openStoredTape } from "./growing-tape/stored-tape.js";
export { LiveMaintenance, type LiveMaintenanceOptions } from "./maintenance/live-maintenance.js";
export type { BookEntry, KnownPrices, PlacedEntry, TrackEntry } from "./track/track-entry.js";
export { type AppendOutcome, type ClaimOptions, type ClaimStatus, LiveTapeWriter } from "./writer/live-tape-writer.js";
export { type LiveTapeSettings, liveTapeDefaults } from "./writer/settings.js";
