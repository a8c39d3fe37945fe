import { type BlockCache, parseTapeName, type TapeStore } from "@tapedeck/tape";
import type { FeedStore } from "../feed-store/feed-store.js";
import type { LiveInstrument } from "../feed-store/live-tape-id.js";
import { GrowingTape } from "../growing-tape/growing-tape.js";
import { openSegments } from "../segments/open-segments.js";
import { metadataOf } from "../segments/write-segment.js";

/** Ended tapes that stay the same objects for later opens. */
const maxKept = 100;

/** Live tapes that grow no more and may not be finished yet. */
export class EndedTapes {
  readonly #feeds: FeedStore;
  readonly #store: TapeStore;
  readonly #cache: BlockCache;
  /** Tapes that this process followed, by name, the last one to end at the end. */
  readonly #followed = new Map<string, GrowingTape>();
  /** Those of them that are known to be finished. */
  readonly #stored = new WeakSet<GrowingTape>();

  constructor(feeds: FeedStore, store: TapeStore, cache: BlockCache) {
    this.#feeds = feeds;
    this.#store = store;
    this.#cache = cache;
  }

  add(tape: GrowingTape): void {
    this.#followed.delete(tape.id);
    this.#followed.set(tape.id, tape);
    const [oldest] = this.#followed.keys();
    if (this.#followed.size > maxKept && oldest !== undefined) this.#followed.delete(oldest);
  }

  /** A tape that this process followed. Undefined if it followed none, or the tape was too short to be kept. */
  async get(name: string): Promise<GrowingTape | undefined> {
    const tape = this.#followed.get(name);
    if (tape === undefined || this.#stored.has(tape)) return tape;
    const { id, version = 1 } = parseTapeName(name);
    if ((await this.#store.versions(id)).includes(version)) {
      await tape.refresh(); // the finished version has what its segments do not: the event track
      this.#stored.add(tape);
    } else if ((await this.#store.segments(id).ids()).length === 0) {
      this.#followed.delete(name);
      return undefined;
    }
    return tape;
  }

  /** Opens the segments of a tape that no feed continues. Undefined if it is finished or has no segments. */
  async openOrphan(feed: LiveInstrument, name: string): Promise<GrowingTape | undefined> {
    const all = { fromSeq: 0, toSeq: -1 };
    const { segments, finished } = await openSegments(this.#store, name, this.#cache, all);
    const first = segments[0];
    if (finished || first === undefined) return undefined;
    const context = {
      store: this.#store,
      cache: this.#cache,
      redis: this.#feeds.redis,
      stream: this.#feeds.keys.live(feed.source, feed.symbol),
      events: this.#feeds.keys.liveEvents(feed.source, feed.symbol),
      catchUp: () => Promise.resolve(),
      onListen: () => undefined,
      onError: () => undefined,
    };
    const range = { fromSeq: first.span.firstSeq, toSeq: first.span.firstSeq - 1 };
    const tape = await GrowingTape.open(metadataOf(name, segments, first), context, range);
    tape.end();
    return tape;
  }
}
