/** What packages/live needs to write and read tapes block by block. */
export { countUpTo, firstWhere } from "./binary-search.js";
export {
  BlockBuilder,
  type BlockFill,
  type CompressedBlock,
  compressBlock,
  isBlockFull,
} from "./format/block-builder.js";
export { tradeSides } from "./format/block-columns.js";
export { severitiesByRank, severityRank } from "./format/events.js";
export { markGap } from "./format/mark-gap.js";
export { OverviewBuilder, type OverviewPoint } from "./format/overview.js";
export { type SerializedFrame, serializeFrame } from "./format/serialize-frame.js";
export { frameProblem } from "./format/tape-writer.js";
export { GrowingTimeline } from "./reading/timeline.js";
export { lowerPriority } from "./threads/lower-priority.js";
export { startThread } from "./threads/start-thread.js";
export type { BookOrigin, BookRows, TradeOrigin, TradeRows } from "./track/batches.js";
export type { ColumnsKind } from "./track/parquet/cached-columns.js";
export {
  DecimalsChanged,
  eventStates,
  type TrackEvent,
  type TrackSummary,
} from "./track/track.js";
export { TrackWriter } from "./track/track-writer.js";
export { eachOf, eventsOfBatches } from "./track/tracked-events.js";
