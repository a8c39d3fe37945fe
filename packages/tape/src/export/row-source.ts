import type { TimeDecimals } from "@tapedeck/protocol";
import type { Block, Seq, Tape } from "../tape.js";
import type { Column, GroupValues } from "../track/parquet-file.js";
import type { RowTrack } from "../track/track-of.js";

/** What rows need of a block. */
export type RowBlock = Pick<
  Block,
  "firstSeq" | "lastSeq" | "nsOf" | "tradeCountOf" | "json" | "trades" | "anomalies" | "gapBeforeNsOf"
>;

/** What rows need of a tape: it may be that of another thread. */
export interface RowTape
  extends Pick<Tape, "id" | "source" | "symbol" | "startNs" | "decimals" | "precision" | "span"> {
  readonly track?: RowTrack | undefined;
  load(seq: Seq): Promise<RowBlock>;
}

/** What of a tape can be exported. */
export const exportContents = ["trades", "book", "frames", "bars", "orders"] as const;
export type ExportContent = (typeof exportContents)[number];

/** Rows in columns: times are nanoseconds since 1970 and decimals are units of the last decimal, both as bigints. */
export interface RowBatch {
  readonly rows: number;
  /** By the column's name; null or undefined where an optional column has no value. */
  readonly values: GroupValues;
  /** How much of the range is done after this batch, 0 to 1. */
  readonly done: number;
}

/** A column of a text format, where it is not the column itself. */
export interface TextColumn {
  readonly name: string;
  /** The column that it shows. */
  readonly of: Column;
  /** For times: whole microseconds since 1970, as Tardis has them, instead of ISO 8601. */
  readonly microseconds?: boolean;
}

/** Rows of a tape, read as they are asked for: memory does not grow with the tape's length. */
export interface RowSource {
  readonly columns: readonly Column[];
  /** Those of CSV, if they are not the same. */
  readonly csvColumns?: readonly TextColumn[];
  /** Of a second, in the texts of times. */
  readonly timeDecimals: TimeDecimals;
  /** Whether the batches of a tape's rows end at the same rows each time, however the tape is stored. */
  readonly sameCuts?: boolean;
  /** Rejects with `DamagedTape` or `StoreUnavailable`. */
  batches(): AsyncGenerator<RowBatch, void, undefined>;
}
