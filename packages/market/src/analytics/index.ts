export * from "../frame/trade-classifier.js";
export * from "./features/event-clock.js";
export * from "./features/regime.js";
export * from "./market-analytics.js";
export * from "./thresholds.js";
