import { isoOfNs } from "@tapedeck/protocol";
import type { TapeStore } from "../store/store.js";
import { tapeIdPattern } from "../tape-id.js";
import { DecimalsChanged, type TrackDecimals } from "../track/track.js";
import { mergeStreams } from "./events/merge-streams.js";
import { type Instrument, instrumentKey, type SourceEvent } from "./events/source-event.js";
import type { ReadContext, ReadPosition } from "./formats/format.js";
import { type SortedRecording, sortByFormat } from "./formats/registry.js";
import { ImportRefused } from "./import-errors.js";
import type { BrokenLineReport, CutShortReport, ImportReport, TapeReport } from "./import-report.js";
import { type OpenedRecording, openRecording, type RecordingFile } from "./input/recording-file.js";
import { InstrumentImport } from "./instrument-import.js";

export interface ImportOptions {
  /** `auto` judges each file by its content. */
  readonly format?: string;
  /** Imports only this instrument; without it each instrument gets its own tape. Names the market if the files don't. */
  readonly symbol?: string;
  /** YYYY-MM-DD, for files whose content and name don't give the day. */
  readonly date?: string;
  /** Milliseconds from frame to frame, 100 by default; 0 makes a frame for each event. */
  readonly intervalMs?: number;
  /** A gap is marked when no stream has an event for this many milliseconds; 5,000 by default. */
  readonly silenceMs?: number;
  /** The tape's id, for recordings of one instrument. */
  readonly id?: string;
  /** Stops at the first broken line. */
  readonly strict?: boolean;
  /** Makes tapes of truncated or damaged files too, from the part that can be read. */
  readonly keepPartial?: boolean;
}

export interface ImportProgress {
  readonly bytes: number;
  readonly totalBytes: number;
  readonly lines: number;
  readonly frames: number;
}

export interface ImportTarget {
  readonly store: TapeStore;
  readonly onProgress?: (progress: ImportProgress) => void;
  readonly signal?: AbortSignal;
}

/** Parts of a recording that are farther apart become separate tapes: playing across such a gap makes no sense. */
const separateDays = 30;
const separateNs = BigInt(separateDays) * 86_400_000_000_000n;
/** Broken lines that the report shows. */
const brokenShown = 10;
/** Each instrument takes some megabytes while it is imported, and a file can have all of a venue. */
const mostInstruments = 100;
/** Instruments that a refusal names. */
const namesShown = 30;

/**
 * Makes one tape per instrument of a recording. All files are one recording in time, even if they are in several formats. An
 * import that fails or is aborted leaves nothing behind. Throws `ImportRefused` with the reason if no tape can be made, and
 * `TapeWriteError` if the store fails.
 */
export async function importRecording(
  paths: readonly string[],
  options: ImportOptions,
  target: ImportTarget,
): Promise<ImportReport> {
  checkOptions(options);
  const decimals = new Map<string, TrackDecimals>();
  for (;;) {
    const opened = await openRecording(paths);
    const run = new ImportRun(opened, options, target, decimals);
    try {
      return await run.run(sortByFormat(opened, options.format));
    } catch (error) {
      // The event track began with other decimals than the rest of the recording needs: it is written anew.
      if (!(error instanceof DecimalsChanged)) throw error;
      decimals.set(error.instrument, error.decimals);
    } finally {
      await opened.close();
    }
  }
}

class ImportRun {
  readonly #files: readonly RecordingFile[];
  readonly #options: ImportOptions;
  readonly #target: ImportTarget;
  /** Of instruments whose numbers got more of them late in the recording. */
  readonly #decimals: ReadonlyMap<string, TrackDecimals>;
  readonly #silenceNs: bigint;
  /** The import under way, by instrument. */
  readonly #current = new Map<string, InstrumentImport>();
  /** That of the last event: mostly also that of the next, which has the same object as its instrument. */
  #last: { readonly instrument: Instrument; readonly one: InstrumentImport } | undefined;
  readonly #imports: InstrumentImport[] = [];
  readonly #otherSymbols = new Set<string>();
  readonly #ignored = new Map<string, number>();
  readonly #notices = new Set<string>();
  readonly #broken: BrokenLineReport[] = [];
  readonly #cutShort: CutShortReport[] = [];
  #brokenCount = 0;
  #lines = 0;
  #bytes = 0;
  /** The newest event time so far, nanoseconds since 1970. */
  #clock: bigint | undefined;
  /** Events without a time that preceded the first event with one, and earlier trades that were received after them. */
  readonly #timeless: SourceEvent[] = [];

  constructor(
    { files }: OpenedRecording,
    options: ImportOptions,
    target: ImportTarget,
    decimals: ReadonlyMap<string, TrackDecimals>,
  ) {
    this.#files = files;
    this.#decimals = decimals;
    this.#options = options;
    this.#target = target;
    this.#silenceNs = BigInt(Math.round((options.silenceMs ?? 5_000) * 1e6));
  }

  async run({ byFormat, skipped }: SortedRecording): Promise<ImportReport> {
    const started = performance.now();
    const reading = this.#reading();
    try {
      const streams = [...byFormat].flatMap(([format, files]) => format.streams(files, reading));
      for await (const events of mergeStreams(streams)) {
        this.#target.signal?.throwIfAborted();
        for (const event of events) this.#take(event);
        await this.#drain();
      }
      for (const event of this.#timeless.splice(0)) this.#place(event.receivedNs, event);
      for (const one of this.#imports) await one.end();
      this.#target.signal?.throwIfAborted();
      // From here on tapes become visible, one by one.
      const tapes: TapeReport[] = [];
      for (const one of this.#imports) tapes.push(await one.finish());
      for (const { key } of this.#imports.filter(({ exact }) => !exact)) {
        this.#notices.add(`${key}: numbers with more than 15 digits were rounded.`);
      }
      this.#progress();
      this.#refuseIfNothingImported(tapes);
      const seconds = (performance.now() - started) / 1000;
      return {
        ...this.#report(tapes, seconds),
        formats: [...byFormat.keys()].map(({ name }) => name),
        files: [...byFormat.values()].flat().map(({ path }) => path),
        skipped: skipped.map(({ path, reason }) => ({ file: path, reason })),
      };
    } catch (error) {
      for (const one of this.#imports) await one.abort();
      throw error;
    }
  }

  #take(event: SourceEvent): void {
    const { symbol } = this.#options;
    if (symbol !== undefined && event.instrument.symbol.toUpperCase() !== symbol.toUpperCase()) {
      this.#otherSymbols.add(event.instrument.symbol);
      return;
    }
    if (event.ns !== undefined) this.#place(event.ns, event);
    else if (this.#clock !== undefined) this.#importOf(event, this.#clock).push(this.#clock, event);
    else if (event.kind !== "ticker" && event.kind !== "pulse") this.#timeless.push(event);
  }

  #place(ns: bigint, event: SourceEvent): void {
    // Some venues send earlier trades on subscribing: their times don't advance the clock.
    if (event.kind !== "trade" || event.excluded === undefined) this.#advanceClock(ns);
    else if (this.#timeless.length > 0) {
      this.#timeless.push(event); // received after those, which wait for a time
      return;
    }
    for (const earlier of this.#timeless.splice(0)) {
      const at = earlier.ns ?? ns;
      this.#importOf(earlier, at).push(at, earlier);
    }
    this.#importOf(event, ns).push(ns, event);
  }

  #advanceClock(ns: bigint): void {
    const last = this.#clock;
    if (last !== undefined && ns - last > this.#silenceNs) {
      for (const one of this.#imports) one.markSilence(last, "the recording was silent");
    }
    if (last === undefined || ns > last) this.#clock = ns;
  }

  #importOf({ instrument }: SourceEvent, at: bigint): InstrumentImport {
    const last = this.#last?.instrument === instrument ? this.#last.one : undefined;
    if (last !== undefined && at - last.newest <= separateNs) return last;
    const key = instrumentKey(instrument);
    const current = this.#current.get(key);
    const apart = current !== undefined && at - current.newest > separateNs;
    if (current !== undefined && !apart) {
      this.#last = { instrument, one: current };
      return current;
    }
    const { id, intervalMs = 100 } = this.#options;
    if (id !== undefined && this.#imports.length > 0) {
      throw new ImportRefused(
        apart
          ? `The recording of ${key} has parts more than ${separateDays} days apart, which become separate tapes: one id is not enough.`
          : `The recording has several instruments (${[...this.#current.keys(), key].join(" and ")}): one id is not enough, give --symbol too.`,
      );
    }
    if (!current && this.#current.size === mostInstruments) {
      const names = [...this.#current.values()].map(({ symbol }) => symbol);
      throw new ImportRefused(
        `${this.#fileNames} has more than ${mostInstruments} instruments: choose one with --symbol. It has ${listOf(names)}.`,
      );
    }
    if (apart) {
      this.#notices.add(`${key}: parts more than ${separateDays} days apart became separate tapes.`);
    }
    const made = new InstrumentImport({
      instrument,
      firstNs: at,
      store: this.#target.store,
      intervalNs: intervalMs * 1e6,
      silenceNs: Number(this.#silenceNs),
      id,
      decimals: this.#decimals.get(key),
    });
    this.#current.set(key, made);
    this.#last = undefined;
    this.#imports.push(made);
    return made;
  }

  async #drain(): Promise<void> {
    for (const one of this.#imports) await one.drain();
  }

  #reading(): ReadContext {
    const { symbol, date, strict } = this.#options;
    return {
      symbol,
      date,
      signal: this.#target.signal,
      ignore: (kind) => this.#ignored.set(kind, (this.#ignored.get(kind) ?? 0) + 1),
      notice: (sentence) => this.#notices.add(sentence),
      brokenLine: (file, line, reason) => {
        if (strict) throw new ImportRefused(`${file.path}, line ${line}: ${reason}. Nothing was imported.`);
        this.#brokenCount++;
        if (this.#broken.length < brokenShown) this.#broken.push({ file: file.path, line, reason });
      },
      cutShort: (file, last, reason) => this.#noteCut(file, last, reason),
      addProgress: (lines, bytes) => {
        this.#lines += lines;
        this.#bytes += bytes;
        this.#progress();
      },
    };
  }

  #noteCut({ path }: RecordingFile, { line, receivedNs }: ReadPosition, reason: string): void {
    const until = receivedNs === undefined ? undefined : isoOfNs(receivedNs, 3);
    const far = until === undefined ? `${line} lines` : `line ${line}, received at ${until}`;
    if (this.#options.strict || !this.#options.keepPartial) {
      throw new ImportRefused(
        `${path} cannot be read to its end: after ${far}, ${reason}. Nothing was imported; --keep-partial imports what can be read.`,
      );
    }
    this.#cutShort.push({ file: path, line, until, reason });
  }

  #progress(): void {
    const totalBytes = this.#files.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#target.onProgress?.({ bytes: this.#bytes, totalBytes, lines: this.#lines, frames: this.#frames });
  }

  get #fileNames(): string {
    return this.#files.map(({ name }) => name).join(", ");
  }

  get #frames(): number {
    return this.#imports.reduce((sum, one) => sum + one.frames, 0);
  }

  #refuseIfNothingImported(tapes: readonly TapeReport[]): void {
    if (tapes.some(({ tape }) => tape !== undefined)) return;
    const files = this.#fileNames;
    const [first] = tapes;
    if (first) {
      const reasons = tapes.map(({ symbol, refused }) => (tapes.length === 1 ? refused : `${symbol}: ${refused}`));
      throw new ImportRefused(`${files} cannot become a tape: ${reasons.join("; ")}.`);
    }
    if (this.#otherSymbols.size > 0) {
      const there = listOf([...this.#otherSymbols]);
      throw new ImportRefused(`${files} does not contain ${this.#options.symbol}; it contains ${there}.`);
    }
    const [broken] = this.#broken;
    const ignored = [...this.#ignored].map(([kind, n]) => `${n} ${kind}`).join(", ");
    const why = broken
      ? ` (the first broken line is ${broken.line}: ${broken.reason})`
      : ignored && ` (only ${ignored})`;
    throw new ImportRefused(`${files} cannot become a tape: it contains no market events${why}.`);
  }

  #report(tapes: readonly TapeReport[], seconds: number): Omit<ImportReport, "files" | "formats" | "skipped"> {
    return {
      lines: this.#lines,
      seconds,
      linesPerSecond: this.#lines / seconds,
      frames: this.#frames,
      brokenLines: { count: this.#brokenCount, first: this.#broken },
      cutShort: this.#cutShort,
      ignoredLines: Object.fromEntries(this.#ignored),
      notices: [...this.#notices],
      tapes,
    };
  }
}

/** Names in order, and how many more there are. */
function listOf(names: readonly string[]): string {
  const sorted = [...names].sort();
  const more = sorted.length - namesShown;
  return `${sorted.slice(0, namesShown).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function checkOptions({ intervalMs = 100, silenceMs = 5_000, id }: ImportOptions): void {
  if (!Number.isInteger(intervalMs) || intervalMs < 0 || intervalMs > 3_600_000) {
    throw new ImportRefused(
      `The interval must be a whole number of milliseconds from 0 to 3,600,000, not ${intervalMs}.`,
    );
  }
  if (!(silenceMs >= 100)) throw new ImportRefused(`The silence must be at least 100 ms, not ${silenceMs}.`);
  if (id !== undefined && !tapeIdPattern.test(id)) {
    throw new ImportRefused(
      `"${id}" cannot name a tape: use at most 100 letters, digits, _ . and -, not starting with . or -.`,
    );
  }
}
