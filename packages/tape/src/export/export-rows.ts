import type { Tape } from "../tape.js";
import { barRows } from "./bar-rows.js";
import { type RangeEnd, rangeOf } from "./export-range.js";
import { frameRows } from "./frame-rows.js";
import type { ExportContent, RowSource } from "./row-source.js";
import { trackRows } from "./track-rows.js";

export interface ExportOptions {
  readonly from?: RangeEnd | undefined;
  readonly to?: RangeEnd | undefined;
  /** Of bars, in nanoseconds; a second by default. */
  readonly intervalNs?: bigint | undefined;
}

/**
 * The rows that an export of a tape has. Rejects with `TrackNotFound` if the tape has no trades and book to export, with `RefusedError` if no
 * frame is in the range, and as `Tape.seqAt` does.
 */
export async function exportRows(
  tape: Tape,
  content: ExportContent,
  { from, to, intervalNs = 1_000_000_000n }: ExportOptions = {},
): Promise<RowSource> {
  const range = await rangeOf(tape, { from, to });
  if (content === "frames") return frameRows(tape, range);
  if (content === "bars") return barRows(tape, range, intervalNs);
  return trackRows(tape, content, { ...range, whole: from === undefined && to === undefined });
}
