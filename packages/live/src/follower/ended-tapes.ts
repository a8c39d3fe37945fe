import { type BlockCache, parseTapeName, type TapeStore } from "@tapedeck/tape";
import type { FeedStore } from "../feed-store/feed-store.js";
import type { LiveInstrument } from "../feed-store/live-tape-id.js";
import type { GrowingTape } from "../growing-tape/growing-tape.js";
import { openStoredTape } from "../growing-tape/stored-tape.js";

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
  openOrphan(feed: LiveInstrument, name: string): Promise<GrowingTape | undefined> {
    const events = { redis: this.#feeds.redis, key: this.#feeds.keys.liveEvents(feed.source, feed.symbol) };
    return openStoredTape(name, { store: this.#store, cache: this.#cache, events });
  }
}
