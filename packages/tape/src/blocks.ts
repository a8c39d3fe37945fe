/** What it takes to make tapes elsewhere, block by block: for packages/live. */
export type { InMemoryBlock } from "./format/block.js";
export { BlockBuilder, type BlockLimits, framesPerBlock } from "./format/block-builder.js";
export { severitiesByRank, severityRank } from "./format/events.js";
export { tradeSides } from "./format/frame-text.js";
export { maxOverviewPoints, OverviewBuilder, type OverviewPoint } from "./format/overview.js";
export { type CompressedBlock, compressBlock, type OverviewRun } from "./format/packed-block.js";
export { gapLengthNs, markGap, type SerializedFrame, serializeFrame } from "./format/serialize-frame.js";
export { frameProblem } from "./format/tape-writer.js";
export { GrowingTimeline } from "./reading/timeline.js";
