import { printable } from "@tapedeck/runtime";

/** A column of a table. Numbers are right-aligned. */
interface Column {
  readonly name: string;
  readonly numbers?: boolean;
}

/** Lines with columns as wide as their widest printed value. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const all = [columns.map(({ name }) => name), ...rows.map((cells) => cells.map(printable))];
  const widths = columns.map((_, at) => Math.max(...all.map((cells) => cells[at]?.length ?? 0)));
  const cell = (text: string, at: number) =>
    columns[at]?.numbers ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0);
  return all.map((cells) => cells.map(cell).join("  ").trimEnd());
}

/** `1:02:03`. */
export function formatDuration(seconds: number): string {
  const whole = Math.floor(seconds);
  const twoDigits = (n: number) => String(n).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${twoDigits(Math.floor(whole / 60) % 60)}:${twoDigits(whole % 60)}`;
}

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** Milliseconds with one decimal, or a dash if the value is not a number. */
export function formatMillis(value: unknown): string {
  return typeof value === "number" ? value.toFixed(1) : "-";
}

/** `0.4 MB`, `1,234.5 MB`; a dash if it is not known. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return "-";
  return `${(bytes / 1e6).toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 })} MB`;
}
