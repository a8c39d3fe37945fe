export type {
  Anomaly,
  Dashboard,
  Frame,
  Health,
  Level,
  Mode,
  NodeView,
  PlaybackState,
  RefusalCode,
  SessionFill,
  SessionList,
  SessionOrder,
  SessionStats as ClusterSessionStats,
  SessionView,
  Severity,
  ShareView,
  StateCause,
  TapeDeletion,
  TapeOverview,
  TapeVersion,
  TapeView,
  Trade,
  TradeEvent,
} from "@tapedeck/protocol";
export type { ClusterClient, JoinOptions, ListOptions, ShareOptions, TapeOptions } from "./cluster-client.js";
export type { WebSocketClass, WebSocketLike } from "./connection/connection.js";
export type { ConnectionTiming } from "./connection/connection-machine.js";
export { type ErrorCode, TapedeckError } from "./errors.js";
export type { History, Position } from "./frames/frame-sequencer.js";
export type {
  Duration,
  ModeOptions,
  OpenOptions,
  OrderOptions,
  RangeOptions,
  SeekPlace,
  SourceOptions,
  TapeTime,
} from "./options.js";
export type { Session } from "./session/session.js";
export type {
  ConnectionChange,
  ConnectionState,
  Feed,
  Lag,
  Notice,
  SessionEnd,
  StateChange,
} from "./session/session-events.js";
export type { SessionStats } from "./session/session-stats.js";
export { type TapedeckOptions, tapedeck } from "./tapedeck.js";
