export { apply } from "./apply.js";
export {
  type FrameHead,
  frameHead,
  parseHead,
  type StateHead,
  stateHead,
} from "./channel.js";
export type { SourceWish, Tapes } from "./choose-mode.js";
export { type CreateChoice, Deck, type DeckOptions, type Opened, type Performed } from "./deck.js";
export type { EndedEpoch } from "./epochs.js";
export { type Feeds, type FeedUser, feedUserOf, noFeeds } from "./feeds.js";
export { type SessionHash, UnreadableSession } from "./hash-reader.js";
export type { Instruction, Moment, SystemCommand } from "./instruction.js";
export { type Keys, keysWith } from "./keys.js";
export { LastingQueue } from "./lasting-queue.js";
export {
  type LeaseJob,
  LeaseQueue,
  type LeaseQueueOptions,
  leaseJobId,
  leaseJobName,
  leaseQueueNames,
  leaseQueueOf,
  upkeepQueue,
} from "./lease-queue.js";
export type { ListPage, ListQuery } from "./list.js";
export { leastLoopMs } from "./loop.js";
export { midAt } from "./mid-price.js";
export type { KeptOrder } from "./orders.js";
export { endOf, momentOn, startOf } from "./places.js";
export { type DeckTape, endNsOf, isMoving, type Playable, playheadAt, positionAt, wallAt } from "./playhead.js";
export { claimMs, hasLiveTicker, needsTicker, type SessionRecord, waitsForItsTape } from "./record.js";
export { decodeRecord, decodeState, encodeRecord, traceOf } from "./record-codec.js";
export { type AccountName, accountNames, accountsWith, aclFile } from "./redis-accounts.js";
export { answered, refusalOfRedis } from "./redis-away.js";
export { resolve } from "./resolve.js";
export { defineSessionScripts } from "./scripts/scripts.js";
export {
  type ReplaceOutcome,
  type SessionCaps,
  SessionStore,
  type StoredSession,
  type StoreOptions,
} from "./store.js";
export { stallMs } from "./system.js";
export { reported } from "./trade-report.js";
export { SessionUpkeep, type UpkeepOptions } from "./upkeep.js";
export { type Asker, askerGone, UserQueue } from "./user-queue.js";
export { type ViewContext, viewOf } from "./view.js";
