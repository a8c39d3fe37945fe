import { isoOfMs, isoOfNs, type TapeNs, type TapeView } from "@tapedeck/protocol";
import { parseTapeName, type TapeSpan } from "@tapedeck/tape";
import type { LiveTapeMetadata } from "../segments/write-segment.js";
import type { TailBlock } from "./tail.js";

interface GrowingViewSource {
  readonly tape: Pick<LiveTapeMetadata, "tape" | "symbol" | "source" | "startNs" | "decimals" | "intervalMs">;
  readonly span: TapeSpan;
  readonly gaps: TapeView["gaps"];
  /** Of its segments. */
  readonly stored: readonly TapeView[];
  /** Without it, counts cover what is stored. */
  readonly tail?: readonly TailBlock[];
  /** Whether its event track can be read. */
  readonly hasTrack?: boolean;
}

/** A growing tape in a listing. `bytes` counts the segments, and the frames of the tail. */
export function growingView({ tape, span, gaps, stored, tail = [], hasTrack = false }: GrowingViewSource): TapeView {
  const { id, version = 1 } = parseTapeName(tape.tape);
  const { firstSeq, lastSeq, firstNs, lastNs } = span;
  const iso = (ns: TapeNs) => isoOfNs(tape.startNs + BigInt(Math.floor(ns)), tape.decimals);
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
    from: iso(firstNs),
    to: iso(lastNs),
    duration_ms: (lastNs - firstNs) / 1e6,
    frames: lastSeq - firstSeq + 1,
    trades: sum(stored.map(({ trades }) => trades ?? 0)) + sum(tail.map(({ tradeTotal }) => tradeTotal)),
    bytes: sum(stored.map(({ bytes }) => bytes)) + sum(tail.map(({ textBytes }) => textBytes)),
    interval_ms: tape.intervalMs,
    gaps,
    event_counts: counts,
    event_track: hasTrack,
    growing: span.growing ?? true,
    created_at: isoOfMs(Number(tape.startNs / 1_000_000n)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
