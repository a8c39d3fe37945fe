import { parse } from "csv-parse/sync";
import { BrokenLine } from "../../import-errors.js";

// HOT: once per line. Recorders rarely quote values; only quoted lines go through the CSV library.
function splitRow(line: string): string[] {
  if (!line.includes('"')) return line.split(",");
  try {
    const [row]: string[][] = parse(line);
    return row ?? [];
  } catch (error) {
    throw new BrokenLine(error instanceof Error ? error.message : String(error));
  }
}

/** Empty if the line is not valid CSV. */
function namesOf(line: string): string[] {
  try {
    return splitRow(line).map((name) => name.trim());
  } catch (error) {
    if (error instanceof BrokenLine) return [];
    throw error;
  }
}

/** Finds a row's values by column name. */
export class Header {
  readonly names: readonly string[];
  readonly #places: ReadonlyMap<string, number>;

  constructor(line: string) {
    this.names = namesOf(line.replace(/^\uFEFF/, ""));
    this.#places = new Map(this.names.map((name, place) => [name, place]));
  }

  has(...names: readonly string[]): boolean {
    return names.every((name) => this.#places.has(name));
  }

  /** Empty if there is no such column. */
  value(row: readonly string[], name: string): string {
    return row[this.#places.get(name) ?? -1] ?? "";
  }

  /** Throws `BrokenLine` if the row has another number of values than the header. */
  split(line: string): string[] {
    const row = splitRow(line);
    if (row.length === this.names.length) return row;
    throw new BrokenLine(`${row.length} values, but the header has ${this.names.length}`);
  }
}
