import type { SourceEvent } from "../events/source-event.js";
import { BrokenLine, CutShort } from "../import-errors.js";
import { linesOf } from "../input/lines.js";
import type { RecordingFile } from "../input/recording-file.js";

/** Batches of the events of a file, or of files that belong together, in the order of receipt. */
export type EventStream = AsyncIterable<readonly SourceEvent[]>;

/** What a format gets from the import that it reads for, and how it reports to it. */
export interface ReadContext {
  readonly symbol: string | undefined;
  /** YYYY-MM-DD, for formats whose times count from midnight and whose file names lack the day. */
  readonly date: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Counts a line that the tape does not need, by kind. */
  ignore(kind: string): void;
  /** Adds a sentence to the report that the user should know; the same sentence only once. */
  notice(sentence: string): void;
  /** Reports a broken line. Throws if the import is strict. */
  brokenLine(file: RecordingFile, line: number, reason: string): void;
  /** Reports a file that cannot be read to its end; `last` is how far it was read. Throws unless partial tapes are wanted. */
  cutShort(file: RecordingFile, last: ReadPosition, reason: string): void;
  /** Adds to the progress. */
  addProgress(lines: number, bytes: number): void;
}

/** How far a file was read. */
export interface ReadPosition {
  /** Number of its last good line. */
  readonly line: number;
  /** Receive time of its last event, nanoseconds since 1970; undefined if it has none. */
  readonly receivedNs: bigint | undefined;
}

/** One recording format. A new one is a file in `formats/` and a line in its registry. */
export interface Format {
  readonly name: string;
  /** Description for the list of formats. */
  readonly about: string;
  /** Judges by content: file names can be anything. */
  recognises(file: RecordingFile): boolean;
  /** Throws `ImportRefused` if a companion file is missing. */
  streams(files: readonly RecordingFile[], reading: ReadContext): EventStream[];
}

/** Parses one file's lines; may keep state between lines. */
export interface LineParser {
  /** A line that equals the one before it is another event, not a repetition. */
  readonly keepsRepeated?: boolean;
  /** Adds the line's events to `out`. Throws `BrokenLine`. */
  line(text: string, out: SourceEvent[]): void;
  /** Adds the events still open at the end of the file. */
  end?(out: SourceEvent[]): void;
}

/** The events of a file whose lines are independent messages or rows. */
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
        if (text === previous && !parser.keepsRepeated) markRepeated(events, first);
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

/** An unreadable last line without a line break: the recorder or the copy was interrupted. */
export function cutLine({ message }: BrokenLine, line: number): CutShort {
  return new CutShort(`line ${line}, its last, ends in the middle (${message})`);
}

function markRepeated(events: SourceEvent[], from: number): void {
  for (let at = from; at < events.length; at++) {
    const event = events[at];
    if (event) events[at] = { ...event, repeated: true };
  }
}
