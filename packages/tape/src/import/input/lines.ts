import { ImportRefused } from "../import-errors.js";
import type { Bytes } from "./byte-source.js";
import { decompress } from "./decompress.js";
import { ArrayElements } from "./json-array.js";
import type { RecordingFile } from "./recording-file.js";

/** A longer line does not belong to a recording. */
const longestLine = 32 * 1024 * 1024;

interface Lines {
  /** Number of the first of them, from 1. */
  readonly firstNumber: number;
  readonly lines: readonly string[];
  /** Bytes of the file on the disk that were read for them. */
  readonly bytes: number;
  /** No line break follows the last of them: the file may have been cut there. */
  readonly open: boolean;
}

/**
 * The file's lines in batches; of a file of JSON arrays their elements, which are counted as lines are. Throws `CutShort` where
 * the file cannot be read to its end, after what can be read.
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
    // Only what is new is searched: a line may be far longer than a chunk.
    const lines = chunk.split("\n");
    lines[0] = rest + lines[0];
    rest = lines.pop() ?? "";
    refuseLong(file, rest.length);
    yield batch(lines.map(withoutReturn));
  }
  yield batch(rest === "" ? [] : [withoutReturn(rest)], rest !== "");
}

function refuseLong({ name }: RecordingFile, length: number): void {
  if (length > longestLine) throw new ImportRefused(`${name} has a line of more than ${longestLine} bytes.`);
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

export async function* textOf(bytes: Bytes): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8");
  for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
}
