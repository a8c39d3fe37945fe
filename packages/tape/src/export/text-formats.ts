import { isoOfNs, type TimeDecimals } from "@tapedeck/protocol";
import type { ColumnKind } from "../track/parquet-file.js";
import type { RowSource, TextColumn } from "./row-source.js";

/** Rows whose text is made at once. */
const rowsPerChunk = 2_048;

/** How a column is written. */
interface Cell {
  readonly column: string;
  readonly text: (value: unknown) => string;
}

/** A header line, then a line for each row. A value that an optional column lacks is empty. */
export async function* csvOf(source: RowSource): AsyncGenerator<Uint8Array, void, undefined> {
  const columns = source.csvColumns ?? source.columns.map((of): TextColumn => ({ name: of.name, of }));
  yield Buffer.from(`${columns.map(({ name }) => name).join(",")}\n`);
  const cells = columns.map(({ of, microseconds }): Cell => {
    const text = microseconds ? microsecondsOf : cellOf(of.kind, source.timeDecimals, quoted, String);
    return { column: of.name, text: (value) => (value == null ? "" : text(value)) };
  });
  yield* linesOf(source, cells, (texts) => texts.join(","));
}

/** A JSON object a line. Decimals are numbers with all their digits, times ISO 8601, and what an optional column lacks is null. */
export async function* ndjsonOf(source: RowSource): AsyncGenerator<Uint8Array, void, undefined> {
  const cells = source.columns.map(({ name, kind }): Cell => {
    const label = `${JSON.stringify(name)}:`;
    const text = kind === "json" ? String : cellOf(kind, source.timeDecimals, JSON.stringify, (iso) => `"${iso}"`);
    return { column: name, text: (value) => label + (value == null ? "null" : text(value)) };
  });
  yield* linesOf(source, cells, (texts) => `{${texts.join(",")}}`);
}

async function* linesOf(
  source: RowSource,
  cells: readonly Cell[],
  line: (texts: readonly string[]) => string,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { rows, values } of source.batches()) {
    const columns = cells.map(({ column }): ArrayLike<unknown> => values[column] ?? []);
    const texts = new Array<string>(columns.length);
    for (let from = 0; from < rows; from += rowsPerChunk) {
      let chunk = "";
      for (let row = from; row < Math.min(rows, from + rowsPerChunk); row++) {
        for (let at = 0; at < cells.length; at++) texts[at] = cells[at]?.text(columns[at]?.[row]) ?? "";
        chunk += `${line(texts)}\n`;
      }
      yield Buffer.from(chunk);
    }
  }
}

/** How the values of a column are written. */
function cellOf(
  kind: ColumnKind,
  decimals: TimeDecimals,
  ofText: (text: string) => string,
  ofTime: (iso: string) => string,
): (value: unknown) => string {
  if (typeof kind === "object") return (value) => decimalText(wholeOf(value), kind.decimals);
  if (kind === "time") return (value) => ofTime(exactIso(wholeOf(value), decimals));
  return kind === "text" || kind === "json" ? (value) => ofText(String(value)) : String;
}

function wholeOf(value: unknown): bigint {
  return typeof value === "bigint" ? value : BigInt(String(value));
}

function microsecondsOf(value: unknown): string {
  return String(wholeOf(value) / 1000n);
}

/** With the decimals of the tape's times, or as many more as the time has. */
function exactIso(ns: bigint, decimals: TimeDecimals): string {
  if (decimals === 9 || ns % 1000n !== 0n) return isoOfNs(ns, 9);
  return isoOfNs(ns, decimals === 6 || ns % 1_000_000n !== 0n ? 6 : 3);
}

// HOT: twice for each level of an exported book.
/** A decimal without zeros at its end. */
export function decimalText(units: bigint, decimals: number): string {
  if (units < 0n) return `-${decimalText(-units, decimals)}`;
  const digits = String(units).padStart(decimals + 1, "0");
  const point = digits.length - decimals;
  let end = digits.length;
  while (end > point && digits[end - 1] === "0") end--;
  return end === point ? digits.slice(0, point) : `${digits.slice(0, point)}.${digits.slice(point, end)}`;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
