/** What a column's values are. `time`: whole units since 1970; `bytes`: shown as hexadecimal digits after `0x`. */
export type TableColumnKind = "whole" | "decimal" | "float" | "time" | "date" | "text" | "flag" | "bytes";

export interface TableColumn {
  readonly name: string;
  readonly kind: TableColumnKind;
}

/**
 * A recording in a file of columns. It is read as the CSV that has its columns: a header, then a line for each row. So each format that is
 * read from CSV is read from it too.
 */
export interface Table {
  /** Those whose values are no lists or structures. */
  readonly columns: readonly TableColumn[];
  readonly rows: number;
  /** What the file says of itself. */
  readonly metadata: ReadonlyMap<string, string>;
  /**
   * The lines of all rows, without the header. At most a row group, and some thousand lines, are in memory. Throws `CutShort` at rows that
   * cannot be read.
   */
  lines(): AsyncGenerator<readonly string[], void, undefined>;
}

export function headerLine({ columns }: Table): string {
  return columns.map(({ name }) => csvValue(name)).join(",");
}

/** Quoted if it must be. */
export function csvValue(text: string): string {
  // A line break would end the line; no recording has one in a value.
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""').replace(/[\r\n]+/g, " ")}"` : text;
}
