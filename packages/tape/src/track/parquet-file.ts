import { gzipSync } from "node:zlib";
import type { SchemaElement } from "hyparquet";
import { ByteWriter, type ColumnSource, ParquetWriter } from "hyparquet-writer";
import { writeChunk } from "./parquet/column-chunk.js";
import type { TypedValues } from "./parquet/column-values.js";
import { encodeColumn } from "./parquet/encode-column.js";

/** How a column is stored, and what it is for other tools: `number` is a whole number, `unsigned` one of 64 bits, `json` a text that is JSON. */
export type ColumnKind =
  | "number"
  | "unsigned"
  | "float"
  | "time"
  | "text"
  | "json"
  | "flag"
  | { readonly decimals: number };

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Whether a row may have none. */
  readonly optional?: boolean;
  /** Whether row groups can be found by it: their lowest and highest values are in the file's footer. */
  readonly indexed?: boolean;
  /** For numbers that hardly differ from row to row: a few bits each. Others go into a dictionary where that is shorter. */
  readonly encoding?: "differences";
}

export type ColumnValues = ColumnSource["data"];
export type GroupValues = Readonly<Record<string, ColumnValues>>;

/** Digits of a 64-bit decimal. */
export const precision = 18;
/** GZIP is what every reader has; Node 20 has no other codec of its kind. Snappy is the writer's own. */
const compressors = { GZIP: (bytes: Uint8Array) => gzipSync(bytes, { level: 6 }) };

/** Encodes one Parquet file, row group by row group. The caller takes the bytes and stores them. */
export class ParquetFile {
  readonly #columns: readonly Column[];
  readonly #bytes = new ByteWriter(1 << 20);
  readonly #parquet: ParquetWriter;

  /** @param codec Snappy is larger, and has the same bytes on every machine */
  constructor(columns: readonly Column[], codec: "GZIP" | "SNAPPY" = "GZIP") {
    this.#columns = columns;
    const schema: SchemaElement[] = [{ name: "root", num_children: columns.length }, ...columns.map(elementOf)];
    this.#parquet = new ParquetWriter({ writer: this.#bytes, schema, codec, compressors, createdBy: "tapedeck" });
  }

  /** @param values those of each column, by its name, of equal length */
  addGroup(values: GroupValues): void {
    const columnData = this.#columns.map(({ name, indexed = false, encoding }): ColumnSource => {
      const data = values[name];
      if (data === undefined) throw new Error(`a row group without the column ${name}`);
      const coded = encoding === "differences" && { encoding: "DELTA_BINARY_PACKED" as const };
      return { name, data, statistics: indexed, ...coded };
    });
    const rows = columnData[0]?.data.length ?? 0;
    if (rows === 0) return;
    // Synchronous, since the writer has no `flush`.
    void this.#parquet.write({ columnData, rowGroupSize: rows });
  }

  /**
   * As `addGroup`, for many rows: hyparquet-writer makes an object of each value, on which an import would spend half its time. Here it only writes
   * what lies around the values.
   */
  addTyped(values: Readonly<Record<string, TypedValues>>): void {
    const encoded = this.#columns.map((column) => {
      const data = values[column.name];
      if (data === undefined) throw new Error(`a row group without the column ${column.name}`);
      return { column, ...encodeColumn(column, data) };
    });
    const rows = encoded[0]?.rows ?? 0;
    if (encoded.some((column) => column.rows !== rows)) throw new Error("columns of different lengths");
    if (rows === 0) return;
    const start = this.#bytes.offset;
    const columns = encoded.map(({ column, ...chunk }) => {
      const { type = "INT64" } = elementOf(column);
      return writeChunk(this.#bytes, type, column, chunk);
    });
    this.#parquet.num_rows += BigInt(rows);
    this.#parquet.row_groups.push({
      columns,
      num_rows: BigInt(rows),
      total_byte_size: columns.reduce((sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n), 0n),
      total_compressed_size: BigInt(this.#bytes.offset - start),
    });
  }

  /** Ends the file. */
  finish(): void {
    void this.#parquet.finish();
  }

  /** What was encoded since the last call. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.getBytes().slice();
    this.#bytes.index = 0;
    return bytes;
  }
}

function elementOf({ name, kind, optional = false }: Column): SchemaElement {
  const repetition_type = optional ? "OPTIONAL" : "REQUIRED";
  const whole = { name, type: "INT64", repetition_type } as const;
  if (kind === "number") return whole;
  // The writer's logical type of integers is not as Thrift has it: DuckDB refuses the file.
  if (kind === "unsigned") return { ...whole, converted_type: "UINT_64" };
  if (kind === "time") return { ...whole, logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "NANOS" } };
  if (kind === "float") return { name, type: "DOUBLE", repetition_type };
  // Some readers have no type for JSON.
  if (kind === "text" || kind === "json") return { name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type };
  if (kind === "flag") return { name, type: "BOOLEAN", repetition_type };
  const { decimals: scale } = kind;
  return { ...whole, converted_type: "DECIMAL", scale, precision, logical_type: { type: "DECIMAL", scale, precision } };
}
