import { setTimeout as sleep } from "node:timers/promises";
import { RefusedError, refuse } from "@tapedeck/protocol";
import type { RedisConnection } from "@tapedeck/runtime";
import { orUnavailable } from "@tapedeck/sessions";
import {
  type BlockCache,
  type FullBook,
  type Seq,
  type TapeStore,
  type TrackDecimals,
  type TrackedEvent,
  TrackNotFound,
  type TrackPlace,
  type TrackRange,
  type TrackReader,
} from "@tapedeck/tape";
import { type ColumnsKind, eachOf } from "@tapedeck/tape/blocks";
import { type TrackPart, TrackParts } from "../track/track-parts.js";
import type { EventColumns } from "./event-columns.js";
import { chunksOf, decodeChunk, type PartChunk } from "./part-chunks.js";
import { PinnedTrack } from "./pinned-track.js";
import { type RecentChunk, RecentChunks } from "./recent-chunks.js";
import { layoutOf, type TrackLayout, type TrackSource } from "./track-source.js";

/** The tape whose track it is, and where its events are. */
export interface GrowingTrackContext {
  /** `id@1` */
  readonly tape: string;
  readonly store: TapeStore;
  readonly cache: BlockCache;
  /** Undefined where there is none: then the track ends with its last part. */
  readonly redis: RedisConnection | undefined;
  /** Key of the stream with the recent events. */
  readonly stream: string;
  /** Key of the feed's hash. */
  readonly feed: string;
  readonly span: () => { readonly firstSeq: Seq; readonly lastSeq: Seq; readonly growing: boolean };
  /** Looks whether the tape is finished, and resolves to the track of the finished version. */
  readonly finishedTrack: () => Promise<TrackReader | undefined>;
}

const eventColumns: ColumnsKind<EventColumns> = { sizeOf: ({ size }) => size };
/** Recent events beyond these bytes are probably in a part by now; parts are listed again after this time at the earliest. */
const recentBytes = 1 << 20;
const listAgainMs = 10_000;
/** A feed sends events within moments of their frame, while Redis answers. */
const newestWithinMs = 5_000;
/** A feed of a release that does not say how far its events go has sent them by then. */
const unsaidWithinMs = 1_000;
const askAgainMs = 50;

/**
 * The event track of a growing tape: its parts in the tape store, then what Redis has. Nothing is read before it is asked for. Each call reads the
 * track as it is at that moment.
 */
export class GrowingTrack implements TrackReader, TrackSource {
  readonly #context: GrowingTrackContext;
  readonly #files: TrackParts;
  readonly #recent: RecentChunks;
  readonly #firstKey: number;
  #keys = 0;
  #parts: readonly TrackPart[] | undefined;
  #layout = layoutOf([], []);
  #listedAt = 0;
  #finished: TrackReader | undefined;
  /** Where each part's chunks are, once it was read. */
  readonly #chunks = new Map<string, readonly PartChunk[]>();
  #updating: Promise<void> = Promise.resolve();
  /** The update that begins after the present one. */
  #nextUpdate: Promise<void> | undefined;
  /** All events of the frames up to this one are known; undefined if the feed does not say how far its events go. */
  #through: Seq | undefined;
  /** Waiting for events of a later frame than this was in vain. */
  #waitedAt: Seq | undefined;
  #lookingAgain: Promise<void> | undefined;

  constructor(context: GrowingTrackContext) {
    const { tape, store, cache, redis, stream } = context;
    this.#context = context;
    this.#files = new TrackParts(store, tape);
    this.#firstKey = cache.newTape();
    this.#recent = new RecentChunks({
      ...{ redis, stream, tape, newKey: this.#newKey },
      keep: (key, columns) => cache.putColumns(eventColumns, key, columns),
    });
  }

  get decimals(): TrackDecimals {
    return this.layout.decimals;
  }

  get finished(): TrackReader | undefined {
    return this.#finished;
  }

  get layout(): TrackLayout {
    const parts = this.#parts ?? this.#layout.parts;
    const recent = this.#recent.all;
    if (parts !== this.#layout.parts || recent !== this.#layout.recent) this.#layout = layoutOf(parts, recent);
    return this.#layout;
  }

  /** Whether it has anything. Rejects with `UNAVAILABLE`, or if the store cannot be read. */
  async exists(): Promise<boolean> {
    if (this.#nextN === 0) await this.update();
    return this.#nextN > 0;
  }

  events(range: TrackRange = {}): AsyncGenerator<TrackedEvent, void, undefined> {
    return eachOf(this.eventLists(range));
  }

  async *eventLists(range: TrackRange = {}): AsyncGenerator<readonly TrackedEvent[], void, undefined> {
    yield* (await this.#pinnedFor(range.from, range.to)).eventLists(range);
  }

  async *bookBatches(range: TrackRange = {}): ReturnType<TrackReader["bookBatches"]> {
    yield* (await this.#pinnedFor(range.from, range.to)).bookBatches(range);
  }

  async *tradeBatches(range: TrackRange = {}): ReturnType<TrackReader["tradeBatches"]> {
    yield* (await this.#pinnedFor(range.from, range.to)).tradeBatches(range);
  }

  async bookAt(place: TrackPlace): Promise<FullBook> {
    const after = "seq" in place ? { seq: place.seq + 1 } : "n" in place ? { n: place.n + 1 } : place;
    return (await this.#pinnedFor(after, after)).bookAt(place);
  }

  async pinned(to?: TrackPlace): Promise<TrackReader> {
    return this.#pinnedFor(undefined, to);
  }

  /** Reads what is new. Rejects with `UNAVAILABLE`, or if the store cannot be read. Callers at the same time share a read. */
  update({ list = false } = {}): Promise<void> {
    if (list) this.#listedAt = Number.NEGATIVE_INFINITY;
    this.#nextUpdate ??= this.#updating
      .catch(() => undefined) // its callers have the error
      .then(() => {
        this.#nextUpdate = undefined;
        this.#updating = this.#update();
        return this.#updating;
      });
    return this.#nextUpdate;
  }

  async chunksOf(part: TrackPart, text: () => Promise<Buffer>): Promise<readonly PartChunk[]> {
    const known = this.#chunks.get(part.id);
    if (known !== undefined) return known;
    const inflated = await text();
    const found = this.#checked(part, () => chunksOf(part, inflated, this.#newKey));
    this.#chunks.set(part.id, found);
    return found;
  }

  textOf(part: TrackPart): Promise<Buffer> {
    return this.#files.text(part);
  }

  readChunk(part: TrackPart, chunk: PartChunk, text: () => Promise<Buffer>): Promise<EventColumns> {
    return this.#context.cache.loadColumns(eventColumns, chunk.key, async () => {
      const inflated = await text();
      await new Promise(setImmediate); // between chunks others get their turn
      return this.#checked(part, () => decodeChunk(inflated, chunk));
    });
  }

  readRecent(chunk: RecentChunk): Promise<EventColumns> {
    return this.#context.cache.loadColumns(eventColumns, chunk.key, () => this.#recent.read(chunk));
  }

  async #pinnedFor(from: TrackPlace | undefined, to: TrackPlace | undefined): Promise<TrackReader> {
    const known = this.#isKnown(to) && (from === undefined || this.#isKnown(from));
    if (!known && this.#finished === undefined) await this.#reach(to);
    if (this.#finished !== undefined) return this.#finished;
    if (this.#nextN === 0) throw new TrackNotFound(this.#context.tape);
    return new PinnedTrack(this, this.#context.tape, this.#context.span().firstSeq);
  }

  /**
   * Reads on until it has what the tape's newest frame shows, or all before `to`: the last events may be on their way. Rejects with `UNAVAILABLE`
   * rather than leave out some of them: what is computed of these would be wrong for ever.
   */
  async #reach(to: TrackPlace | undefined): Promise<void> {
    const began = performance.now();
    await this.#look();
    for (;;) {
      const { lastSeq, growing } = this.#context.span();
      const last = this.#last;
      if (!growing || this.#finished !== undefined || this.#isKnown(to)) return;
      if (to !== undefined && "ts" in to && to.ts < (last?.lastNs ?? 0n)) return;
      const waitedMs = performance.now() - began;
      if (this.#through === undefined) {
        const reached = last?.lastSeq ?? -1;
        if (reached >= lastSeq || this.#waitedAt === reached) return;
        if (waitedMs > unsaidWithinMs) this.#waitedAt = reached;
      } else {
        if (this.#through >= lastSeq) return;
        if (waitedMs > newestWithinMs) throw this.#late(lastSeq);
      }
      this.#lookingAgain ??= sleep(askAgainMs)
        .then(() => this.#look())
        .finally(() => {
          this.#lookingAgain = undefined;
        });
      await this.#lookingAgain;
    }
  }

  /** Asks how far the track goes, and then reads what is new, so that it has everything up to there. */
  async #look(): Promise<void> {
    const { redis, feed, tape } = this.#context;
    const said = redis === undefined ? null : await orUnavailable(redis.hget(feed, "track_through"));
    await this.update();
    const [of, through] = (said ?? "").split(" ");
    if (of === tape) this.#through = Math.max(this.#through ?? -1, Number(through));
  }

  #late(seq: Seq): RefusedError {
    const message = `The events of frame ${seq} of tape ${this.#context.tape} have not come from its feed yet. Try again in some seconds.`;
    return new RefusedError(refuse("UNAVAILABLE", message), { retryAfter: 1 });
  }

  /** Whether no event that is not known yet can be before a place. */
  #isKnown(place: TrackPlace | undefined): boolean {
    if (place === undefined || this.#parts === undefined) return false;
    if ("n" in place) return place.n <= this.#nextN && this.#nextN > 0;
    return "seq" in place && place.seq <= Math.max(this.#last?.lastSeq ?? -1, (this.#through ?? -1) + 1);
  }

  get #last(): { readonly lastSeq: Seq; readonly lastNs: bigint; readonly nextN: number } | undefined {
    const part = this.#parts?.at(-1);
    return this.#recent.all.at(-1) ?? (part && { ...part, lastNs: BigInt(part.lastMs) * 1_000_000n });
  }

  /** Of the next event that is not known; 0 if none is. */
  get #nextN(): number {
    return this.#last?.nextN ?? 0;
  }

  async #update(): Promise<void> {
    if (this.#parts === undefined || this.#listedAt === Number.NEGATIVE_INFINITY) await this.#list();
    if ((await this.#recent.update(false)) === "missing") {
      await this.#list();
      await this.#recent.update(true);
    }
    const listAt = this.#listedAt + listAgainMs;
    if (performance.now() < listAt || (this.#recent.bytes < recentBytes && !this.#recent.hasHole)) return;
    await this.#list();
    await this.#recent.update(true);
  }

  async #list(): Promise<void> {
    const before = this.#parts;
    const parts = await this.#files.list();
    this.#listedAt = performance.now();
    const lacks = parts[0]?.firstN !== before?.[0]?.firstN || (parts.at(-1)?.nextN ?? 0) < (before?.at(-1)?.nextN ?? 0);
    // They are erased when the tape is finished: then some of them may be left. Looked at afterwards, so that none of them is taken for all.
    if (before === undefined || lacks) this.#finished = await this.#context.finishedTrack();
    if (this.#finished !== undefined) return;
    this.#parts = parts;
    this.#recent.dropBefore(this.#parts.at(-1)?.nextN ?? 0);
    const ids = new Set(this.#parts.map(({ id }) => id));
    for (const id of this.#chunks.keys()) if (!ids.has(id)) this.#chunks.delete(id);
  }

  /** What is not as it was written, is damaged. */
  #checked<T>(part: TrackPart, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.#files.damaged(part, error);
    }
  }

  readonly #newKey = (): number => this.#firstKey + this.#keys++;
}
