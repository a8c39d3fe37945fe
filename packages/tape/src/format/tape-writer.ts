import type { FrameParts, Precision } from "@tapedeck/market";
import { isoOfMs, limits, type TapeNs, type TimeDecimals, type WallMs } from "@tapedeck/protocol";
import { TapeWriteError } from "../errors.js";
import type { StagedVersion, TapeStore } from "../store/store.js";
import { writeFailureReason } from "../store/write-trouble.js";
import type { Seq } from "../tape.js";
import { tapeIdPattern, tapeName } from "../tape-id.js";
import { BlockBuilder, framesPerBlock } from "./block-builder.js";
import { BlockFileWriter } from "./block-file-writer.js";
import { files, formatOf, type Manifest } from "./manifest.js";
import { type CompressedBlock, compressBlock } from "./packed-block.js";
import { markGap, serializeFrame } from "./serialize-frame.js";

export interface TapeWriterOptions {
  readonly id: string;
  readonly symbol: string;
  readonly source: string;
  /** Nanoseconds since 1970 of tape time 0, which is the first frame's unless the tape begins later. */
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
  /** Seq of its first frame, 0 by default. One that begins later is what was kept of a longer tape, and keeps its times. */
  readonly firstSeq?: Seq;
}

/**
 * Writes one version of a tape, frame by frame, in memory that does not grow with it. Nothing is visible before `finish`
 * has resolved. After any rejection the version is gone and the writer of no more use; earlier versions are as they were.
 */
export class TapeWriter {
  readonly #options: TapeWriterOptions;
  readonly #draft: StagedVersion;
  readonly #files: BlockFileWriter;
  readonly #firstSeq: Seq;
  /** Settles when all blocks so far are in the draft. */
  #writing: Promise<void> = Promise.resolve();
  #state: "open" | "finished" | "given up" = "open";
  #nextSeq: Seq;
  #lastNs: TapeNs = 0;
  #block: BlockBuilder | undefined;
  /** Bytes that the text of a block took last. */
  #room: number | undefined;

  private constructor(options: TapeWriterOptions, draft: StagedVersion) {
    this.#options = options;
    this.#draft = draft;
    this.#files = new BlockFileWriter(draft);
    this.#firstSeq = options.firstSeq ?? 0;
    this.#nextSeq = this.#firstSeq;
  }

  /** Begins the next version of `options.id`; what an interrupted import of it left behind is removed. */
  static async open(store: TapeStore, options: TapeWriterOptions): Promise<TapeWriter> {
    if (!tapeIdPattern.test(options.id)) {
      throw new RangeError(`"${options.id}" cannot name a tape; use letters, digits, _ . and -, at most 100`);
    }
    try {
      return new TapeWriter(options, await store.begin(options.id));
    } catch (error) {
      throw new TapeWriteError(`Tape ${options.id} cannot be begun: ${writeFailureReason(error)}.`, { cause: error });
    }
  }

  /** Number of the version that is written. */
  get version(): number {
    return this.#draft.version;
  }

  /** Seq of the next frame. */
  get nextSeq(): Seq {
    return this.#nextSeq;
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
    const seq = this.#nextSeq;
    const first = seq === this.#firstSeq;
    const problem = frameProblem(parts) ?? this.#placeProblem(parts.ns);
    if (problem !== undefined) await this.#refuse(`Frame ${seq}`, problem);
    const gap = first ? undefined : markGap(parts, seq, this.#lastNs);
    const frames = this.#options.framesPerBlock ?? framesPerBlock;
    this.#block ??= new BlockBuilder(seq, { frames, ns: Number.POSITIVE_INFINITY }, this.#room);
    this.#block.add(serializeFrame(seq, parts, gap, this.#options.precision.sizeDecimals));
    this.#nextSeq++;
    this.#lastNs = parts.ns;
    if (this.#block.full) await this.#sealBlock();
  }

  /** Adds a block of another tape as it is: its frames follow on those before by seq and time. Rejects as `append` does. */
  async appendBlock(block: CompressedBlock): Promise<void> {
    this.#mustBeOpen();
    const problem =
      block.firstSeq === this.#nextSeq
        ? this.#placeProblem(block.firstNs)
        : `comes where frame ${this.#nextSeq} belongs`;
    if (problem !== undefined) await this.#refuse(`Frame ${block.firstSeq}`, problem);
    await this.#sealBlock();
    this.#nextSeq = block.firstSeq + block.count;
    this.#lastNs = block.lastNs;
    await this.#put(Promise.resolve(block));
  }

  /** Completes the version and makes it the current one of its id. */
  async finish(): Promise<Manifest> {
    this.#mustBeOpen();
    if (this.#nextSeq === this.#firstSeq) {
      await this.abort();
      throw new TapeWriteError(`Tape ${this.#options.id} has no frame; nothing was written.`);
    }
    await this.#sealBlock();
    return this.#orFail(async () => {
      await this.#writing;
      const manifest = this.#manifest(await this.#files.finish());
      await this.#draft.append(files.manifest, Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`));
      await this.#draft.commit();
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

  #placeProblem(ns: TapeNs): string | undefined {
    if (this.#nextSeq === 0 && ns !== 0) return `is the first one, and at ${ns} ns instead of 0`;
    if (ns < this.#lastNs) return `is ${this.#lastNs - ns} ns earlier than the one before it`;
    return undefined;
  }

  async #refuse(what: string, problem: string): Promise<never> {
    await this.abort();
    throw new RangeError(`${what} of tape ${this.#options.id} ${problem}; nothing of this version was kept.`);
  }

  async #sealBlock(): Promise<void> {
    const block = this.#block;
    if (block === undefined) return;
    this.#block = undefined;
    this.#room = block.textBytes;
    await this.#put(compressBlock(block));
  }

  /** Compresses and writes the block while the next one fills; at most two are in memory. */
  async #put(coming: Promise<CompressedBlock>): Promise<void> {
    const before = this.#writing;
    this.#writing = (async () => {
      const [block] = await Promise.all([coming, before]);
      await this.#files.write(block);
    })();
    this.#writing.catch(() => undefined); // it is looked at when the next block, or the end, has come
    await this.#orFail(() => before);
  }

  async #orFail<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.abort().catch(() => undefined); // the first failure is the one to tell
      throw new TapeWriteError(
        `Tape ${tapeName(this.#options.id, this.#draft.version)} could not be written: ${writeFailureReason(error)}. ` +
          "Nothing of this version was kept; earlier versions are as they were.",
        { cause: error },
      );
    }
  }

  #mustBeOpen(): void {
    if (this.#state !== "open") throw new TapeWriteError(`This writer of tape ${this.#options.id} is ${this.#state}.`);
  }

  #manifest(written: Manifest["files"]): Manifest {
    const { id, symbol, source, startNs, decimals, precision, intervalMs, analyticsVersion } = this.#options;
    const { createdMs = Date.now() } = this.#options;
    const { firstSeq, firstNs, frames, trades, lastNs, blocks, gaps, eventTypes, eventCounts } = this.#files;
    return {
      format: "tapedeck-tape",
      format_version: formatOf(firstSeq),
      id,
      version: this.#draft.version,
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
      created_at: isoOfMs(createdMs),
      files: written,
    };
  }
}

/** Why a frame can be on no tape. */
export function frameProblem({ ns, tradeCount, head, trades, anomalies }: FrameParts): string | undefined {
  if (!Number.isSafeInteger(ns) || ns < 0) return `has the time ${ns}, which is no count of nanoseconds`;
  if (tradeCount > limits.tradesPerMessage) {
    return `has ${tradeCount} trades, and a frame takes ${limits.tradesPerMessage}`;
  }
  for (const text of [head, trades, anomalies]) {
    if (beyondAscii.test(text)) return "holds a character that is not ASCII and was not escaped";
  }
  return undefined;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them
const beyondAscii = /[^\x00-\x7f]/;
