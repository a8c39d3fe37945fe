export * from "./held-out-seeds.js";
export * from "./label.js";
export type { Intervention, Market } from "./market.js";
export { impactSegments } from "./own-impact.js";
export { fillOfTrades, type OwnFill, type OwnOrder, segmentOfFrame } from "./own-orders.js";
export * from "./scenario.js";
export * from "./scenario-parameters.js";
export { framesPerSegment, segmentMs, segments } from "./segments.js";
export * from "./simulated-market.js";
