export type {
  Anomaly,
  Dashboard,
  DeckState,
  Frame,
  Health,
  Level,
  Mode,
  NodeView,
  RefusalCode,
  SessionList,
  SessionStats as ClusterSessionStats,
  SessionView,
  Severity,
  ShareView,
  StateCause,
  TapeOverview,
  TapeView,
  Trade,
  TradeEvent,
} from "@tapedeck/protocol";
export type { ModeChoice, OpenChoice, OrderChoice, Place, RangeChoice, SourceChoice, TapeTime } from "./choices.js";
export type { Deck, JoinOptions, ListChoice, ShareChoice } from "./deck.js";
export type { Duration } from "./duration.js";
export { type ErrorCode, TapedeckError } from "./errors.js";
export type { LinkTiming } from "./link-rules.js";
export type { History, Position } from "./playback.js";
export type { Session } from "./session.js";
export type {
  ConnectionChange,
  ConnectionState,
  Feed,
  Lag,
  Notice,
  SessionEnd,
  StateChange,
} from "./session-events.js";
export type { SessionStats } from "./session-line.js";
export { type TapedeckOptions, tapedeck } from "./tapedeck.js";
export type { WebSocketClass, WebSocketLike } from "./web-socket.js";
