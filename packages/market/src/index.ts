export { analyticsVersion, firstAnalyticsField, MarketAnalytics } from "./analytics/market-analytics.js";
export { type ProfileName, profiles } from "./analytics/thresholds.js";
export {
  type DepthDiff,
  type DepthLink,
  type DepthObserver,
  type DepthSink,
  type DepthSnapshot,
  DepthSync,
  type UnusedUpdate,
} from "./book/depth-sync.js";
export { type BookLevel, type BookListener, type BookSideName, KeyedBook, OrderBook } from "./book/order-book.js";
export { RecentIds } from "./book/recent-ids.js";
export { Decimals, rounded } from "./frame/decimals.js";
export {
  basicAnalytics,
  type CopyableAnalytics,
  type FrameAnalytics,
  type FrameFindings,
  type FrameMoment,
  type MarketTrade,
} from "./frame/frame-analytics.js";
export { FrameBuilder, type MarketEvent } from "./frame/frame-builder.js";
export { maxLevels, sameLevels, topLevels } from "./frame/frame-levels.js";
export type { FrameParts, Precision } from "./frame/frame-parts.js";
export { demoMarket } from "./simulator/demo-market.js";
export type { MarketSegment, SegmentEvent } from "./simulator/market-segment.js";
export type { OrderObserver } from "./simulator/orders/order-observer.js";
export { impactSegments } from "./simulator/orders/own-impact.js";
export { fillOfTrades, type OwnFill, type OwnOrder, segmentOfFrame } from "./simulator/orders/own-orders.js";
export type { BorderOrder, RestingOrder, TickLots } from "./simulator/orders/resting-orders.js";
export { exp, ln } from "./simulator/random/exact-math.js";
export { RandomStream } from "./simulator/random/random-stream.js";
export { heldOutSeeds, tuningSeeds } from "./simulator/scenario/evaluation-seeds.js";
export {
  defaultScenario,
  type IncidentKind,
  type IncidentSeverity,
  incidentKinds,
  incidentSeverities,
  parseScenario,
  scenarioNames,
  scenarioText,
} from "./simulator/scenario/scenario.js";
export { generatorVersion, type IncidentLabel } from "./simulator/scenario/schedule.js";
export { frameMs, framesPerSegment, segmentMs, segments, tapeMsOf } from "./simulator/segments.js";
export { SimulatedMarket, simulatedStartNs } from "./simulator/simulated-market.js";
