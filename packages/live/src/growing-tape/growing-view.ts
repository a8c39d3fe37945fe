import { isoOfMs, type TapeView } from "@tapedeck/protocol";
import { parseTapeName, type RecordedTape, type Tape } from "@tapedeck/tape";
import type { TailBlock } from "./tail.js";

/** What a listing says of a growing tape. `bytes` is what lies in the store, and the frames that do not yet. */
export function growingView(
  tape: Pick<Tape, "id" | "symbol" | "source" | "startNs" | "span" | "gaps" | "iso">,
  intervalMs: number | null,
  parts: readonly RecordedTape[],
  tail: readonly TailBlock[],
): TapeView {
  const { id, version = 1 } = parseTapeName(tape.id);
  const { firstSeq, lastSeq, firstNs, lastNs, growing } = tape.span;
  const stored = parts.map((part) => part.view());
  const counts: Record<string, number> = {};
  const count = (type: string, by: number) => {
    counts[type] = (counts[type] ?? 0) + by;
  };
  for (const { event_counts } of stored) for (const [type, by] of Object.entries(event_counts ?? {})) count(type, by);
  for (const { events } of tail) for (const { type } of events) count(type, 1);
  return {
    id,
    version,
    symbol: tape.symbol,
    source: tape.source,
    from: tape.iso(firstNs),
    to: tape.iso(lastNs),
    duration_ms: (lastNs - firstNs) / 1e6,
    frames: lastSeq - firstSeq + 1,
    trades: sum(stored.map(({ trades }) => trades ?? 0)) + sum(tail.map(({ tradeTotal }) => tradeTotal)),
    bytes: sum(stored.map(({ bytes }) => bytes)) + sum(tail.map(({ textBytes }) => textBytes)),
    interval_ms: intervalMs,
    gaps: tape.gaps.map(({ fromNs, toNs, reason }) => ({ from: tape.iso(fromNs), to: tape.iso(toNs), reason })),
    event_counts: counts,
    growing,
    created_at: isoOfMs(Number(tape.startNs / 1_000_000n)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
