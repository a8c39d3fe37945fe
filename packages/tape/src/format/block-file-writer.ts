import type { StagedVersion } from "../store/store.js";
import type { Gap, Seq } from "../tape.js";
import type { StoredTrackFile } from "../track/track.js";
import type { CompressedBlock } from "./block-builder.js";
import { encodeRecord } from "./block-index.js";
import { crc32 } from "./checksum.js";
import { encodeEvent } from "./events.js";
import { files, type Manifest } from "./manifest.js";
import { encodeOverview, OverviewBuilder } from "./overview.js";

interface WrittenFile {
  readonly bytes: number;
  readonly crc32: number;
}

const nothing: WrittenFile = { bytes: 0, crc32: 0 };

/** The files of a tape on its way in: takes block after block, and knows what the manifest is to say of them. */
export class BlockFileWriter {
  readonly #draft: StagedVersion;
  readonly #overview = new OverviewBuilder();
  readonly #written: Record<"index" | "blocks" | "events", WrittenFile> = {
    index: nothing,
    blocks: nothing,
    events: nothing,
  };
  readonly #track = new Map<StoredTrackFile, WrittenFile>();
  readonly #eventTypes = new Map<string, { readonly number: number; count: number }>();
  readonly gaps: Gap[] = [];
  #firstSeq: Seq | undefined;
  #events = 0;
  blocks = 0;
  frames = 0;
  trades = 0;
  lastNs = 0;
  firstNs = 0;

  constructor(draft: StagedVersion) {
    this.#draft = draft;
  }

  get firstSeq(): Seq {
    return this.#firstSeq ?? 0;
  }

  /** One call at a time. */
  async write(block: CompressedBlock): Promise<void> {
    if (this.#firstSeq === undefined) {
      this.#firstSeq = block.firstSeq;
      this.firstNs = block.firstNs;
    }
    const firstEvent = this.#events;
    const events = block.events.map((event) => encodeEvent(event, this.#countEvent(event.type)));
    const { firstSeq, firstNs, lastNs, count, compressed, rawLength, trades, flags } = block;
    const record = encodeRecord({
      firstSeq,
      firstNs,
      lastNs,
      offset: this.#written.blocks.bytes,
      count,
      length: compressed.length,
      rawLength,
      crc32: block.crc32,
      trades,
      firstEvent,
      eventTypes: block.events.reduce((bits, { type }) => bits | (1 << (this.#numberOf(type) % 32)), 0) >>> 0,
      flags,
    });
    await this.#append("blocks", compressed);
    await this.#append("index", record);
    if (events.length > 0) await this.#append("events", Buffer.concat(events));
    for (const run of block.runs) this.#overview.add(run, run.frames);
    this.gaps.push(...block.gaps);
    this.blocks++;
    this.frames += count;
    this.trades += trades;
    this.lastNs = lastNs;
  }

  /** Appends to a file of the event track. One call at a time, also beside `write`. */
  async writeTrack(file: StoredTrackFile, bytes: Uint8Array): Promise<void> {
    await this.#draft.append(files[file], bytes);
    this.#track.set(file, grown(this.#track.get(file) ?? nothing, bytes));
  }

  /** Writes what is known only at the end. */
  async finish(): Promise<Manifest["files"]> {
    const overview = encodeOverview(this.#overview.points, (type) => this.#numberOf(type));
    await this.#draft.append(files.overview, overview);
    // Where there were no events the file is there too, and empty.
    await this.#draft.append(files.events, Buffer.alloc(0));
    const track = Object.fromEntries(this.#track);
    return { ...this.#written, overview: grown(nothing, overview), ...track };
  }

  get eventTypes(): string[] {
    return [...this.#eventTypes.keys()];
  }

  get eventCounts(): Record<string, number> {
    return Object.fromEntries([...this.#eventTypes].map(([type, { count }]) => [type, count]));
  }

  #countEvent(type: string): number {
    const known = this.#eventTypes.get(type) ?? { number: this.#eventTypes.size, count: 0 };
    this.#eventTypes.set(type, known);
    known.count++;
    this.#events++;
    return known.number;
  }

  #numberOf(type: string): number {
    return this.#eventTypes.get(type)?.number ?? 0;
  }

  async #append(file: "blocks" | "events" | "index", bytes: Uint8Array): Promise<void> {
    await this.#draft.append(files[file], bytes);
    this.#written[file] = grown(this.#written[file], bytes);
  }
}

function grown(file: WrittenFile, bytes: Uint8Array): WrittenFile {
  return { bytes: file.bytes + bytes.length, crc32: crc32(bytes, file.crc32) };
}
