import type { TapeView } from "@tapedeck/protocol";
import { parseTapeName, readManifest, type TapeStore, tapeViewOf } from "@tapedeck/tape";
import { LRUCache } from "lru-cache";
import type { FeedRecord } from "../feed-store/feed-record.js";
import type { FeedStore } from "../feed-store/feed-store.js";
import { growingView } from "../growing-tape/growing-view.js";
import { contiguousSegments, type SegmentName } from "../segments/segment-name.js";
import { readNewestFrame } from "../stream/read-frames.js";
import { hasEvents } from "../track/recent-events.js";
import { TrackParts } from "../track/track-parts.js";

/** Segments whose views are cached: they never change. */
const maxCachedViews = 10_000;

/** Lists growing tapes that this process does not follow, from their segments and the newest frame. */
export class ListedTapes {
  readonly #feeds: FeedStore;
  readonly #store: TapeStore;
  readonly #segments = new LRUCache<string, TapeView>({ max: maxCachedViews });
  readonly #withTrack = new LRUCache<string, true>({ max: maxCachedViews });

  constructor(feeds: FeedStore, store: TapeStore) {
    this.#feeds = feeds;
    this.#store = store;
  }

  /** Undefined if it has no frame in Redis. */
  async view(record: FeedRecord): Promise<TapeView | undefined> {
    const { tape, source, symbol, firstSeq, lastSeq } = record;
    const { id } = parseTapeName(tape);
    const newest = await readNewestFrame(this.#feeds.redis, this.#feeds.keys.live(source, symbol));
    if (newest === undefined) return undefined;
    const names = contiguousSegments(await this.#store.segments(id).ids(), firstSeq);
    const stored = await Promise.all(names.map((name) => this.#segmentView(id, name)));
    const span = { firstSeq, lastSeq, firstNs: names[0]?.firstNs ?? 0, lastNs: newest.frame.ns, growing: true };
    const hasTrack = await this.#hasTrack(record);
    return growingView({ tape: record, span, gaps: stored.flatMap(({ gaps }) => gaps), stored, hasTrack });
  }

  async #hasTrack({ tape, source, symbol }: FeedRecord): Promise<boolean> {
    const known =
      this.#withTrack.get(tape) ??
      (await hasEvents(this.#feeds.redis, this.#feeds.keys.liveEvents(source, symbol), tape));
    const found = known || (await new TrackParts(this.#store, tape).list()).length > 0;
    if (found) this.#withTrack.set(tape, true);
    return found;
  }

  async #segmentView(tape: string, { id }: SegmentName): Promise<TapeView> {
    const key = `${tape}/${id}`;
    const view = this.#segments.get(key) ?? tapeViewOf(await readManifest(this.#store.segments(tape), id, 1));
    this.#segments.set(key, view);
    return view;
  }
}
