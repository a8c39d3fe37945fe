import type { TapeNs } from "@tapedeck/protocol";
import type { Logger } from "@tapedeck/runtime";
import {
  BlockCache,
  minCacheBytes,
  parseTapeName,
  RecordedTape,
  type Seq,
  type TapeStore,
  TapeWriter,
} from "@tapedeck/tape";
import type { LiveTrack } from "../track/live-track.js";
import type { LiveTapeSettings } from "../writer/settings.js";
import type { UnstoredFrames } from "../writer/unstored-frames.js";
import { copySegments } from "./finish-tape.js";
import { type SegmentName, segmentName } from "./segment-name.js";
import { type LiveTapeMetadata, writerOptions, writeSegment } from "./write-segment.js";

/** What followers need to know of the stored segments. */
export interface StoredRange {
  readonly firstSeq: Seq;
  readonly storedSeq: Seq;
  readonly segmentCount: number;
}

interface SegmentStorageOptions {
  readonly store: TapeStore;
  readonly settings: LiveTapeSettings;
  readonly log: Logger;
  readonly unstored: UnstoredFrames;
  readonly track: Pick<LiveTrack, "store" | "maintain">;
  /** Segments that exist already, and where the tape begins. */
  readonly segments: readonly SegmentName[];
  readonly firstSeq: Seq;
  /** The present metadata of the tape. */
  readonly tape: () => LiveTapeMetadata;
  /** Publishes the range to followers. Resolves to false if another writer holds the claim: then this one changes nothing more. */
  readonly publish: (range: StoredRange) => Promise<boolean>;
}

/** This many short segments in a row are joined into a long one, so that opening a day's tape does not take a thousand files. */
const joinedAtOnce = 16;
/** Wait after the store failed, in ms. */
const retryMs = 5_000;

/**
 * The segments of a live tape in the tape store while it grows: stores new ones, joins short ones, erases old ones. Followers are
 * informed before anything that they may be reading leaves Redis or the store.
 */
export class SegmentStorage {
  readonly #options: SegmentStorageOptions;
  #segments: readonly SegmentName[];
  #firstSeq: Seq;
  #working: Promise<void> | undefined;
  #retryAt = Number.NEGATIVE_INFINITY;
  /** Followers do not know yet what is stored. */
  #unpublished: boolean;
  #stopped = false;

  constructor(options: SegmentStorageOptions) {
    this.#options = options;
    this.#segments = options.segments;
    this.#firstSeq = options.firstSeq;
    this.#unpublished = options.segments.length > 0;
  }

  get range(): StoredRange {
    const storedSeq = this.#segments.at(-1)?.lastSeq ?? this.#firstSeq - 1;
    return { firstSeq: this.#firstSeq, storedSeq, segmentCount: this.#segments.length };
  }

  // HOT: once per frame that is appended.
  /** Stores, erases and joins segments in the background, as far as they are due. */
  maintain(lastNs: TapeNs): void {
    const { unstored, settings } = this.#options;
    if (this.#working !== undefined || this.#stopped) return;
    if (!this.#unpublished && unstored.closedSpanNs < settings.segmentSeconds * 1e9) return;
    if (performance.now() < this.#retryAt) return;
    this.#working = this.#work(lastNs)
      .catch((error: unknown) => {
        this.#retryAt = performance.now() + retryMs;
        this.#options.log.warn({ err: error, unstoredBytes: unstored.bytes }, "live tape not stored, retrying");
      })
      .finally(() => {
        this.#working = undefined;
      });
  }

  /** Stores all remaining frames. No segment is stored afterwards. Rejects with `TapeWriteError`, and then continues as before. */
  async storeRest(): Promise<void> {
    await this.stop();
    try {
      await this.#store(true);
      await this.#options.track.store();
    } catch (error) {
      this.#stopped = false;
      throw error;
    }
  }

  /** Resolves when no work is under way. */
  async idle(): Promise<void> {
    await this.#working;
  }

  /** Starts nothing more, and waits for the work under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
  }

  async #work(lastNs: TapeNs): Promise<void> {
    await this.#store(false);
    if (!(await this.#publish())) return;
    await this.#options.track.store();
    await this.#eraseOld(lastNs);
    await this.#joinShort(lastNs);
    await this.#options.track.maintain(this.#firstSeq);
  }

  async #store(all: boolean): Promise<void> {
    const { store, unstored, tape } = this.#options;
    const blocks = await unstored.blocks({ all });
    const segment = blocks.length === 0 ? undefined : await writeSegment(store, tape(), blocks);
    if (segment === undefined) return;
    this.#segments = [...this.#segments, segment];
    this.#unpublished = true;
    unstored.dropThrough(segment.lastSeq);
  }

  async #publish(): Promise<boolean> {
    this.#unpublished = true;
    const held = await this.#options.publish(this.range);
    if (held) this.#unpublished = false;
    else this.#stopped = true;
    return held;
  }

  /** Erases segments older than the retention. The newest one stays, however old. */
  async #eraseOld(lastNs: TapeNs): Promise<void> {
    const { retentionHours } = this.#options.settings;
    if (retentionHours === 0) return;
    const oldestNs = lastNs - retentionHours * 3_600e9;
    const kept = Math.max(
      0,
      this.#segments.findLastIndex(({ firstNs }) => firstNs <= oldestNs),
    );
    const [first, old] = [this.#segments[kept], this.#segments.slice(0, kept)];
    if (first === undefined || old.length === 0) return;
    this.#segments = this.#segments.slice(kept);
    this.#firstSeq = first.firstSeq;
    if (await this.#publish()) await this.#erase(old);
  }

  async #joinShort(lastNs: TapeNs): Promise<void> {
    const { settings, tape } = this.#options;
    const longNs = (joinedAtOnce / 2) * settings.segmentSeconds * 1e9;
    const endOf = (at: number) => this.#segments[at + 1]?.firstNs ?? lastNs;
    const from = this.#segments.findLastIndex(({ firstNs }, at) => endOf(at) - firstNs >= longNs) + 1;
    const short = this.#segments.slice(from);
    const [first, last] = [short[0], short.at(-1)];
    if (short.length < joinedAtOnce || first === undefined || last === undefined) return;
    const store = this.#segmentStore;
    const cache = new BlockCache(minCacheBytes);
    const opened = await Promise.all(short.map(({ id }) => RecordedTape.open(store, id, 1, cache)));
    const joined = segmentName(first.firstSeq, last.lastSeq, first.firstNs);
    await copySegments(opened, await TapeWriter.open(store, writerOptions(joined.id, tape(), joined.firstSeq)));
    this.#segments = [...this.#segments.slice(0, from), joined];
    if (await this.#publish()) await this.#erase(short);
  }

  async #erase(segments: readonly SegmentName[]): Promise<void> {
    for (const { id } of segments) await this.#segmentStore.erase(id);
  }

  get #segmentStore(): TapeStore {
    return this.#options.store.segments(parseTapeName(this.#options.tape().tape).id);
  }
}
