export * from "./event-clock.js";
export * from "./market-analytics.js";
export * from "./regime.js";
export * from "./thresholds.js";
export * from "./trade-side.js";
