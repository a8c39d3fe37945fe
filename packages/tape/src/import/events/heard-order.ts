import type { EventStream } from "../formats/format.js";
import { mergeStreams } from "./merge-streams.js";
import type { SourceEvent } from "./source-event.js";

/** Rows of one message may come from two streams; this long, in receive time, one waits for the other. */
const companionNs = 1_000_000_000n;
/** How long a message may come after later ones. What is still missing then is not in the streams. */
const missingNs = 60_000_000_000n;

/**
 * The events of streams that are only nearly in the order of receipt, by their `heard` numbers. Trades with the number of a snapshot become a
 * part of it. Numbers may be missing: memory is bounded by the events of two minutes.
 */
export async function* inHeardOrder(streams: readonly EventStream[]): EventStream {
  const waiting = new Map<number, SourceEvent[]>();
  let next = 0;
  let newestNs = 0n;
  /** The newest receive time when `next` was found to be missing. */
  let missingSinceNs: bigint | undefined;
  for await (const events of mergeStreams(streams)) {
    for (const event of events) {
      const { heard = next, receivedNs } = event;
      if (receivedNs > newestNs) newestNs = receivedNs;
      const same = waiting.get(heard);
      if (same === undefined) waiting.set(heard, [event]);
      else same.push(event);
    }
    const ordered: SourceEvent[] = [];
    for (;;) {
      const message = waiting.get(next);
      if (message === undefined || receivedOf(message) + companionNs >= newestNs) break;
      waiting.delete(next++);
      missingSinceNs = undefined;
      ordered.push(...joined(message));
    }
    if (waiting.size > 0 && !waiting.has(next)) missingSinceNs ??= newestNs;
    if (missingSinceNs !== undefined && newestNs - missingSinceNs > missingNs) {
      for (const heard of ascending(waiting)) {
        const message = waiting.get(heard) ?? [];
        if (receivedOf(message) > missingSinceNs) break;
        waiting.delete(heard);
        next = Math.max(next, heard + 1);
        ordered.push(...joined(message));
      }
      missingSinceNs = newestNs;
    }
    yield ordered;
  }
  yield ascending(waiting).flatMap((heard) => joined(waiting.get(heard) ?? []));
}

function ascending(waiting: ReadonlyMap<number, unknown>): number[] {
  return [...waiting.keys()].sort((a, b) => a - b);
}

function receivedOf([first]: readonly SourceEvent[]): bigint {
  return first?.receivedNs ?? 0n;
}

function joined(message: readonly SourceEvent[]): readonly SourceEvent[] {
  const book = message.find(({ kind }) => kind !== "trade");
  if (message.length === 1 || book?.kind !== "snapshot") return message;
  const trades = message.flatMap((event) => {
    if (event.kind !== "trade") return [];
    const { timestamp, price, size, side } = event;
    return [{ timestamp, price, size, side }];
  });
  return [{ ...book, trades }];
}
