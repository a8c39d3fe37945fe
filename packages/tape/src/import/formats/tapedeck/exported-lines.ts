import { BrokenLine } from "../../import-errors.js";
import type { RecordingFile } from "../../input/recording-file.js";
import { type Fields, parseJson } from "../../messages/fields.js";
import { Header } from "../csv/csv-header.js";

/** The text of a row's value, by its column; empty if there is none. */
export type Value = (column: string) => string;

/** Reads the lines of an exported file: of CSV, of a table, which has such lines too, or of NDJSON. */
export class ExportedLines {
  /** Undefined: NDJSON, which has none. */
  readonly #header: Header | undefined;
  readonly #headerLine: string;
  /** The first row of NDJSON. */
  readonly #fields: Fields | undefined;

  constructor({ head: [first = ""] }: Pick<RecordingFile, "head">) {
    this.#headerLine = first;
    if (first.startsWith("{")) this.#fields = fieldsOf(first);
    else this.#header = new Header(first);
  }

  has(...columns: readonly string[]): boolean {
    if (this.#header !== undefined) return this.#header.has(...columns);
    return columns.every((column) => this.#fields !== undefined && column in this.#fields);
  }

  get isBook(): boolean {
    return this.has("is_snapshot");
  }

  isHeader(line: string): boolean {
    return this.#header !== undefined && line === this.#headerLine;
  }

  // HOT: once for each row of an imported file.
  /** Throws `BrokenLine`. */
  valuesOf(line: string): Value {
    const header = this.#header;
    if (header !== undefined) {
      const row = header.split(line);
      return (column) => header.value(row, column);
    }
    const fields = parseJson(line);
    return (column) => textOf(fields[column]);
  }

  /** The rows in the head of the file, without those that are broken. */
  firstRows({ head }: Pick<RecordingFile, "head">): Value[] {
    return head.flatMap((line) => {
      if (line === "" || this.isHeader(line)) return [];
      try {
        return [this.valuesOf(line)];
      } catch (error) {
        if (error instanceof BrokenLine) return [];
        throw error;
      }
    });
  }
}

function fieldsOf(line: string): Fields | undefined {
  try {
    return parseJson(line);
  } catch (error) {
    if (error instanceof BrokenLine) return undefined;
    throw error;
  }
}

function textOf(value: unknown): string {
  return value == null ? "" : String(value);
}
