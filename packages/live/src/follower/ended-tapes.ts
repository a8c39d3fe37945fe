import type { BlockCache, RecordedTape, TapeStore } from "@tapedeck/tape";
import type { FeedStore } from "../feed-store/feed-store.js";
import type { LiveInstrument } from "../feed-store/live-tape-id.js";
import { GrowingTape, type TapeNature } from "../growing-tape/growing-tape.js";
import { openSegments } from "../segments/open-segments.js";

export interface OrphanContext {
  readonly feeds: FeedStore;
  readonly store: TapeStore;
  readonly cache: BlockCache;
}

/**
 * A tape that no feed goes on with and that is not finished yet: it has ended a moment ago, or Redis has lost it. Undefined where
 * it is finished, or there are no parts of it.
 */
export async function orphanTape(
  feed: LiveInstrument,
  name: string,
  { feeds, store, cache }: OrphanContext,
): Promise<GrowingTape | undefined> {
  const all = { fromSeq: 0, toSeq: -1 };
  const { segments, finished } = await openSegments(store, name, cache, all);
  const first = segments[0];
  if (finished || first === undefined) return undefined;
  const context = {
    store,
    cache,
    redis: feeds.redis,
    stream: feeds.keys.live(feed.source, feed.symbol),
    catchUp: () => Promise.resolve(),
    onListen: () => undefined,
    onError: () => undefined,
  };
  const cover = { fromSeq: first.span.firstSeq, toSeq: first.span.firstSeq - 1 };
  const tape = await GrowingTape.open(natureOf(name, first), context, cover);
  tape.end();
  return tape;
}

function natureOf(name: string, { manifest, source, symbol, startNs, decimals, precision }: RecordedTape): TapeNature {
  return { tape: name, source, symbol, startNs, decimals, intervalMs: manifest.interval_ms, ...precision };
}
