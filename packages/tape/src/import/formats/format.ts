import type { SourceEvent } from "../events/source-event.js";
import type { RecordingFile } from "../input/recording-file.js";

/** Events of a file, or of files that only make sense together, in the order in which they were heard, in batches. */
export type EventStream = AsyncIterable<readonly SourceEvent[]>;

/** What reading a recording needs from its import, and tells it. */
export interface ReadContext {
  readonly symbol: string | undefined;
  /** YYYY-MM-DD, for formats whose times begin at midnight and whose file names don't say of which day. */
  readonly date: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** A line that means nothing here; counted by its kind. */
  ignore(kind: string): void;
  /** Something about the recording that its user should know, a sentence. Told once. */
  notice(sentence: string): void;
  /** A line that is broken: throws where the import is strict. */
  brokenLine(file: RecordingFile, line: number, reason: string): void;
  /** The file cannot be read to its end; `last` is what was read last. Throws unless the import keeps what there is. */
  cutShort(file: RecordingFile, last: ReadPosition, reason: string): void;
  /** Progress. */
  addProgress(lines: number, bytes: number): void;
}

/** How far a file was read. */
export interface ReadPosition {
  /** Number of its last good line. */
  readonly line: number;
  /** Nanoseconds since 1970 of its last event, by the recorder's clock; undefined where it gave none. */
  readonly receivedNs: bigint | undefined;
}

/** One kind of recording. A new one is a file in `formats/` and a line in its registry. */
export interface Format {
  readonly name: string;
  /** Whose recordings these are, for the list of formats. */
  readonly about: string;
  /** Judged by content; names of files can be anything. */
  recognises(file: RecordingFile): boolean;
  /** Throws `ImportRefused` where files are missing that these need beside them. */
  streams(files: readonly RecordingFile[], reading: ReadContext): EventStream[];
}
