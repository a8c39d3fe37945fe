import { printable } from "@tapedeck/runtime";

/** A column of a table: its heading, and whether its values are numbers, which stand to the right. */
export interface Column {
  readonly name: string;
  readonly numbers?: boolean;
}

/** Lines with columns as wide as their widest value, as it is printed. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const all = [columns.map(({ name }) => name), ...rows.map((cells) => cells.map(printable))];
  const widths = columns.map((_, at) => Math.max(...all.map((cells) => cells[at]?.length ?? 0)));
  const cell = (text: string, at: number) =>
    columns[at]?.numbers ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0);
  return all.map((cells) => cells.map(cell).join("  ").trimEnd());
}
