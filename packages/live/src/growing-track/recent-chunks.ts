import type { RedisConnection } from "@tapedeck/runtime";
import { FileMissing, type Seq } from "@tapedeck/tape";
import { readBatches } from "../track/recent-events.js";
import { DigitCounter, type TrackDigits } from "../track/track-digits.js";
import { decodeEntry, isEvent, isWholeBook, type PlacedEntry } from "../track/track-entry.js";
import { ColumnsBuilder, type EventColumns, lastTimeOf, type WholeBook } from "./event-columns.js";

/** A batch of events that are in no part yet. */
export interface RecentChunk {
  /** In the cache. */
  readonly key: number;
  readonly firstN: number;
  readonly nextN: number;
  readonly lastSeq: Seq;
  /** No event in it or before it is later, in nanoseconds since 1970. */
  readonly lastNs: bigint;
  readonly digits: TrackDigits;
  readonly wholeBooks: readonly Pick<WholeBook, "n" | "seq">[];
  /** Of its text. */
  readonly bytes: number;
}

interface RecentChunksOptions {
  /** Undefined where there is none: then the parts are all that can be read. */
  readonly redis: RedisConnection | undefined;
  /** Key of the stream with the recent events. */
  readonly stream: string;
  /** `id@1` */
  readonly tape: string;
  readonly newKey: () => number;
  /** Keeps what was decoded. */
  readonly keep: (key: number, columns: EventColumns) => void;
}

/** Other work of the process gets its turn after this long, in ms. */
const sliceMs = 5;

/** The events of a growing tape that Redis has and no part. What is known of each batch stays in memory, its columns in the cache. */
export class RecentChunks {
  readonly #options: RecentChunksOptions;
  #chunks: readonly RecentChunk[] = [];
  #bytes = 0;
  /** Events before this one were read, or are in a part. */
  #nextN = 0;
  /** Events are missing, and no whole book has followed yet. */
  #bookLost = false;
  /** The first event that was missing. */
  #hole: number | undefined;

  constructor(options: RecentChunksOptions) {
    this.#options = options;
  }

  get all(): readonly RecentChunk[] {
    return this.#chunks;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether events are missing, which a part may have later. */
  get hasHole(): boolean {
    return this.#hole !== undefined;
  }

  /** Forgets what is in parts now: all events before this one. */
  dropBefore(storedN: number): void {
    if (this.#hole !== undefined && storedN > this.#hole) {
      this.#hole = undefined; // a part has what was missing: what was left out after it is read now
      this.#bookLost = false;
      this.#chunks = [];
      this.#nextN = storedN;
    }
    this.#chunks = this.#chunks.filter(({ nextN }) => nextN > storedN);
    this.#bytes = this.#chunks.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#nextN = Math.max(this.#nextN, storedN);
  }

  /**
   * Reads what Redis has more. Rejects with `UNAVAILABLE`.
   *
   * @param acceptHole where events are missing, those from the next whole book on are used. Otherwise nothing changes then
   * @returns whether events are missing before those that Redis has: another part may have them by now
   */
  async update(acceptHole: boolean): Promise<"current" | "missing"> {
    const { redis, stream, tape } = this.#options;
    if (redis === undefined) return "current";
    let sliceEnds = performance.now() + sliceMs;
    for await (const batch of readBatches(redis, stream, this.#nextN)) {
      if (batch.tape !== tape) break; // this one has ended: its parts have everything
      const entries = batch.lines.map(decodeEntry).filter(({ n }) => n >= this.#nextN);
      const first = entries.find(isEvent);
      if (first !== undefined && first.n > this.#nextN) {
        if (!acceptHole) return "missing";
        this.#hole ??= this.#nextN;
        this.#bookLost = true;
      }
      this.#add(entries, batch.nextN);
      if (performance.now() < sliceEnds) continue;
      await new Promise(setImmediate);
      sliceEnds = performance.now() + sliceMs;
    }
    return "current";
  }

  /** Reads a batch again. Rejects with `FileMissing` if it is no longer in Redis: a part has its events. */
  async read({ firstN, nextN }: RecentChunk): Promise<EventColumns> {
    const { redis, stream, tape } = this.#options;
    if (redis !== undefined) {
      for await (const batch of readBatches(redis, stream, nextN - 1)) {
        if (batch.tape !== tape || batch.nextN !== nextN) break;
        return columnsOf(batch.lines.map(decodeEntry).filter(({ n }) => n >= firstN));
      }
    }
    throw new FileMissing(`events ${firstN} to ${nextN - 1} of tape ${tape} are no longer in Redis`);
  }

  #add(entries: PlacedEntry[], nextN: number): void {
    this.#nextN = nextN;
    if (this.#bookLost) {
      const whole = entries.findIndex((entry) => isEvent(entry) && isWholeBook(entry));
      if (whole < 0) return;
      this.#bookLost = false;
      entries.splice(0, whole);
    }
    const [first, last] = [entries[0], entries.at(-1)];
    if (first === undefined || last === undefined) return;
    const counter = new DigitCounter();
    for (const entry of entries) counter.add(entry);
    const columns = columnsOf(entries);
    const key = this.#options.newKey();
    this.#options.keep(key, columns);
    const bytes = columns.size / 4; // a line is about so much shorter than its columns
    this.#bytes += bytes;
    const [before, lastNs] = [this.#chunks.at(-1)?.lastNs ?? 0n, lastTimeOf(entries)];
    this.#chunks = [
      ...this.#chunks,
      {
        ...{ key, firstN: first.n, nextN, lastSeq: last.seq, lastNs: lastNs > before ? lastNs : before },
        ...{ digits: counter.digits, wholeBooks: columns.wholeBooks.map(({ n, seq }) => ({ n, seq })), bytes },
      },
    ];
  }
}

function columnsOf(entries: readonly PlacedEntry[]): EventColumns {
  const builder = new ColumnsBuilder();
  for (const entry of entries) builder.add(entry);
  return builder.finish();
}
