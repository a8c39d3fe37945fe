export {
  DamagedBlock,
  DamagedTape,
  StoreUnavailable,
  TapeNotFound,
  TapeWriteError,
  UnknownTapeFormat,
} from "./errors.js";
export type { BlockIndex } from "./format/block-index.js";
export type { Manifest } from "./format/manifest.js";
export { TapeWriter, type TapeWriterOptions } from "./format/tape-writer.js";
export * from "./import/index.js";
export { BlockCache, minCacheBytes } from "./reading/block-cache.js";
export { cuts, nextCut } from "./reading/cuts.js";
export { DamageReports } from "./reading/damage-reports.js";
export { RecordedTape, readManifest, tapeViewOf } from "./reading/recorded-tape.js";
export { render, renderStretch } from "./reading/render.js";
export { longestPlayedGapNs, skippedGapNs, timelineOf } from "./reading/timeline.js";
export { type RecomputeOptions, recompute } from "./recompute.js";
export type { ForkedTape, PlacedOrder, ReadOrders } from "./simulated/forks.js";
export { parseSimulatedName, type SimulatedName, simulatedId } from "./simulated/simulated-name.js";
export { SimulatedTape } from "./simulated/simulated-tape.js";
export { type SimulationRequest, simulatedTapeFor } from "./simulated/simulation-request.js";
export { deleteTape, TapeInUse } from "./store/delete-tape.js";
export { FolderTapeStore } from "./store/folder-store.js";
export { makeFolders } from "./store/make-folders.js";
export { MemoryTapeStore } from "./store/memory-store.js";
export { isFolder, openTapeStore } from "./store/open-store.js";
export { FileMissing, type StagedVersion, type TapeStore } from "./store/store.js";
export { writeFailureReason } from "./store/write-trouble.js";
export * from "./tape.js";
export {
  TapeCatalog,
  type TapeCatalogOptions,
  type TapeOverview,
  type UnfinishedTape,
  type UnfinishedTapes,
} from "./tape-catalog.js";
export { parseTapeName, type TapeName, tapeIdPattern, tapeName } from "./tape-id.js";
