export type {
  AccountAnswer,
  Anomaly,
  Dashboard,
  FillsAnswer,
  Frame,
  Health,
  Level,
  Mode,
  NodeView,
  OrdersAnswer,
  PlaybackState,
  RefusalCode,
  SessionAccount,
  SessionBranch,
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
  TradedInstrument,
  TradeEvent,
  TradingAnswer,
  TradingSettings,
  TradingSettingsChangeInput,
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
export type { Decimal, NewOrder, NewOrderList, OrderChange } from "./trading/new-order.js";
export type { OrdersOptions, PageOptions, Trading, TradingView } from "./trading/trading.js";
