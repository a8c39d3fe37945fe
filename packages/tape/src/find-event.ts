import type { Severity } from "@tapedeck/protocol";
import type { BlockIndex } from "./block-index.js";
import { decodeEvent, eventBytes, rankOf } from "./events.js";
import type { Seq, TapeEvent } from "./tape.js";

interface EventFile {
  readonly types: readonly string[];
  readonly bytes: number;
  read(offset: number, length: number): Promise<Buffer>;
}

/**
 * The nearest event after (`next`) or before frame `from`. The index tells which blocks may hold one, so only their events
 * are read.
 */
export async function findEvent(
  index: BlockIndex,
  events: EventFile,
  from: Seq,
  direction: "next" | "previous",
  filter: { type?: string; minSeverity?: Severity },
): Promise<TapeEvent | undefined> {
  const step = direction === "next" ? 1 : -1;
  const type = filter.type === undefined ? undefined : events.types.indexOf(filter.type);
  if (type === -1) return undefined;
  const leastRank = filter.minSeverity === undefined ? 0 : rankOf(filter.minSeverity);
  const total = events.bytes / eventBytes;
  for (let block = index.blockOf(from); block >= 0 && block < index.blocks; block += step) {
    const first = index.firstEvent(block);
    const end = block + 1 < index.blocks ? index.firstEvent(block + 1) : total;
    if (first === end || (type !== undefined && !index.mayHoldEvent(block, type))) continue;
    const bytes = await events.read(first * eventBytes, (end - first) * eventBytes);
    const count = end - first;
    for (let at = step > 0 ? 0 : count - 1; at >= 0 && at < count; at += step) {
      const event = decodeEvent(bytes, at * eventBytes, events.types);
      const beyond = step > 0 ? event.seq > from : event.seq < from;
      if (!beyond || rankOf(event.severity) < leastRank) continue;
      if (type === undefined || event.type === filter.type) return event;
    }
  }
  return undefined;
}
