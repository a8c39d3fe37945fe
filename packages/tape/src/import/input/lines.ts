import { ImportRefused } from "../import-errors.js";
import { textOf } from "./byte-source.js";
import { decompress } from "./decompress.js";
import { ArrayElements } from "./json-array.js";
import type { RecordingFile } from "./recording-file.js";

/** No recording has longer lines. */
const longestLine = 32 * 1024 * 1024;

interface Lines {
  /** Number of the first line, from 1. */
  readonly firstNumber: number;
  readonly lines: readonly string[];
  /** Bytes read from disk for them. */
  readonly bytes: number;
  /** The last line has no line break: the file may be truncated there. */
  readonly open: boolean;
}

/**
 * The file's lines in batches; for JSON arrays their elements, which count as lines; for tables a header and
 * a line of CSV for each row. If the file cannot be read to its end, throws
 * `CutShort` after everything that can be read.
 */
export async function* linesOf(file: RecordingFile, signal?: AbortSignal): AsyncGenerator<Lines> {
  let firstNumber = 1;
  let bytes = 0;
  const batch = (lines: readonly string[], open = false): Lines => {
    const read = { firstNumber, lines, bytes, open };
    firstNumber += lines.length;
    bytes = 0;
    return read;
  };
  if (file.table !== undefined) {
    yield batch([file.head[0] ?? ""]);
    for await (const lines of file.table.lines()) {
      signal?.throwIfAborted();
      bytes = Math.round((file.bytes * lines.length) / file.table.rows);
      yield batch(lines);
    }
    return;
  }
  const source = file.source.open((length) => {
    bytes += length;
  });
  const text = textOf(decompress(source, file.compression));
  if (file.array) {
    const elements = new ArrayElements();
    for await (const chunk of text) {
      signal?.throwIfAborted();
      const found = [];
      try {
        for (const element of elements.push(chunk)) found.push(element);
      } finally {
        yield batch(found);
      }
      refuseLong(file, elements.length);
    }
    elements.end();
    return;
  }
  let rest = "";
  for await (const chunk of text) {
    signal?.throwIfAborted();
    // Only the new chunk is searched: a line may be much longer than a chunk.
    const lines = chunk.split("\n");
    lines[0] = rest + lines[0];
    rest = lines.pop() ?? "";
    refuseLong(file, rest.length);
    yield batch(lines.map(withoutReturn));
  }
  yield batch(rest === "" ? [] : [withoutReturn(rest)], rest !== "");
}

function refuseLong({ name }: RecordingFile, length: number): void {
  if (length > longestLine)
    throw new ImportRefused(`${name} has a line longer than ${longestLine} bytes, the most that is accepted.`);
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
