import type { Logger } from "@tapedeck/runtime";
import { orUnavailable } from "@tapedeck/sessions";
import { parseTapeName, type TapeStore } from "@tapedeck/tape";
import type { FeedRecord } from "../feed-store/feed-record.js";
import type { FeedSummary } from "../feed-store/feed-state.js";
import type { FeedStore } from "../feed-store/feed-store.js";
import type { LiveInstrument } from "../feed-store/live-tape-id.js";
import { readNewestFrame } from "../stream/read-frames.js";
import { TrackParts } from "../track/track-parts.js";

/** Sessions read in one round trip. */
const batchSize = 500;

/** Removes live tapes that are too short to be kept, once their feed is out of demand. */
export class ShortTapes {
  readonly #feeds: FeedStore;
  readonly #store: TapeStore;
  /** Tapes shorter than this are not kept; 0 keeps all. */
  readonly #keepSeconds: number;
  readonly #log: Logger;
  /** Short tapes that a session stands on, and until when its removal is awaited. */
  readonly #inUseUntil = new Map<string, number>();

  constructor(feeds: FeedStore, store: TapeStore, keepSeconds: number, log: Logger) {
    this.#feeds = feeds;
    this.#store = store;
    this.#keepSeconds = keepSeconds;
    this.#log = log;
  }

  async isShort(feed: LiveInstrument): Promise<boolean> {
    if (this.#keepSeconds === 0) return false;
    const { record } = await this.#feeds.read(feed);
    return record !== undefined && (await this.#isShort(record));
  }

  /**
   * Removes the short tapes of feeds without demand and claim, unless a session stands on them. Such a tape is checked again for
   * `keepSeconds`: a session that goes from market to market stands on each for a moment.
   *
   * @returns the names of those that are removed or will be checked again
   */
  async remove(summaries: readonly FeedSummary[]): Promise<ReadonlySet<string>> {
    const settled = new Set<string>();
    if (this.#keepSeconds === 0) return settled;
    const short: FeedRecord[] = [];
    for (const { state, demanded, claimed } of summaries) {
      if (demanded || claimed || state.tape === "") continue;
      const { record } = await this.#feeds.read(state);
      if (record?.owner === "" && (await this.#isShort(record))) short.push(record);
    }
    for (const tape of this.#inUseUntil.keys()) {
      if (!short.some((record) => record.tape === tape)) this.#inUseUntil.delete(tape);
    }
    if (short.length === 0) return settled;
    const inUse = await this.#tapesInUse();
    for (const record of short) {
      if (inUse.has(record.tape)) {
        if (this.#isAwaited(record.tape)) settled.add(record.tape);
      } else if (await this.#removeTape(record)) {
        this.#log.debug({ tape: record.tape, frames: record.lastSeq + 1 }, "short live tape removed");
        settled.add(record.tape);
      }
    }
    return settled;
  }

  /** Time 0 is that of the first frame, unless retention has removed it. */
  async #isShort({ tape, firstSeq, source, symbol }: FeedRecord): Promise<boolean> {
    if (tape === "" || firstSeq > 0) return false;
    const newest = await readNewestFrame(this.#feeds.redis, this.#feeds.keys.live(source, symbol));
    return newest === undefined || newest.frame.ns < this.#keepSeconds * 1e9;
  }

  #isAwaited(tape: string): boolean {
    const now = performance.now();
    const until = this.#inUseUntil.get(tape) ?? now + this.#keepSeconds * 1000;
    this.#inUseUntil.set(tape, until);
    return now < until;
  }

  /** The tapes of all sessions, except those at the edge, which follow their feed to its next tape. */
  async #tapesInUse(): Promise<Set<string>> {
    const { redis, keys } = this.#feeds;
    const inUse = new Set<string>();
    for (let from = 0; ; from += batchSize) {
      const ids = await orUnavailable(redis.zrange(keys.created, `${from}`, `${from + batchSize - 1}`));
      const tapes = ids.map((id) => orUnavailable(redis.hmget(keys.session(id), "tape", "edge")));
      for (const [tape, edge] of await Promise.all(tapes)) if (tape && edge !== "1") inUse.add(tape);
      if (ids.length < batchSize) return inUse;
    }
  }

  /** Removes the tape and the feed's hash, unless the feed has changed since it was read. @returns whether it is removed */
  async #removeTape(record: FeedRecord): Promise<boolean> {
    const removed = await this.#feeds.clearTape(record, { rev: record.rev }, "remove");
    if (typeof removed !== "object") return false;
    await this.#feeds.dropClaim(record, record.claim);
    await this.#feeds.removeEvents(record);
    await this.#store.eraseSegments(parseTapeName(record.tape).id);
    await new TrackParts(this.#store, record.tape).eraseAll();
    return true;
  }
}
