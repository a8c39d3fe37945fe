export {
  type FeedJob,
  FeedQueue,
  type FeedQueueOptions,
  feedJobId,
  feedJobName,
  feedQueueName,
} from "./feed-queue.js";
export type { GrowingTape } from "./growing-tape.js";
export { claimDeadMs, isClaimed, type LiveState } from "./live-state.js";
export { type LiveInstrument, liveTapeId, parseLiveTapeId } from "./live-tape-id.js";
export type { AppendOutcome, ClaimLiveTape, ClaimOptions, LiveTapeWriter } from "./live-tape-writer.js";
export { type LiveListener, type LiveTapes, type LiveTapesOptions, mostHealedFrames } from "./live-tapes.js";
export type { FeedStanding, LiveUpkeep } from "./live-upkeep.js";
export { type LiveTapeSettings, liveTapeDefaults } from "./settings.js";
