export { type Feeds, type FeedUser, feedUserOf, noFeeds } from "./feeds.js";
export { SessionMaintenance, type SessionMaintenanceOptions } from "./maintenance.js";
export { midAt } from "./mid-price.js";
export { type Keys, keysWith } from "./redis/keys.js";
export { ReconnectingQueue } from "./redis/reconnecting-queue.js";
export { type AccountName, accountNames, accountsWith, aclFile } from "./redis/redis-accounts.js";
export { asUnavailable, orUnavailable } from "./redis/unavailable.js";
export { apply } from "./rules/apply.js";
export type { TapeSelector, Tapes } from "./rules/choose-mode.js";
export type { Moment, ResolvedCommand, SystemCommand } from "./rules/commands.js";
export type { EndedEpoch } from "./rules/ended-epoch.js";
export { minLoopMs } from "./rules/loop.js";
export { endOfRange, momentOnTape, startOfRange } from "./rules/places.js";
export {
  endNsOf,
  isMoving,
  type Playable,
  playheadAt,
  positionAt,
  type SeekableTape,
  wallAt,
} from "./rules/playhead.js";
export { claimMs, hasLiveTicker, needsTicker, type SessionRecord, waitsForItsTape } from "./rules/record.js";
export { resolve } from "./rules/resolve.js";
export { stallMs } from "./rules/system.js";
export {
  type CommandResult,
  type CreateChoice,
  type OpenResult,
  SessionService,
  type SessionServiceOptions,
} from "./service.js";
export {
  type FrameHead,
  frameHead,
  parseHead,
  type StateHead,
  stateHead,
} from "./store/channel.js";
export { type SessionHash, UnreadableSession } from "./store/hash-reader.js";
export type { ListPage, ListQuery } from "./store/list.js";
export { decodeRecord, decodeState, encodeRecord, traceOf } from "./store/record-codec.js";
export { defineSessionScripts } from "./store/scripts/scripts.js";
export {
  type ReplaceOutcome,
  type SessionCaps,
  SessionStore,
  type SessionStoreOptions,
  type StoredSession,
} from "./store/store.js";
export {
  maintenanceQueue,
  type TickerJob,
  TickerQueue,
  type TickerQueueOptions,
  tickerJobId,
  tickerJobName,
  tickerQueueNames,
  tickerQueueOf,
} from "./ticker-queue.js";
export type { StoredOrder } from "./trading/orders.js";
export { summarizeOrders } from "./trading/trade-report.js";
export { clientGone, type Requester, UserQueue } from "./user-queue.js";
export { type ViewContext, viewOf } from "./view.js";
