export * from "./held-out-seeds.js";
export * from "./label.js";
export type { Intervention, Market } from "./market.js";
export * from "./own-orders.js";
export * from "./scenario.js";
export * from "./scenario-parameters.js";
export { framesPerSegment, segmentMs, segments } from "./segments.js";
export * from "./simulated-market.js";
