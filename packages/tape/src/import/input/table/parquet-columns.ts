import type { DecodedArray, FileMetaData } from "hyparquet";
import { decimalText } from "../../../export/text-formats.js";
import { csvValue, type TableColumn } from "./table.js";

type SchemaElement = FileMetaData["schema"][number];

/** A column of a Parquet file, and how its stored values become text. */
export interface ParquetColumn extends TableColumn {
  /** @param value as it is stored: without regard to its logical type */
  readonly text: (value: unknown) => string;
}

/** The columns that are neither lists nor structures. */
export function columnsOf(schema: readonly SchemaElement[]): ParquetColumn[] {
  const columns: ParquetColumn[] = [];
  // Depth first: an element is followed by its children.
  let inside = 0;
  for (const element of schema.slice(1)) {
    const top = inside === 0;
    if (inside > 0) inside--;
    inside += element.num_children ?? 0;
    if (!top || (element.num_children ?? 0) > 0 || element.repetition_type === "REPEATED") continue;
    columns.push({ name: element.name, ...readAs(element) });
  }
  return columns;
}

/** As it is stored: the reader's conversions would round decimals and cut off times. */
export function asStored({ name, type, type_length, repetition_type, num_children }: SchemaElement): SchemaElement {
  return {
    name,
    ...(type !== undefined && { type }),
    ...(type_length !== undefined && { type_length }),
    ...(repetition_type !== undefined && { repetition_type }),
    ...(num_children !== undefined && { num_children }),
  };
}

function readAs(element: SchemaElement): Omit<ParquetColumn, "name"> {
  const { type, converted_type: converted, logical_type: logical, scale = 0 } = element;
  const bytes = type === "BYTE_ARRAY" || type === "FIXED_LEN_BYTE_ARRAY";
  if (converted === "DECIMAL" || logical?.type === "DECIMAL") {
    return { kind: "decimal", text: (value) => decimalText(bytes ? signedOf(value) : BigInt(String(value)), scale) };
  }
  if (logical?.type === "TIMESTAMP" || converted?.startsWith("TIMESTAMP") || type === "INT96") {
    return { kind: "time", text: String };
  }
  if (converted === "DATE" || logical?.type === "DATE") return { kind: "date", text: dayOf };
  if (type === "BOOLEAN") return { kind: "flag", text: String };
  if (type === "FLOAT" || type === "DOUBLE") return { kind: "float", text: String };
  if (type === "FIXED_LEN_BYTE_ARRAY") return { kind: "bytes", text: hexOf };
  if (type === "BYTE_ARRAY") return { kind: "text", text: (value) => csvValue(String(value)) };
  if (isUnsigned(element)) {
    return {
      kind: "whole",
      text: (value) => String(BigInt.asUintN(type === "INT64" ? 64 : 32, BigInt(String(value)))),
    };
  }
  return { kind: "whole", text: String };
}

function isUnsigned({ converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  return (converted?.startsWith("UINT") ?? false) || (logical?.type === "INTEGER" && !logical.isSigned);
}

/** A whole number of bytes, the highest first. */
function signedOf(value: unknown): bigint {
  const hex = hexOf(value);
  return hex === "0x" ? 0n : BigInt.asIntN(4 * (hex.length - 2), BigInt(hex));
}

function hexOf(value: unknown): string {
  return value instanceof Uint8Array ? `0x${Buffer.from(value).toString("hex")}` : "";
}

function dayOf(value: unknown): string {
  const date = new Date(Number(value) * 86_400_000);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().slice(0, 10);
}

/** The lines of decoded columns. */
export function* linesOfColumns(
  columns: readonly ParquetColumn[],
  values: readonly DecodedArray[],
  rowsPerBatch: number,
): Generator<string[], void, undefined> {
  const rows = values[0]?.length ?? 0;
  for (let from = 0; from < rows; from += rowsPerBatch) {
    const lines: string[] = [];
    const texts = new Array<string>(columns.length);
    for (let row = from; row < Math.min(rows, from + rowsPerBatch); row++) {
      for (let at = 0; at < columns.length; at++) {
        const value: unknown = values[at]?.[row];
        texts[at] = value == null ? "" : (columns[at]?.text(value) ?? "");
      }
      lines.push(texts.join(","));
    }
    yield lines;
  }
}
