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
import type { LiveTapeSettings } from "../writer/settings.js";
import type { UnstoredFrames } from "../writer/unstored-frames.js";
import { copySegments } from "./finish-tape.js";
import { type SegmentName, segmentName } from "./segment-name.js";
import { type LiveTapeMetadata, writerOptions, writeSegment } from "./write-segment.js";

/** What followers have to know of the parts in the store. */
export interface StoredRange {
  readonly firstSeq: Seq;
  readonly storedSeq: Seq;
  readonly segments: number;
}

export interface SegmentStorageOptions {
  readonly store: TapeStore;
  readonly settings: LiveTapeSettings;
  readonly log: Logger;
  readonly unstored: UnstoredFrames;
  /** Parts that are there already, and where the tape begins. */
  readonly segments: readonly SegmentName[];
  readonly firstSeq: Seq;
  /** The tape as it is now. */
  readonly tape: () => LiveTapeMetadata;
  /** Tells followers. Resolves to false when another writer holds the feed: then this one touches nothing more. */
  readonly publish: (standing: StoredRange) => Promise<boolean>;
}

/** So many short parts in a row are joined into a long one, so that opening a tape of a day takes no thousand files. */
const joinedAtOnce = 16;
/** A store that took no part is asked again after this long, in ms. */
const retryMs = 5_000;

/**
 * Keeps a live tape in the tape store while it grows: stores parts, joins short ones, lets the oldest go. Followers are told before
 * anything leaves Redis or the store that they may be reading.
 */
export class SegmentStorage {
  readonly #options: SegmentStorageOptions;
  #parts: readonly SegmentName[];
  #firstSeq: Seq;
  #working: Promise<void> | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;
  /** Followers do not know yet what is in the store. */
  #untold: boolean;
  #stopped = false;

  constructor(options: SegmentStorageOptions) {
    this.#options = options;
    this.#parts = options.segments;
    this.#firstSeq = options.firstSeq;
    this.#untold = options.segments.length > 0;
  }

  get range(): StoredRange {
    const storedSeq = this.#parts.at(-1)?.lastSeq ?? this.#firstSeq - 1;
    return { firstSeq: this.#firstSeq, storedSeq, segments: this.#parts.length };
  }

  // HOT: once per frame that is appended.
  /** Sees to what is due, in the background. */
  maintain(lastNs: TapeNs): void {
    const { unstored, settings } = this.#options;
    if (this.#working !== undefined || this.#stopped) return;
    if (!this.#untold && unstored.closedSpanNs < settings.segmentSeconds * 1e9) return;
    if (performance.now() < this.#notBefore) return;
    this.#working = this.#work(lastNs)
      .catch((error: unknown) => {
        this.#notBefore = performance.now() + retryMs;
        this.#options.log.warn({ err: error, unstoredBytes: unstored.bytes }, "live tape not stored, trying again");
      })
      .finally(() => {
        this.#working = undefined;
      });
  }

  /** Stores all that is left. No part is stored afterwards. Rejects with `TapeWriteError`, and then it goes on as before. */
  async storeRest(): Promise<void> {
    await this.stop();
    try {
      await this.#store(true);
    } catch (error) {
      this.#stopped = false;
      throw error;
    }
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#working;
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
  }

  async #work(lastNs: TapeNs): Promise<void> {
    await this.#store(false);
    if (!(await this.#tell())) return;
    await this.#letGo(lastNs);
    await this.#join(lastNs);
  }

  async #store(all: boolean): Promise<void> {
    const { store, unstored, tape } = this.#options;
    const blocks = await unstored.blocks({ all });
    const part = blocks.length === 0 ? undefined : await writeSegment(store, tape(), blocks);
    if (part === undefined) return;
    this.#parts = [...this.#parts, part];
    this.#untold = true;
    unstored.dropThrough(part.lastSeq);
  }

  async #tell(): Promise<boolean> {
    this.#untold = true;
    const ours = await this.#options.publish(this.range);
    if (ours) this.#untold = false;
    else this.#stopped = true;
    return ours;
  }

  /** The newest part stays, however old. */
  async #letGo(lastNs: TapeNs): Promise<void> {
    const { retentionHours } = this.#options.settings;
    if (retentionHours === 0) return;
    const oldestNs = lastNs - retentionHours * 3_600e9;
    const kept = Math.max(
      0,
      this.#parts.findLastIndex(({ firstNs }) => firstNs <= oldestNs),
    );
    const [first, gone] = [this.#parts[kept], this.#parts.slice(0, kept)];
    if (first === undefined || gone.length === 0) return;
    this.#parts = this.#parts.slice(kept);
    this.#firstSeq = first.firstSeq;
    if (await this.#tell()) await this.#erase(gone);
  }

  async #join(lastNs: TapeNs): Promise<void> {
    const { store, settings, tape } = this.#options;
    const longNs = (joinedAtOnce / 2) * settings.segmentSeconds * 1e9;
    const ends = (at: number) => this.#parts[at + 1]?.firstNs ?? lastNs;
    const from = this.#parts.findLastIndex(({ firstNs }, at) => ends(at) - firstNs >= longNs) + 1;
    const short = this.#parts.slice(from);
    const [first, last] = [short[0], short.at(-1)];
    if (short.length < joinedAtOnce || first === undefined || last === undefined) return;
    const inParts = store.segments(parseTapeName(tape().tape).id);
    const cache = new BlockCache(minCacheBytes);
    const opened = await Promise.all(short.map(({ id }) => RecordedTape.open(inParts, id, 1, cache)));
    const joined = segmentName(first.firstSeq, last.lastSeq, first.firstNs);
    await copySegments(opened, await TapeWriter.open(inParts, writerOptions(joined.id, tape(), joined.firstSeq)));
    this.#parts = [...this.#parts.slice(0, from), joined];
    if (await this.#tell()) await this.#erase(short);
  }

  async #erase(parts: readonly SegmentName[]): Promise<void> {
    const inParts = this.#options.store.segments(parseTapeName(this.#options.tape().tape).id);
    for (const { id } of parts) await inParts.erase(id);
  }
}
