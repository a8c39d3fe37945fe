export {
  DamagedBlock,
  DamagedTape,
  OrdersNotFound,
  StoreNotWritable,
  StoreUnavailable,
  TapeInUse,
  TapeNotFound,
  TapeWriteError,
  TrackNotFound,
  writeFailureReason,
} from "./errors.js";
export * from "./export/index.js";
export { TapeWriter, type TapeWriterOptions } from "./format/tape-writer.js";
export * from "./import/index.js";
export { RangeRefused } from "./range-limit.js";
export { BlockCache, minCacheBytes } from "./reading/block-cache.js";
export { cuts, nextCut } from "./reading/cuts.js";
export { DamageReports } from "./reading/damage-reports.js";
export { RecordedTape, readManifest, tapeViewOf } from "./reading/recorded-tape.js";
export { render, renderStretch } from "./reading/render.js";
export { timelineOf } from "./reading/timeline.js";
export { recompute } from "./recompute.js";
export type { ForkedTape, PlacedOrder, ReactingTape, SettledOrder } from "./simulated/forks.js";
export { simulatedTapeInPlace } from "./simulated/in-place-generator.js";
export { lastSharedFrame } from "./simulated/sharing/shared-frames.js";
export { parseSimulatedName } from "./simulated/simulated-name.js";
export { simulatedTapeFor } from "./simulated/simulation-request.js";
export { awaitTapeStore } from "./store/await-store.js";
export { type DeletedVersion, deleteTape, selectVersions } from "./store/delete-tape.js";
export { FolderTapeStore } from "./store/folder-store.js";
export { makeFolders } from "./store/make-folders.js";
export { MemoryTapeStore } from "./store/memory-store.js";
export { isFolder, openTapeStore } from "./store/open-store.js";
export { FileMissing, type TapeStore } from "./store/store.js";
export { tapeVersions } from "./store/tape-versions.js";
export * from "./tape.js";
export {
  type NamedTape,
  openIfExists,
  TapeCatalog,
  type UnfinishedTape,
  type UnfinishedTapes,
} from "./tape-catalog.js";
export { liveTapeIdPattern, parseTapeName, tapeIdPattern, tapeName } from "./tape-id.js";
export {
  type BookBatch,
  bookSides,
  effectiveStates,
  type OrderBatch,
  type TradeBatch,
  tradeSides,
} from "./track/batches.js";
export { BookReplay } from "./track/book-replay.js";
export { EventTrack } from "./track/event-track.js";
export {
  type EventState,
  eventStates,
  type StoredTrackFile,
  storedTrackFiles,
  type TrackDecimals,
  type TrackFile,
  trackFiles,
} from "./track/track.js";
export { TrackFileContent } from "./track/track-file-content.js";
export { pinnedTrackOf, trackOf } from "./track/track-of.js";
export type * from "./track/track-reader.js";
export { decimalText } from "./track/tracked-events.js";
