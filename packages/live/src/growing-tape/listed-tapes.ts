import { isoOfMs, isoOfNs, type TapeView } from "@tapedeck/protocol";
import { parseTapeName, readManifest, type TapeStore, tapeViewOf } from "@tapedeck/tape";
import { LRUCache } from "lru-cache";
import type { FeedRecord } from "../feed-store/feed-record.js";
import type { FeedStore } from "../feed-store/feed-store.js";
import { contiguousSegments, type SegmentName } from "../segments/segment-name.js";
import { readNewestFrame } from "../stream/read-frames.js";

/** Parts whose views are kept: they never change. */
const partsKept = 10_000;

/** What a listing says of growing tapes that this process does not follow: what their parts and the newest frame tell. */
export class ListedTapes {
  readonly #feeds: FeedStore;
  readonly #store: TapeStore;
  readonly #parts = new LRUCache<string, TapeView>({ max: partsKept });

  constructor(feeds: FeedStore, store: TapeStore) {
    this.#feeds = feeds;
    this.#store = store;
  }

  /** Undefined where it has no frame any more. */
  async view(record: FeedRecord): Promise<TapeView | undefined> {
    const { tape, source, symbol, startNs, decimals, firstSeq, lastSeq, intervalMs } = record;
    const { id, version = 1 } = parseTapeName(tape);
    const newest = await readNewestFrame(this.#feeds.redis, this.#feeds.keys.live(source, symbol));
    if (newest === undefined) return undefined;
    const whole = contiguousSegments(await this.#store.segments(id).ids(), firstSeq);
    const parts = await Promise.all(whole.map((part) => this.#part(id, part)));
    const firstNs = whole[0]?.firstNs ?? 0;
    const lastNs = newest.frame.ns;
    const counts: Record<string, number> = {};
    for (const { event_counts } of parts) {
      for (const [type, count] of Object.entries(event_counts ?? {})) counts[type] = (counts[type] ?? 0) + count;
    }
    const iso = (ns: number) => isoOfNs(startNs + BigInt(ns), decimals);
    return {
      id,
      version,
      symbol,
      source,
      from: iso(firstNs),
      to: iso(lastNs),
      duration_ms: (lastNs - firstNs) / 1e6,
      frames: lastSeq - firstSeq + 1,
      trades: parts.reduce((sum, { trades }) => sum + (trades ?? 0), 0),
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      interval_ms: intervalMs,
      gaps: parts.flatMap(({ gaps }) => gaps),
      event_counts: counts,
      growing: true,
      created_at: isoOfMs(Number(startNs / 1_000_000n)),
    };
  }

  async #part(tape: string, part: SegmentName): Promise<TapeView> {
    const key = `${tape}/${part.id}`;
    const known = this.#parts.get(key) ?? tapeViewOf(await readManifest(this.#store.segments(tape), part.id, 1));
    this.#parts.set(key, known);
    return known;
  }
}
