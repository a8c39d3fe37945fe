import type { BlockIndex } from "../format/block-index.js";
import { decodeEvent, eventBytes, severityRank } from "../format/events.js";
import type { EventFilter, Seq, TapeEvent } from "../tape.js";

interface EventFile {
  readonly types: readonly string[];
  readonly bytes: number;
  read(offset: number, length: number): Promise<Buffer>;
}

/** Events read at a time, 48 KB. Block by block, a search through a long tape in a bucket would take a request for each block. */
const eventsAtOnce = 2_048;

/** The nearest event after (`next`) or before (`previous`) frame `from`. The index says which blocks may have one, so few events are read. */
export async function findEvent(
  index: BlockIndex,
  events: EventFile,
  from: Seq,
  direction: "next" | "previous",
  filter: EventFilter,
  signal?: AbortSignal,
): Promise<TapeEvent | undefined> {
  const step = direction === "next" ? 1 : -1;
  const type = filter.type === undefined ? undefined : events.types.indexOf(filter.type);
  if (type === -1) return undefined;
  const leastRank = filter.minSeverity === undefined ? 0 : severityRank(filter.minSeverity);
  const total = events.bytes / eventBytes;
  let read: { first: number; end: number; bytes: Buffer } = { first: 0, end: 0, bytes: Buffer.alloc(0) };
  for (let block = index.blockOf(from); block >= 0 && block < index.blocks; block += step) {
    const first = index.firstEvent(block);
    const end = block + 1 < index.blocks ? index.firstEvent(block + 1) : total;
    if (first === end || (type !== undefined && !index.mayHoldEvent(block, type))) continue;
    if (first < read.first || end > read.end) {
      signal?.throwIfAborted();
      const ahead = step > 0 ? { first, end: Math.max(end, first + eventsAtOnce) } : { first: end - eventsAtOnce, end };
      const [readFirst, readEnd] = [Math.max(0, Math.min(first, ahead.first)), Math.min(total, ahead.end)];
      const bytes = await events.read(readFirst * eventBytes, (readEnd - readFirst) * eventBytes);
      read = { first: readFirst, end: readEnd, bytes };
    }
    for (let n = step > 0 ? first : end - 1; n >= first && n < end; n += step) {
      const event = decodeEvent(read.bytes, (n - read.first) * eventBytes, events.types);
      const beyond = step > 0 ? event.seq > from : event.seq < from;
      if (!beyond || severityRank(event.severity) < leastRank) continue;
      if (type === undefined || event.type === filter.type) return event;
    }
  }
  return undefined;
}
