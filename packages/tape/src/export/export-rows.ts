import type { Tape } from "../tape.js";
import { barRows } from "./bar-rows.js";
import { type RangeEnd, rangeOf } from "./export-range.js";
import { frameRows } from "./frame-rows.js";
import { orderRows } from "./order-rows.js";
import type { ExportContent, RowSource } from "./row-source.js";
import { trackRows } from "./track-rows.js";

export interface ExportOptions {
  readonly from?: RangeEnd | undefined;
  readonly to?: RangeEnd | undefined;
  /** Of bars, in nanoseconds; a second by default. */
  readonly intervalNs?: bigint | undefined;
}

/**
 * The rows that an export of a tape has. Rejects with `TrackNotFound` or `OrdersNotFound` if the tape has no such events, with `RefusedError` if no
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
  const events = { ...range, whole: from === undefined && to === undefined };
  return content === "orders" ? orderRows(tape, events) : trackRows(tape, content, events);
}
