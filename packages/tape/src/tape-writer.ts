import { promisify } from "node:util";
import { deflate as deflateCallback } from "node:zlib";
import type { FrameParts, Precision } from "@tapedeck/market";
import { isoOfMs, limits, type TapeNs, type TimeDecimals, type WallMs } from "@tapedeck/protocol";
import { BlockBuilder } from "./block-builder.js";
import { encodeRecord, hasAnomalies, hasGaps } from "./block-index.js";
import { crc32 } from "./checksum.js";
import { encodeEvent, rankOf } from "./events.js";
import { files, formatVersion, type Manifest } from "./manifest.js";
import { encodeOverview, OverviewBuilder } from "./overview.js";
import type { Draft, TapeStore } from "./store.js";
import type { Gap, TapeEvent } from "./tape.js";
import { TapeWriteError } from "./tape-errors.js";
import { tapeIdPattern, tapeName } from "./tape-id.js";

const deflate = promisify(deflateCallback);

export interface TapeWriterOptions {
  readonly id: string;
  readonly symbol: string;
  readonly source: string;
  /** Nanoseconds since 1970 of tape time 0, which is the first frame's. */
  readonly startNs: bigint;
  readonly decimals: TimeDecimals;
  /** Read again whenever it is needed: an importer learns the decimals of an instrument as it goes. */
  readonly precision: Precision;
  /** Milliseconds from frame to frame; null where each event makes one. */
  readonly intervalMs: number | null;
  /** Version of the analytics in the frames; none by default. */
  readonly analyticsVersion?: number;
  /** When the tape was made; now by default. */
  readonly createdMs?: WallMs;
  /** 64 by default. */
  readonly framesPerBlock?: number;
}

/**
 * Writes one version of a tape, frame by frame, in memory that does not grow with it. Nothing is visible before `finish`
 * has resolved. After any rejection the version is gone and the writer of no more use; earlier versions are as they were.
 */
export class TapeWriter {
  readonly #options: TapeWriterOptions;
  readonly #draft: Draft;
  readonly #builder: BlockBuilder;
  readonly #overview = new OverviewBuilder();
  readonly #written = { index: nothing, blocks: nothing, events: nothing };
  readonly #gaps: Gap[] = [];
  readonly #eventTypes = new Map<string, { readonly number: number; count: number }>();
  /** Settles when all blocks so far are in the draft. */
  #writing: Promise<void> = Promise.resolve();
  #state: "open" | "finished" | "given up" = "open";
  #frames = 0;
  #trades = 0;
  #blocks = 0;
  #events = 0;
  #lastNs: TapeNs = 0;
  #block = emptyBlock(0, 0, 0);

  private constructor(options: TapeWriterOptions, draft: Draft) {
    this.#options = options;
    this.#draft = draft;
    this.#builder = new BlockBuilder(options.framesPerBlock ?? 64, options.precision);
  }

  /** Begins the next version of `options.id`; what an interrupted import of it left behind is removed. */
  static async open(store: TapeStore, options: TapeWriterOptions): Promise<TapeWriter> {
    if (!tapeIdPattern.test(options.id)) {
      throw new RangeError(`"${options.id}" cannot name a tape; use letters, digits, _ . and -, at most 100`);
    }
    try {
      return new TapeWriter(options, await store.begin(options.id));
    } catch (error) {
      throw new TapeWriteError(`Tape ${options.id} cannot be begun: ${reasonOf(error)}.`, { cause: error });
    }
  }

  /** Seq of the next frame, which is the number of frames so far. */
  get nextSeq(): number {
    return this.#frames;
  }

  get lastNs(): TapeNs {
    return this.#lastNs;
  }

  /**
   * Adds a frame. Frames come in order of time; several may have the same. Rejects with `TapeWriteError` when the store
   * cannot take more, with `RangeError` for a frame that cannot be on a tape. Await it: that is what keeps memory flat.
   */
  async append(parts: FrameParts): Promise<void> {
    this.#mustBeOpen();
    const seq = this.#frames;
    const problem = this.#problemOf(parts);
    if (problem !== undefined) {
      await this.abort();
      throw new RangeError(`Frame ${seq} of tape ${this.#options.id} ${problem}; nothing of this version was kept.`);
    }
    const gap = this.#gapBefore(parts);
    if (gap !== undefined) this.#gaps.push(gap);
    if (this.#builder.count === 0) this.#block = emptyBlock(seq, parts.ns, this.#events);
    const gapNs = gap === undefined ? 0 : gap.toNs - gap.fromNs;
    this.#builder.add(seq, parts, gapNs);
    this.#block.lastNs = parts.ns;
    this.#block.trades += parts.tradeCount;
    if (parts.anomalies !== "") this.#block.flags |= hasAnomalies;
    if (gap !== undefined) this.#block.flags |= hasGaps;
    let gravest: TapeEvent | undefined;
    for (const { type, severity } of parts.events) {
      const event = { seq, ns: parts.ns, type, severity };
      this.#noteEvent(event);
      if (gravest === undefined || rankOf(severity) > rankOf(gravest.severity)) gravest = event;
    }
    const { ns, price } = parts;
    this.#overview.add({ seq, ns, price, low: price, high: price, event: gravest });
    this.#frames++;
    this.#trades += parts.tradeCount;
    this.#lastNs = ns;
    if (this.#builder.full) await this.#sealBlock();
  }

  /** Completes the version and makes it the current one of its id. */
  async finish(): Promise<Manifest> {
    this.#mustBeOpen();
    if (this.#frames === 0) {
      await this.abort();
      throw new TapeWriteError(`Tape ${this.#options.id} has no frame; nothing was written.`);
    }
    await this.#sealBlock();
    return this.#orFail(async () => {
      await this.#writing;
      const overview = encodeOverview(this.#overview.points, (type) => this.#eventTypes.get(type)?.number ?? 0);
      await this.#draft.append(files.overview, overview);
      // Where there were no events the file is there too, and empty.
      await this.#draft.append(files.events, Buffer.alloc(0));
      const manifest = this.#manifest({ bytes: overview.length, crc32: crc32(overview) });
      await this.#draft.append(files.manifest, Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`));
      await this.#draft.publish();
      this.#state = "finished";
      return manifest;
    });
  }

  /** Gives up: nothing of this version remains. Does nothing to a finished tape. */
  async abort(): Promise<void> {
    if (this.#state === "finished") return;
    this.#state = "given up";
    await this.#writing.catch(() => undefined); // whatever failed there is being given up
    await this.#draft.discard();
  }

  #problemOf(parts: FrameParts): string | undefined {
    const { ns, tradeCount } = parts;
    if (!Number.isSafeInteger(ns) || ns < 0) return `has the time ${ns}, which is no count of nanoseconds`;
    if (this.#frames === 0 && ns !== 0) return `is the first one, and at ${ns} ns instead of 0`;
    if (ns < this.#lastNs) return `is ${this.#lastNs - ns} ns earlier than the one before it`;
    if (tradeCount > limits.tradesPerMessage) {
      return `has ${tradeCount} trades, and a frame takes ${limits.tradesPerMessage}`;
    }
    for (const text of [parts.head, parts.trades, parts.anomalies]) {
      if (beyondAscii.test(text)) return "holds a character that is not ASCII and was not escaped";
    }
    return undefined;
  }

  /** The frame before a gap proves that the source lived until then, so a gap never begins earlier. */
  #gapBefore(parts: FrameParts): Gap | undefined {
    if (parts.gapBefore === null || this.#frames === 0) return undefined;
    const fromNs = Math.max(parts.gapBefore.fromNs, this.#lastNs);
    if (fromNs >= parts.ns) return undefined;
    return { afterSeq: this.#frames - 1, fromNs, toNs: parts.ns, reason: parts.gapBefore.reason };
  }

  #noteEvent(event: TapeEvent): void {
    const type = this.#eventTypes.get(event.type) ?? { number: this.#eventTypes.size, count: 0 };
    this.#eventTypes.set(event.type, type);
    type.count++;
    this.#events++;
    this.#block.eventTypes |= 1 << (type.number % 32);
    this.#block.events.push(encodeEvent(event, type.number));
  }

  /** Compresses and writes the block while the next one fills; at most two are in memory. */
  async #sealBlock(): Promise<void> {
    if (this.#builder.count === 0) return;
    const count = this.#builder.count;
    const raw = this.#builder.take();
    const block = this.#block;
    const before = this.#writing;
    this.#writing = (async () => {
      const [packed] = await Promise.all([deflate(raw), before]);
      await this.#append("blocks", packed, () =>
        encodeRecord({
          ...block,
          eventTypes: block.eventTypes >>> 0,
          offset: this.#written.blocks.bytes - packed.length,
          count,
          length: packed.length,
          rawLength: raw.length,
          crc32: crc32(packed),
        }),
      );
      if (block.events.length > 0) await this.#append("events", Buffer.concat(block.events));
      this.#blocks++;
    })();
    this.#writing.catch(() => undefined); // it is looked at when the next block, or the end, has come
    await this.#orFail(() => before);
  }

  async #append(file: "blocks" | "events" | "index", bytes: Uint8Array, record?: () => Buffer): Promise<void> {
    const { bytes: length, crc32: sum } = this.#written[file];
    await this.#draft.append(files[file], bytes);
    this.#written[file] = { bytes: length + bytes.length, crc32: crc32(bytes, sum) };
    if (record) await this.#append("index", record());
  }

  async #orFail<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.abort().catch(() => undefined); // the first failure is the one to tell
      throw new TapeWriteError(
        `Tape ${tapeName(this.#options.id, this.#draft.version)} could not be written: ${reasonOf(error)}. ` +
          "Nothing of this version was kept; earlier versions are as they were.",
        { cause: error },
      );
    }
  }

  #mustBeOpen(): void {
    if (this.#state !== "open") throw new TapeWriteError(`This writer of tape ${this.#options.id} is ${this.#state}.`);
  }

  #manifest(overview: WrittenFile): Manifest {
    const { id, symbol, source, startNs, decimals, precision, intervalMs, analyticsVersion } = this.#options;
    const { createdMs = Date.now() } = this.#options;
    return {
      format: "tapedeck-tape",
      format_version: formatVersion,
      id,
      version: this.#draft.version,
      symbol,
      source,
      start_ns: String(startNs),
      decimals,
      price_decimals: precision.priceDecimals,
      size_decimals: precision.sizeDecimals,
      interval_ms: intervalMs,
      frames: this.#frames,
      trades: this.#trades,
      last_ns: this.#lastNs,
      blocks: this.#blocks,
      gaps: this.#gaps.map((gap) => ({
        after_seq: gap.afterSeq,
        from_ns: gap.fromNs,
        to_ns: gap.toNs,
        reason: gap.reason,
      })),
      event_types: [...this.#eventTypes.keys()],
      event_counts: Object.fromEntries([...this.#eventTypes].map(([type, { count }]) => [type, count])),
      ...(analyticsVersion === undefined ? {} : { analytics_version: analyticsVersion }),
      created_at: isoOfMs(createdMs),
      files: { ...this.#written, overview },
    };
  }
}

interface WrittenFile {
  readonly bytes: number;
  readonly crc32: number;
}

const nothing: WrittenFile = { bytes: 0, crc32: 0 };

/** What is gathered of a block while it fills. */
function emptyBlock(firstSeq: number, firstNs: TapeNs, firstEvent: number) {
  const events: Buffer[] = [];
  return { firstSeq, firstNs, lastNs: firstNs, firstEvent, trades: 0, eventTypes: 0, flags: 0, events };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them
const beyondAscii = /[^\x00-\x7f]/;

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && error.code === "ENOSPC" ? "the disk is full" : error.message;
}
