import type { SourceEvent } from "../events/source-event.js";
import { BrokenLine, CutShort } from "../import-errors.js";
import { linesOf } from "../input/lines.js";
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

/** Reads one file's lines. It may keep what spans lines. */
export interface LineParser {
  /** Adds what the line says to `out`. Throws `BrokenLine`. */
  line(text: string, out: SourceEvent[]): void;
  /** Adds what was still open when the file ended. */
  end?(out: SourceEvent[]): void;
}

/** The events of a file whose lines are messages or rows of their own. */
export async function* lineStream(file: RecordingFile, parser: LineParser, reading: ReadContext): EventStream {
  let previous = "";
  let number = 0;
  let lastGood = 0;
  let receivedNs: bigint | undefined;
  try {
    for await (const batch of linesOf(file, reading.signal)) {
      const events: SourceEvent[] = [];
      number = batch.firstNumber - 1;
      for (const text of batch.lines) {
        number++;
        if (text === "") continue;
        const first = events.length;
        try {
          parser.line(text, events);
        } catch (error) {
          if (!(error instanceof BrokenLine)) throw error;
          events.length = first;
          if (batch.open) throw cutLine(error, number);
          reading.brokenLine(file, number, error.message);
        }
        if (text === previous) markRepeated(events, first);
        previous = text;
        lastGood = number;
      }
      receivedNs = events.at(-1)?.receivedNs ?? receivedNs;
      reading.addProgress(batch.lines.length, batch.bytes);
      yield events;
    }
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    reading.cutShort(file, { line: lastGood, receivedNs }, error.message);
  }
  const events: SourceEvent[] = [];
  parser.end?.(events);
  if (events.length > 0) yield events;
}

/** A last line that makes no sense and has no line break behind it: whoever wrote it was interrupted, or the copy was. */
export function cutLine({ message }: BrokenLine, line: number): CutShort {
  return new CutShort(`line ${line}, its last, ends in the middle (${message})`);
}

function markRepeated(events: SourceEvent[], from: number): void {
  for (let at = from; at < events.length; at++) {
    const event = events[at];
    if (event) events[at] = { ...event, repeated: true };
  }
}
