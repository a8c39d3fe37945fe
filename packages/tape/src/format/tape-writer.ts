import type { FrameParts, Precision } from "@tapedeck/market";
import { isoOfMs, limits, type TapeNs, type TimeDecimals, type WallMs } from "@tapedeck/protocol";
import { TapeWriteError, writeFailureReason } from "../errors.js";
import type { StagedVersion, TapeStore } from "../store/store.js";
import type { Seq } from "../tape.js";
import { tapeIdPattern, tapeName } from "../tape-id.js";
import type { StoredTrackFile, TrackSummary } from "../track/track.js";
import { BlockBuilder, type CompressedBlock, compressBlock, isBlockFull } from "./block-builder.js";
import { BlockFileWriter } from "./block-file-writer.js";
import { files, formatOf, type Manifest } from "./manifest.js";
import { markGap } from "./mark-gap.js";
import { serializeFrame } from "./serialize-frame.js";

export interface TapeWriterOptions {
  readonly id: string;
  readonly symbol: string;
  readonly source: string;
  /** Nanoseconds since 1970 of tape time 0: the time of the first frame, unless the tape begins later. */
  readonly startNs: bigint;
  readonly decimals: TimeDecimals;
  /** Read again for every frame: an importer learns the decimals of an instrument from the data. */
  readonly precision: Precision;
  /** Milliseconds from frame to frame; null if there is a frame per event. */
  readonly intervalMs: number | null;
  /** Version of the analytics in the frames; none by default. */
  readonly analyticsVersion?: number;
  /** When the tape was made; now by default. */
  readonly createdMs?: WallMs;
  /** 64 by default. */
  readonly framesPerBlock?: number;
  /** Seq of the first frame, 0 by default. A tape that begins later is the rest of a longer one, and keeps its times. */
  readonly firstSeq?: Seq;
}

/**
 * Writes one version of a tape, frame by frame, in memory that does not grow with the tape. Nothing is visible before `finish`
 * resolves. After any rejection the version is gone and the writer is closed; earlier versions are unchanged.
 */
export class TapeWriter {
  readonly #options: TapeWriterOptions;
  readonly #staged: StagedVersion;
  readonly #files: BlockFileWriter;
  readonly #firstSeq: Seq;
  /** Settles when all blocks so far are in the draft. */
  #writing: Promise<void> = Promise.resolve();
  #state: "open" | "finished" | "aborted" = "open";
  #nextSeq: Seq;
  #lastNs: TapeNs = 0;
  #block: BlockBuilder | undefined;
  /** Bytes of text in the previous block. */
  #textCapacity: number | undefined;

  private constructor(options: TapeWriterOptions, staged: StagedVersion) {
    this.#options = options;
    this.#staged = staged;
    this.#files = new BlockFileWriter(staged);
    this.#firstSeq = options.firstSeq ?? 0;
    this.#nextSeq = this.#firstSeq;
  }

  /** Begins the next version of `options.id`, and removes what an interrupted import of it left behind. */
  static async open(store: TapeStore, options: TapeWriterOptions): Promise<TapeWriter> {
    if (!tapeIdPattern.test(options.id)) {
      throw new RangeError(`"${options.id}" is not a valid tape id: use at most 100 letters, digits, _, . and -`);
    }
    try {
      return new TapeWriter(options, await store.begin(options.id));
    } catch (error) {
      throw new TapeWriteError(`Cannot begin tape ${options.id}: ${writeFailureReason(error)}.`, { cause: error });
    }
  }

  /** Number of the version that is being written. */
  get version(): number {
    return this.#staged.version;
  }

  /** Seq of the next frame. */
  get nextSeq(): Seq {
    return this.#nextSeq;
  }

  get lastNs(): TapeNs {
    return this.#lastNs;
  }

  /**
   * Adds a frame. Frames come in order of time; several may have the same time. Rejects with `TapeWriteError` if the store is full or
   * fails, with `RangeError` for an invalid frame. Await it: that keeps memory flat.
   */
  async append(parts: FrameParts): Promise<void> {
    this.#assertOpen();
    const seq = this.#nextSeq;
    const first = seq === this.#firstSeq;
    const problem = frameProblem(parts) ?? this.#orderProblem(parts.ns);
    if (problem !== undefined) await this.#refuse(`Frame ${seq}`, problem);
    const gap = first ? undefined : markGap(parts, seq, this.#lastNs);
    const frames = this.#options.framesPerBlock;
    this.#block ??= new BlockBuilder(seq, frames, this.#textCapacity);
    this.#block.add(serializeFrame(seq, parts, gap, this.#options.precision.sizeDecimals));
    this.#nextSeq++;
    this.#lastNs = parts.ns;
    if (isBlockFull(this.#block, { frames })) await this.#closeBlock();
  }

  /** Adds a block of another tape unchanged; its frames continue this tape's by seq and time. Rejects as `append` does. */
  async appendBlock(block: CompressedBlock): Promise<void> {
    this.#assertOpen();
    const problem =
      block.firstSeq === this.#nextSeq ? this.#orderProblem(block.firstNs) : `comes in place of frame ${this.#nextSeq}`;
    if (problem !== undefined) await this.#refuse(`Frame ${block.firstSeq}`, problem);
    await this.#closeBlock();
    this.#nextSeq = block.firstSeq + block.count;
    this.#lastNs = block.lastNs;
    await this.#write(Promise.resolve(block));
  }

  /** Appends to a file of the event track. Rejects as `append` does. */
  async appendTrack(file: StoredTrackFile, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    const before = this.#writing;
    this.#writing = before.then(() => this.#files.writeTrack(file, bytes));
    await this.#orAbort(() => this.#writing);
  }

  /**
   * Completes the version and makes it the current one of its id.
   *
   * @param track what its event track has, if it has one
   */
  async finish(track?: TrackSummary): Promise<Manifest> {
    this.#assertOpen();
    if (this.#nextSeq === this.#firstSeq) {
      await this.abort();
      throw new TapeWriteError(`Tape ${this.#options.id} has no frame; nothing was written.`);
    }
    await this.#closeBlock();
    return this.#orAbort(async () => {
      await this.#writing;
      const manifest = this.#manifest(await this.#files.finish(), track);
      await this.#staged.append(files.manifest, Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`));
      await this.#staged.commit();
      this.#state = "finished";
      return manifest;
    });
  }

  /** Removes this version. Does nothing to a finished one. */
  async abort(): Promise<void> {
    if (this.#state === "finished") return;
    this.#state = "aborted";
    await this.#writing.catch(() => undefined); // the version is discarded in any case
    await this.#staged.discard();
  }

  #orderProblem(ns: TapeNs): string | undefined {
    if (this.#nextSeq === 0 && ns !== 0) return `is the first one, and must be at 0 ns instead of ${ns}`;
    if (ns < this.#lastNs) return `is ${this.#lastNs - ns} ns earlier than the one before it`;
    return undefined;
  }

  async #refuse(what: string, problem: string): Promise<never> {
    await this.abort();
    throw new RangeError(`${what} of tape ${this.#options.id} ${problem}; nothing of this version was kept.`);
  }

  async #closeBlock(): Promise<void> {
    const block = this.#block;
    if (block === undefined) return;
    this.#block = undefined;
    this.#textCapacity = block.textBytes;
    await this.#write(compressBlock(block));
  }

  /** Compresses and writes the block while the next one fills; at most two are in memory. */
  async #write(coming: Promise<CompressedBlock>): Promise<void> {
    const before = this.#writing;
    this.#writing = (async () => {
      const [block] = await Promise.all([coming, before]);
      await this.#files.write(block);
    })();
    this.#writing.catch(() => undefined); // the next block, or `finish`, awaits it
    await this.#orAbort(() => before);
  }

  async #orAbort<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.abort().catch(() => undefined); // the first failure is the one to report
      throw new TapeWriteError(
        `Cannot write tape ${tapeName(this.#options.id, this.#staged.version)}: ${writeFailureReason(error)}. ` +
          "Nothing of this version was kept; earlier versions are unchanged.",
        { cause: error },
      );
    }
  }

  #assertOpen(): void {
    if (this.#state !== "open") throw new TapeWriteError(`The writer of tape ${this.#options.id} is ${this.#state}.`);
  }

  #manifest(written: Manifest["files"], track: TrackSummary | undefined): Manifest {
    const { id, symbol, source, startNs, decimals, precision, intervalMs, analyticsVersion } = this.#options;
    const { createdMs = Date.now() } = this.#options;
    const { firstSeq, firstNs, frames, trades, lastNs, blocks, gaps, eventTypes, eventCounts } = this.#files;
    return {
      format: "tapedeck-tape",
      format_version: formatOf(firstSeq),
      id,
      version: this.#staged.version,
      symbol,
      source,
      start_ns: String(startNs),
      decimals,
      price_decimals: precision.priceDecimals,
      size_decimals: precision.sizeDecimals,
      interval_ms: intervalMs,
      ...(firstSeq > 0 && { first_seq: firstSeq, first_ns: firstNs }),
      frames,
      trades,
      last_ns: lastNs,
      blocks,
      gaps: gaps.map((gap) => ({
        after_seq: gap.afterSeq,
        from_ns: gap.fromNs,
        to_ns: gap.toNs,
        reason: gap.reason,
      })),
      event_types: eventTypes,
      event_counts: eventCounts,
      ...(analyticsVersion === undefined ? {} : { analytics_version: analyticsVersion }),
      ...(track && { track }),
      created_at: isoOfMs(createdMs),
      files: written,
    };
  }
}

/** Why a frame is not valid on any tape; undefined if it is. */
export function frameProblem({ ns, tradeCount, head, trades, anomalies }: FrameParts): string | undefined {
  if (!Number.isSafeInteger(ns) || ns < 0) return `has the time ${ns}, which is not a whole number of nanoseconds`;
  if (tradeCount > limits.tradesPerMessage) {
    return `has ${tradeCount} trades; the limit is ${limits.tradesPerMessage}`;
  }
  for (const text of [head, trades, anomalies]) {
    if (beyondAscii.test(text)) return "has a character that is not ASCII and not escaped";
  }
  return undefined;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them
const beyondAscii = /[^\x00-\x7f]/;
