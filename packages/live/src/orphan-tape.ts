import type { BlockCache, RecordedTape, TapeStore } from "@tapedeck/tape";
import type { FeedStore } from "./feed-store.js";
import { GrowingTape, type TapeNature } from "./growing-tape.js";
import type { LiveInstrument } from "./live-tape-id.js";
import { openParts } from "./stored-parts.js";

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
  const { parts, finished } = await openParts(store, name, cache, all);
  const first = parts[0];
  if (finished || first === undefined) return undefined;
  const context = {
    store,
    cache,
    redis: feeds.redis,
    stream: feeds.keys.live(feed.source, feed.symbol),
    catchUp: () => Promise.resolve(),
    heeded: () => undefined,
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
