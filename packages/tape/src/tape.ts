import type { Precision } from "@tapedeck/market";
import type { Severity, TapeNs, TapeView, TimeDecimals, TradeSide } from "@tapedeck/protocol";
import type { TrackReader } from "./track/track-reader.js";

/** A frame's index in its tape: 0, 1, 2, ... */
export type Seq = number;

/** A place on a tape: a tape time, and the last frame at or before it. */
export interface TapePosition {
  readonly seq: Seq;
  readonly ns: TapeNs;
}

/** A time in which the source was silent or broken: no frame lies between `fromNs` and `toNs`. */
export interface Gap {
  /** The frame before the gap; the one after it is `afterSeq + 1`. */
  readonly afterSeq: Seq;
  readonly fromNs: TapeNs;
  readonly toNs: TapeNs;
  readonly reason: string;
}

/** How playback treats a marked gap of more than 5 s: as 1 s (`skip`), or in full (`keep`). */
export type GapPolicy = "skip" | "keep";

/** Converts tape time to playing time, in which skipped gaps are shortened. Both are nanoseconds since the tape's start and grow together. */
export interface Timeline {
  playingOf(ns: TapeNs): number;
  /** Within the remaining second of a skipped gap this is the gap's beginning, until the second has passed. */
  tapeOf(playingNs: number): TapeNs;
}

/** The extent of a tape as a value, for rules without I/O. `firstSeq` and `firstNs` are 0 unless retention has cut the tape. */
export interface TapeSpan {
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
  readonly firstNs: TapeNs;
  readonly lastNs: TapeNs;
  readonly growing: boolean;
}

/** An event that a user can jump to. */
export interface TapeEvent {
  readonly seq: Seq;
  readonly ns: TapeNs;
  readonly type: string;
  readonly severity: Severity;
}

/** Which events match: those of one type, and at least this severe. */
export interface EventFilter {
  readonly type?: string;
  readonly minSeverity?: Severity;
}

/** Frames `firstSeq..lastSeq`, decompressed, with the values of each that cutting and merging need. Bytes are ASCII. */
export interface Block {
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
  /** Bytes it takes in memory. */
  readonly size: number;
  nsOf(seq: Seq): TapeNs;
  tradeCountOf(seq: Seq): number;
  /** The last frame of this block at or before `ns`, or `firstSeq - 1` if all are later. */
  seqAt(ns: TapeNs): Seq;
  /** The frame's JSON as it was recorded. */
  json(seq: Seq): string;
  /** The JSON up to its trade fields, which a merged frame replaces. */
  head(seq: Seq): string;
  /** The text between the brackets of `trades`, and of `anomalies`; empty if there are none. */
  trades(seq: Seq): string;
  anomalies(seq: Seq): string;
  /** Sum of the trades' sizes, 0 without trades. The next three are meaningless without trades. */
  tradeVolumeOf(seq: Seq): number;
  lastTradePriceOf(seq: Seq): number;
  lastTradeSideOf(seq: Seq): TradeSide;
  effectiveSpreadOf(seq: Seq): number | null;
  /** Length of the marked gap that ends with this frame; 0 without one. */
  gapBeforeNsOf(seq: Seq): number;
}

/**
 * A block is not in memory: `await tape.load(seqToLoad)` and try again. Or call `cuts` and `render`, which wait, and need a cache of
 * no more than two blocks.
 */
export interface CacheMiss {
  readonly seqToLoad: Seq;
}

export function isCacheMiss(value: string | object | undefined): value is CacheMiss {
  return typeof value === "object" && "seqToLoad" in value;
}

/** What is known of each block without reading it. Times and frames beyond the tape belong to its first or last block. */
export interface TapeIndex {
  readonly blocks: number;
  blockOf(seq: Seq): number;
  firstSeq(block: number): Seq;
  lastSeq(block: number): Seq;
  firstNs(block: number): TapeNs;
  lastNs(block: number): TapeNs;
  /** Infinity if only the block itself knows. */
  trades(block: number): number;
  /** The block has neither trades nor anomalies nor gaps, so merging it into a later frame leaves no trace. */
  bookOnly(block: number): boolean;
}

/** One opened version of a tape. Opening reads manifest and index; blocks are read through a cache that the process shares. */
export interface Tape {
  /** `id@version`, as sessions store it. */
  readonly id: string;
  readonly symbol: string;
  readonly source: string;
  /** Nanoseconds since 1970 of tape time 0. */
  readonly startNs: bigint;
  readonly decimals: TimeDecimals;
  readonly precision: Precision;
  readonly span: TapeSpan;
  readonly gaps: readonly Gap[];
  readonly index: TapeIndex;
  /** Each change and trade that its source said; absent on a tape that has frames only. */
  readonly track?: TrackReader | undefined;
  /** A range of events, or an export, needs both ends, and they are at most so far apart: absent where what is read is there already. */
  readonly longestRangeNs?: TapeNs | undefined;
  /** While the tape grows: where its market is by now, in nanoseconds since its start, though no frame may have shown that yet. */
  readonly edgeNs?: TapeNs | undefined;
  /** The tape as it was before anything happened that its frames up to `seq` do not show; absent where that is always itself. */
  asOf?(seq: Seq): Tape;
  timeline(policy: GapPolicy): Timeline;
  /** ISO text of a tape time, with the source's decimals. */
  iso(ns: TapeNs): string;
  /** The block with `seq` if it is in memory: for the hot path. */
  block(seq: Seq): Block | undefined;
  /** The block with `seq`. Rejects with `DamagedBlock`. */
  load(seq: Seq): Promise<Block>;
  /** Last frame at or before a time; the first frame if the time is before it. */
  seqAt(ns: TapeNs): Promise<Seq>;
  nsOf(seq: Seq): Promise<TapeNs>;
  /** How far `findEvent` searches; infinite if it searches the whole tape. */
  readonly eventHorizonNs: TapeNs;
  /** The nearest event after or before a frame. Rejects with the signal's reason once that aborts. */
  findEvent(
    from: Seq,
    direction: "next" | "previous",
    filter: EventFilter,
    signal?: AbortSignal,
  ): Promise<TapeEvent | undefined>;
  view(): TapeView;
}

/**
 * How a session plays, from which the cuts follow: cell k of the grid is the playing time in
 * (anchor + (k-1) * cell, anchor + k * cell], cell = speed / maxFps seconds. All frames of a cell become one message at the time of
 * the last of them, so a frame alone in its cell keeps its own time, and all nodes cut alike.
 */
export interface Pace {
  readonly timeline: Timeline;
  readonly anchorNs: TapeNs;
  readonly speed: number;
  /** The frame cap. 0: every frame is a message of its own. */
  readonly maxFps: number;
}

/** Where a message ends: it represents the frames after the previous cut, up to `seq`. */
export interface Cut {
  readonly seq: Seq;
  readonly ns: TapeNs;
}
