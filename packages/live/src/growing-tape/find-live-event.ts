import type { EventFilter, RecordedTape, Seq, TapeEvent } from "@tapedeck/tape";
import { severityRank } from "@tapedeck/tape/blocks";
import type { Tail } from "./tail.js";

/** The nearest event after (`next`) or before frame `from`, in the parts of a tape and the tail that follows on them. */
export async function findLiveEvent(
  parts: readonly RecordedTape[],
  tail: Tail,
  from: Seq,
  direction: "next" | "previous",
  filter: EventFilter,
  signal?: AbortSignal,
): Promise<TapeEvent | undefined> {
  const next = direction === "next";
  const least = filter.minSeverity === undefined ? 0 : severityRank(filter.minSeverity);
  const fits = ({ seq, type, severity }: TapeEvent) =>
    (next ? seq > from : seq < from) &&
    (filter.type === undefined || type === filter.type) &&
    severityRank(severity) >= least;
  const recent = [...tail.blocks()].flatMap(({ events }) => events);
  const latest = next ? undefined : recent.findLast(fits);
  if (latest !== undefined) return latest;
  for (const part of next ? parts : [...parts].reverse()) {
    const { firstSeq, lastSeq } = part.span;
    if (next ? lastSeq <= from : firstSeq >= from) continue;
    const found = await part.findEvent(from, direction, filter, signal);
    if (found !== undefined) return found;
  }
  return next ? recent.find(fits) : undefined;
}
