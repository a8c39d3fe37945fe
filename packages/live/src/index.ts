export {
  type FeedJob,
  FeedQueue,
  type FeedQueueOptions,
  feedJobId,
  feedJobName,
  feedQueueName,
  feedUpkeepQueue,
} from "./feed-queue.js";
export { type GrowingTape, isGrowingTape } from "./growing-tape.js";
export type { LiveListener } from "./live-listener.js";
export { claimDeadMs, isClaimed, type LiveState } from "./live-state.js";
export { type LiveInstrument, liveTapeId, parseLiveTapeId } from "./live-tape-id.js";
export { type AppendOutcome, type ClaimOptions, type Hold, LiveTapeWriter } from "./live-tape-writer.js";
export { LiveTapes, type LiveTapesOptions } from "./live-tapes.js";
export { type FeedStanding, LiveUpkeep, type LiveUpkeepOptions } from "./live-upkeep.js";
export { feedOf } from "./session-feed.js";
export { type LiveTapeSettings, liveTapeDefaults } from "./settings.js";
