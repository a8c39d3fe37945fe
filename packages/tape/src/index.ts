export { BlockCache, leastCacheBytes } from "./block-cache.js";
export type { BlockIndex } from "./block-index.js";
export { cuts, nextCut } from "./cuts.js";
export { DamageReports } from "./damage-reports.js";
export { deleteTape, TapeInUse } from "./delete-tape.js";
export { FolderTapeStore } from "./folder-store.js";
export * from "./import/index.js";
export { makeFolders } from "./make-folders.js";
export type { Manifest } from "./manifest.js";
export { MemoryTapeStore } from "./memory-store.js";
export { isFolder, openTapeStore } from "./open-store.js";
export { type RecomputeOptions, recompute } from "./recompute.js";
export { RecordedTape, readManifest, viewOf } from "./recorded-tape.js";
export { render, renderStretch } from "./render.js";
export type { ForkedTape, GivenOrder, ReadOrders } from "./simulated/forks.js";
export { parseSimulatedName, type SimulatedName, simulatedId } from "./simulated/simulated-name.js";
export { SimulatedTape } from "./simulated/simulated-tape.js";
export { type SimulatedWish, simulatedTapeFor } from "./simulated/simulated-wish.js";
export { type Draft, FileMissing, type TapeStore } from "./store.js";
export * from "./tape.js";
export {
  TapeCatalog,
  type TapeCatalogOptions,
  type TapeOverview,
  type UnfinishedTape,
  type UnfinishedTapes,
} from "./tape-catalog.js";
export {
  DamagedBlock,
  DamagedTape,
  StoreAway,
  TapeNotFound,
  TapeWriteError,
  UnknownTapeFormat,
} from "./tape-errors.js";
export { parseTapeName, type TapeName, tapeIdPattern, tapeName } from "./tape-id.js";
export { TapeWriter, type TapeWriterOptions } from "./tape-writer.js";
export { longestPlayedGapNs, skippedGapNs, timelineOf } from "./timeline.js";
export { whyNotWritten } from "./write-trouble.js";
