import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Logger } from "@tapedeck/runtime";
import type { Seq, TapeStore } from "@tapedeck/tape";
import type { FeedStore } from "../feed-store/feed-store.js";
import type { LiveInstrument } from "../feed-store/live-tape-id.js";
import { EventBatches } from "./event-batches.js";
import { PartRange } from "./part-range.js";
import { encodeEntry, isEvent, type TrackEntry, type UnstoredLine } from "./track-entry.js";
import { type TrackPart, TrackParts, trackPart } from "./track-parts.js";

export interface LiveTrackSettings {
  /** Events reach Redis within this time of the frame that shows them, in ms. */
  readonly batchMs: number;
  /** Bytes of events that Redis keeps: the newest, stored or not. */
  readonly recentBytes: number;
  /** Compressed bytes that may wait for the tape store. Beyond that the track ends, until the feed is claimed again. */
  readonly maxUnstoredBytes: number;
}

export const liveTrackDefaults: LiveTrackSettings = { batchMs: 100, recentBytes: 4 << 20, maxUnstoredBytes: 32 << 20 };

/** Where a writer continues a track. */
export interface TrackState {
  readonly parts: readonly TrackPart[];
  /** Number of the next event. */
  readonly nextN: number;
  /** Entries that are in no part yet. */
  readonly unstored: readonly UnstoredLine[];
}

interface LiveTrackOptions {
  readonly feeds: FeedStore;
  readonly store: TapeStore;
  readonly feed: LiveInstrument;
  readonly owner: string;
  readonly claim: number;
  /** `id@1`; empty before the first frame. */
  readonly tape: () => string;
  readonly settings: LiveTrackSettings;
  readonly log: Logger;
  readonly continues: TrackState | undefined;
}

/** Lines that wait for the store, compressed. */
interface Chunk {
  readonly range: PartRange;
  readonly bytes: Promise<Buffer>;
}

const chunkChars = 1 << 20;
const joinedAtOnce = 16;
const compress = promisify(gzip);

/**
 * The event track of a live tape, as its writer adds to it. The events of a frame come with it once it is on the tape, so that none is of a
 * frame that another writer made. From here they go to Redis in batches, and from time to time into the tape store. What Redis did not
 * acknowledge is not stored: so whatever parts of several writers there are, no two have different events under one number.
 */
export class LiveTrack {
  readonly #options: LiveTrackOptions;
  readonly #batches: EventBatches;
  /** Numbers of messages count on from here: there were no more messages than events. */
  readonly #heardFrom: number;
  #nextN: number;
  #parts: readonly TrackPart[];
  #chunks: Chunk[] = [];
  #chunkBytes = 0;
  #open: string[] = [];
  #openChars = 0;
  #openRange: PartRange | undefined;
  #full = false;
  #ended: "fenced" | "lost" | undefined;

  constructor(options: LiveTrackOptions) {
    const { continues, settings, feeds, feed, owner, tape, log } = options;
    this.#options = options;
    this.#parts = continues?.parts ?? [];
    this.#nextN = this.#heardFrom = continues?.nextN ?? 0;
    this.#batches = new EventBatches({
      nextN: this.#nextN,
      ...settings,
      send: async (batch) => {
        const outcome = await feeds.appendEvents(feed, { owner, tape: tape(), ...batch });
        if (outcome === "appended") return;
        log.warn({ tape: tape(), outcome }, "the event track of a live tape is not continued in Redis");
        this.end(outcome === "other" ? "fenced" : "lost");
      },
    });
    for (const line of continues?.unstored ?? []) this.#addUnstored(line);
  }

  // HOT: once per frame that is appended.
  /** Adds what a frame shows for the first time, in order: nothing more follows of it. */
  show(seq: Seq, entries: readonly TrackEntry[]): void {
    this.add(seq, entries);
    this.#batches.shown(seq); // also where the track has ended: readers need not wait for more
  }

  /** Adds what the next frame, `seq`, will show for the first time. */
  add(seq: Seq, entries: readonly TrackEntry[]): void {
    if (this.#full || this.#ended !== undefined) return;
    for (const entry of entries) {
      const n = this.#nextN;
      const text = encodeEntry(entry, n, seq, this.#heardFrom);
      if (isEvent(entry)) this.#nextN++;
      this.#batches.add(text, this.#nextN);
      this.#addUnstored({ text, n, seq, entry });
    }
  }

  /** Sends what is waiting. Rejects with `UNAVAILABLE` while Redis is away. */
  async flush(): Promise<void> {
    while (this.#ended === undefined && this.#batches.pending) await this.#batches.send();
  }

  /** Stores everything so far as a part. Rejects if Redis or the store fails; then it can be repeated. */
  async store(): Promise<void> {
    while (this.#ended === undefined && this.#batches.pending) await this.#batches.send();
    if (this.#ended === "fenced") return;
    this.#closeChunk(); // at once: nothing may be added in between
    const chunks = [...this.#chunks];
    const range = PartRange.of(chunks.map((chunk) => chunk.range));
    if (range === undefined || range.empty) return;
    const { store, claim, tape } = this.#options;
    const part = trackPart({ claim, ...range.summary, joined: false });
    const bytes = await Promise.all(chunks.map((chunk) => chunk.bytes));
    await new TrackParts(store, tape()).write(part, bytes);
    this.#parts = [...this.#parts, part];
    this.#chunks.splice(0, chunks.length);
    for (const { length } of bytes) this.#chunkBytes -= length;
  }

  /** Joins short parts, and erases those that no frame from `firstSeq` on needs. Rejects if the store fails. */
  async maintain(firstSeq: Seq): Promise<void> {
    const parts = new TrackParts(this.#options.store, this.#options.tape());
    const needed = this.#parts.findLastIndex(({ wholeSeq = Number.POSITIVE_INFINITY }) => wholeSeq <= firstSeq);
    const old = firstSeq > 0 && needed > 0 ? this.#parts.slice(0, needed) : [];
    this.#parts = this.#parts.slice(old.length);
    await parts.erase(old);
    const from = this.#parts.findLastIndex(({ joined }) => joined) + 1;
    const short = this.#parts.slice(from);
    if (short.length < joinedAtOnce) return;
    const joined = await parts.join(short);
    if (joined === undefined) return;
    this.#parts = [...this.#parts.slice(0, from), joined];
    await parts.erase(short);
  }

  /** Adds nothing more. What a `lost` tape has, can still be stored. */
  end(why: "fenced" | "lost"): void {
    this.#ended ??= why;
    this.#batches.close();
  }

  #addUnstored(line: UnstoredLine): void {
    const { text } = line;
    this.#openRange ??= new PartRange(line);
    this.#openRange.add(line);
    this.#open.push(text);
    this.#openChars += text.length + 1;
    if (this.#openChars >= chunkChars) this.#closeChunk();
  }

  #closeChunk(): void {
    const range = this.#openRange;
    if (range === undefined) return;
    const bytes = compress(`${this.#open.join("\n")}\n`);
    bytes.then(
      ({ length }) => this.#countBytes(length),
      () => undefined, // storing the part reports it
    );
    this.#chunks.push({ range, bytes });
    this.#open = [];
    this.#openChars = 0;
    this.#openRange = undefined;
  }

  #countBytes(bytes: number): void {
    this.#chunkBytes += bytes;
    const { settings, log, tape } = this.#options;
    if (this.#chunkBytes <= settings.maxUnstoredBytes || this.#full) return;
    this.#full = true;
    log.error({ tape: tape(), bytes: this.#chunkBytes }, "the tape store keeps failing: the event track ends here");
  }
}
