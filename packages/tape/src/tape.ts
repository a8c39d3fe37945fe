import type { Precision } from "@tapedeck/market";
import type { Severity, TapeNs, TapeView, TimeDecimals, TradeSide } from "@tapedeck/protocol";

/** A frame's index in its tape: 0, 1, 2, ... */
export type Seq = number;

/** Where a playhead stands: its tape time, and the last frame at or before it. */
export interface TapePosition {
  readonly seq: Seq;
  readonly ns: TapeNs;
}

/** A stretch in which the source is known to be silent or broken: no frame lies between `fromNs` and `toNs`. */
export interface Gap {
  /** The frame before the gap; the one after it is `afterSeq + 1`. */
  readonly afterSeq: Seq;
  readonly fromNs: TapeNs;
  readonly toNs: TapeNs;
  readonly reason: string;
}

/** What playing looks like over a gap: a marked gap of more than 5 s counts as 1 s (`skip`), or as long as it was (`keep`). */
export type GapPolicy = "skip" | "keep";

/** Playing time: tape time with the skipped gaps taken out. Both are nanoseconds since the tape's start and grow together. */
export interface Timeline {
  playingOf(ns: TapeNs): number;
  /** Inside what is left of a skipped gap this is the time of the frame before it until the gap's second has passed. */
  tapeOf(playingNs: number): TapeNs;
}

/** The extent of a tape as a value, for rules that do no I/O. `firstSeq` and `firstNs` are 0 but for tapes cut by retention. */
export interface TapeSpan {
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
  readonly firstNs: TapeNs;
  readonly lastNs: TapeNs;
  readonly growing: boolean;
}

/** Something worth jumping to. */
export interface TapeEvent {
  readonly seq: Seq;
  readonly ns: TapeNs;
  readonly type: string;
  readonly severity: Severity;
}

/** Which events count: of one type, and no less grave. */
export interface EventFilter {
  readonly type?: string;
  readonly minSeverity?: Severity;
}

/** Frames `firstSeq..lastSeq`, decompressed, with what cutting and merging need to know of each. Bytes are ASCII. */
export interface Block {
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
  /** Bytes it takes in memory. */
  readonly size: number;
  nsOf(seq: Seq): TapeNs;
  tradeCountOf(seq: Seq): number;
  /** The last frame of this block at or before `ns`, or `firstSeq - 1` where all are later. */
  seqAt(ns: TapeNs): Seq;
  /** The frame's JSON as it was recorded. */
  json(seq: Seq): string;
  /** The JSON up to its trade fields, which a merged frame has of its own. */
  head(seq: Seq): string;
  /** What stands between the brackets of `trades`, and of `anomalies`; empty where there are none. */
  trades(seq: Seq): string;
  anomalies(seq: Seq): string;
  /** Sum of the trades' sizes, 0 without trades. The next three mean something only where there are trades. */
  tradeVolumeOf(seq: Seq): number;
  lastTradePriceOf(seq: Seq): number;
  lastTradeSideOf(seq: Seq): TradeSide;
  effectiveSpreadOf(seq: Seq): number | null;
  /** Length of the marked gap that ends with this frame; 0 without one. */
  gapBeforeNsOf(seq: Seq): number;
}

/**
 * The block holding `missing` is not in memory: `await tape.load(missing)` and ask again, or let `cuts` and `render`, which
 * also manage when the cache is too small for all the blocks of a stretch, wait for it.
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
  /** Infinity where only the block itself knows. */
  trades(block: number): number;
  /** Nothing in the block outlives its merging into a later frame: neither trades nor anomalies nor gaps. */
  bookOnly(block: number): boolean;
}

/** One opened version of a tape. Opening reads manifest and index; blocks come through a cache that is shared by the process. */
export interface Tape {
  /** `id@version`, as sessions hold it. */
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
  timeline(policy: GapPolicy): Timeline;
  /** ISO text of a tape time, with the source's decimals. */
  iso(ns: TapeNs): string;
  /** The block holding `seq` if it is in memory: for the hot path. */
  block(seq: Seq): Block | undefined;
  /** The block holding `seq`. Rejects with `DamagedBlock` naming tape and block. */
  load(seq: Seq): Promise<Block>;
  /** Last frame at or before a time; the first frame where the time lies before it. */
  seqAt(ns: TapeNs): Promise<Seq>;
  nsOf(seq: Seq): Promise<TapeNs>;
  /** How far `findEvent` looks; infinite where it looks at the whole tape. */
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
 * The rate at which a deck plays, from which the cuts follow: cell k of the grid is the playing time in
 * (anchor + (k-1) * cell, anchor + k * cell], cell = speed / maxFps seconds. All frames of a cell go out as one message at
 * the time of the last of them, so a frame alone in its cell keeps its own time, and any node cuts alike.
 */
export interface Pace {
  readonly timeline: Timeline;
  readonly anchorNs: TapeNs;
  readonly speed: number;
  /** 0: every frame is a message of its own. */
  readonly maxFps: number;
}

/** A message to be: it stands for the frames (after, seq]. */
export interface Cut {
  readonly seq: Seq;
  readonly ns: TapeNs;
}
