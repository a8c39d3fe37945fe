import type { EventFilter, RecordedTape, Seq, TapeEvent } from "@tapedeck/tape";
import { severityRank } from "@tapedeck/tape/blocks";
import type { Tail } from "./tail.js";

/** The nearest event after (`next`) or before frame `from`, in the segments and the tail. */
export async function findEvent(
  segments: readonly RecordedTape[],
  tail: Tail,
  from: Seq,
  direction: "next" | "previous",
  filter: EventFilter,
  signal?: AbortSignal,
): Promise<TapeEvent | undefined> {
  const next = direction === "next";
  const minRank = filter.minSeverity === undefined ? 0 : severityRank(filter.minSeverity);
  const matches = ({ seq, type, severity }: TapeEvent) =>
    (next ? seq > from : seq < from) &&
    (filter.type === undefined || type === filter.type) &&
    severityRank(severity) >= minRank;
  const recent = [...tail.blocks()].flatMap(({ events }) => events);
  const latest = next ? undefined : recent.findLast(matches);
  if (latest !== undefined) return latest;
  for (const segment of next ? segments : [...segments].reverse()) {
    const { firstSeq, lastSeq } = segment.span;
    if (next ? lastSeq <= from : firstSeq >= from) continue;
    const found = await segment.findEvent(from, direction, filter, signal);
    if (found !== undefined) return found;
  }
  return next ? recent.find(matches) : undefined;
}
