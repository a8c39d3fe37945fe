import type { EventStream } from "../formats/format.js";
import type { SourceEvent } from "./source-event.js";

interface OpenStream {
  readonly rest: AsyncIterator<readonly SourceEvent[]>;
  events: readonly SourceEvent[];
  at: number;
}

/**
 * Merges streams by receive time: files of consecutive days follow each other, files of the same time interleave. The order
 * within a file stays as it is, right or wrong.
 */
export async function* mergeStreams(streams: readonly EventStream[]): AsyncGenerator<readonly SourceEvent[]> {
  const open: OpenStream[] = [];
  try {
    for (const stream of streams) {
      const one: OpenStream = { rest: stream[Symbol.asyncIterator](), events: [], at: 0 };
      open.push(one);
      if (!(await refill(one))) open.pop();
    }
    yield* merged(open);
  } finally {
    // A failed import closes the files that it has not read to their end.
    for (const one of open) await one.rest.return?.();
  }
}

async function* merged(open: OpenStream[]): AsyncGenerator<readonly SourceEvent[]> {
  while (open.length > 0) {
    const next = earliest(open);
    const limit = secondEarliest(open, next);
    const from = next.at;
    // Everything received before any other file's next event is yielded at once.
    while (next.at < next.events.length) {
      const event = next.events[next.at];
      if (limit !== undefined && event !== undefined && event.receivedNs > limit && next.at > from) break;
      next.at++;
    }
    yield next.events.slice(from, next.at);
    if (next.at === next.events.length && !(await refill(next))) open.splice(open.indexOf(next), 1);
  }
}

async function refill(one: OpenStream): Promise<boolean> {
  for (;;) {
    const { value, done } = await one.rest.next();
    if (done) return false;
    one.events = value;
    one.at = 0;
    if (one.events.length > 0) return true;
  }
}

/** Ties go to the file that was named first. */
function earliest(open: readonly OpenStream[]): OpenStream {
  return open.reduce((best, one) => (receivedOf(one) < receivedOf(best) ? one : best));
}

function secondEarliest(open: readonly OpenStream[], first: OpenStream): bigint | undefined {
  let second: bigint | undefined;
  for (const one of open) {
    if (one !== first && (second === undefined || receivedOf(one) < second)) second = receivedOf(one);
  }
  return second;
}

function receivedOf({ events, at }: OpenStream): bigint {
  return events[at]?.receivedNs ?? 0n;
}
