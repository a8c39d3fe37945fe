import type { EventStream, Reading } from "./format.js";
import { BrokenLine } from "./import-errors.js";
import { linesOf, type RecordingFile } from "./recording-file.js";
import type { SourceEvent } from "./source-event.js";

/** Reads one file's lines. It may keep what spans lines. */
export interface LineParser {
  /** Adds what the line says to `out`. Throws `BrokenLine`. */
  line(text: string, out: SourceEvent[]): void;
  /** Adds what was still open when the file ended. */
  end?(out: SourceEvent[]): void;
}

/** The events of a file whose lines are messages or rows of their own. */
export async function* lineStream(file: RecordingFile, parser: LineParser, reading: Reading): EventStream {
  let previous = "";
  let number = 0;
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
          reading.broken(file, number, error.message);
        }
        if (text === previous) markRepeated(events, first);
        previous = text;
      }
      reading.read(batch.lines.length, batch.bytes);
      yield events;
    }
  } catch (error) {
    if (!isCutShort(error)) throw error;
    reading.broken(file, number + 1, "the compressed file ends in the middle");
  }
  const events: SourceEvent[] = [];
  parser.end?.(events);
  if (events.length > 0) yield events;
}

function markRepeated(events: SourceEvent[], from: number): void {
  for (let at = from; at < events.length; at++) {
    const event = events[at];
    if (event) events[at] = { ...event, repeated: true };
  }
}

/** zlib's complaints about a file that was cut or damaged. */
export function isCutShort(error: unknown): boolean {
  return error instanceof Error && "code" in error && ["Z_BUF_ERROR", "Z_DATA_ERROR"].includes(String(error.code));
}
