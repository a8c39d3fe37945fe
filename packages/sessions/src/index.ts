export { type FeedUser, feedUserOf } from "./feeds.js";
export { SessionMaintenance } from "./maintenance.js";
export { Presence, type PresentSession } from "./presence.js";
export { flattenHash, unflattenHash } from "./redis/flat-hash.js";
export { type Keys, keysWith } from "./redis/keys.js";
export { ReconnectingQueue } from "./redis/reconnecting-queue.js";
export { type AccountName, accountNames, accountsWith } from "./redis/redis-accounts.js";
export { asUnavailable, orUnavailable } from "./redis/unavailable.js";
export { isSystemCommand, type SystemCommand, systemCauses, writeLeadMs } from "./rules/commands.js";
export { type EndedEpoch, lastSeqOf, timesAreTold } from "./rules/epochs.js";
export type { NewSessionOptions } from "./rules/new-session.js";
export { boundAt, lastPlayable, movedTo, nextDueMs, type PacedPlace, reachOf } from "./rules/pace.js";
export {
  endsAt,
  frameCapOf,
  isMoving,
  isPaced,
  type PlaybackPlan,
  planPlayback,
  playheadAt,
  positionAt,
  wallAt,
  willGrow,
} from "./rules/playhead.js";
export { type ActionChain, needsTicker, type SessionRecord, waitsForItsTape } from "./rules/record.js";
export { canFollowEdge } from "./rules/system.js";
export {
  type CommandResult,
  isSessionNotFound,
  type PlanActions,
  type PlannedActions,
  SessionService,
} from "./service.js";
export {
  type FrameHead,
  frameHead,
  type PaceHead,
  parseHead,
  readPace,
  type StateHead,
  stateHead,
} from "./store/channel.js";
export { type AdvanceReply, type ReaderReport, readerForgottenMs } from "./store/readers.js";
export type { StoredSession } from "./store/record-codec.js";
export { decodeRecord, decodeState, traceOf } from "./store/record-codec.js";
export { defineSessionScripts } from "./store/scripts/scripts.js";
export { countSessionsOnTape, type SessionsOnTape } from "./store/sessions-on-tape.js";
export { type AddedActions, type SessionCaps, SessionStore } from "./store/store.js";
export { maintenanceQueue, type TickerJob, TickerQueue, tickerQueueNames } from "./ticker-queue.js";
export { encodeAction, type LeftBranch, type LoggedAction } from "./trading/action-log.js";
export type { CheckpointChange, CheckpointStore, KeptCheckpoints } from "./trading/checkpoints.js";
export type { StoredOrder } from "./trading/orders.js";
export { decodeOrder } from "./trading/orders.js";
export { isSameMarket } from "./trading/rewind-chain.js";
export { summarizeOrders } from "./trading/trade-report.js";
export { clientGone, type Requester, UserQueue } from "./user-queue.js";
export { viewOf, viewSession } from "./view.js";
