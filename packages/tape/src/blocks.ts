/** What it takes to make tapes elsewhere, block by block: for packages/live. */
export type { FramesInMemory } from "./block.js";
export { rankOf, severityNames } from "./events.js";
export { sides } from "./frame-text.js";
export { gapBefore, type LaidFrame, layFrame, lengthOf } from "./laid-frame.js";
export { type BlockBounds, framesPerBlock, OpenBlock } from "./open-block.js";
export { mostPoints, OverviewBuilder, type OverviewPoint } from "./overview.js";
export { type OverviewRun, type PackedBlock, packed } from "./packed-block.js";
export { frameProblem } from "./tape-writer.js";
export { GrowingTimeline } from "./timeline.js";
