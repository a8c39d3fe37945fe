import type { BookBatch, BookOrigin, OrderBatch, TradeBatch, TradeOrigin } from "../../track/batches.js";
import type { TrackDecimals } from "../../track/track.js";
import type { FullBook, TrackPlace, TrackRange } from "../../track/track-reader.js";
import type { SeqRange } from "../export-range.js";
import type { ExportContent, RowTape } from "../row-source.js";

/** A file that an encoding thread makes. */
export interface EncodeTask {
  readonly content: ExportContent;
  readonly range: SeqRange;
  /** With the events that no frame shows. */
  readonly whole: boolean;
  /** Of bars, in nanoseconds. */
  readonly intervalNs: bigint;
  readonly tape: Omit<RowTape, "track" | "load">;
  readonly track: { readonly decimals: TrackDecimals; readonly hasOrders: boolean } | undefined;
}

/** Rows of an event track that are read batch by batch. */
export type BatchKind = "book" | "trades" | "orders";

/** What the thread asks for. */
export type TapeCall =
  | { readonly read: "frames"; readonly seq: number }
  | { readonly read: "batch"; readonly kind: BatchKind; readonly reading: number; readonly range: TrackRange }
  /** The rest of that reading is not needed. */
  | { readonly read: "leave"; readonly reading: number }
  | { readonly read: "book"; readonly place: TrackPlace };

/** Frames of a block, each with what its rows are made of; texts that the content does not need are empty. */
export interface SentFrames {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly ns: readonly number[];
  readonly gapsBefore: readonly number[];
  readonly tradeCounts: readonly number[];
  readonly json: readonly string[];
  readonly trades: readonly string[];
  readonly anomalies: readonly string[];
}

/** What a call read; for batches nothing once there are no more. */
export interface TapeAnswer {
  readonly frames?: SentFrames;
  readonly wholeBook?: FullBook;
  readonly book?: Omit<BookBatch, "origin"> & { readonly ofOrigin: BookOrigin };
  readonly trades?: Omit<TradeBatch, "origin"> & { readonly ofOrigin: TradeOrigin };
  readonly orders?: OrderBatch;
}

/** A task begins another file, and `next` asks for its next part. Failures of calls are not answered: they end the thread. */
export type ToEncoder = { readonly task: EncodeTask } | "next" | { readonly call: number; readonly answer: TapeAnswer };

export type FromEncoder =
  | { readonly call: number; readonly of: TapeCall }
  /** Bytes that follow those before, and how much of the range they end, 0 to 1. */
  | { readonly bytes: Uint8Array<ArrayBuffer>; readonly done: number }
  | "end"
  | { readonly error: string };
