import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { decompress } from "fzstd";
import { type AsyncBuffer, type Compressors, type FileMetaData, parquetMetadataAsync, parquetScan } from "hyparquet";
import { CutShort } from "../../import-errors.js";
import { asStored, columnsOf, linesOfColumns, type ParquetColumn } from "./parquet-columns.js";
import type { Table } from "./table.js";

/** SNAPPY is in the reader. */
const compressors: Compressors = {
  GZIP: (bytes) => gunzipSync(bytes),
  BROTLI: (bytes) => brotliDecompressSync(bytes),
  ZSTD: (bytes, length) => decompress(bytes, new Uint8Array(length)),
};
const readable: readonly string[] = ["UNCOMPRESSED", "SNAPPY", ...Object.keys(compressors)];

/** INT96 is a time that the reader understands. */
const parsers = { timestampFromNanoseconds: (ns: bigint) => ns };

/** Rows that are decoded at once: some writers make row groups of a million or more. */
const rowsDecoded = 131_072;
const linesPerBatch = 8_192;

export function isParquet(beginning: Buffer): boolean {
  return beginning.toString("latin1", 0, 4) === "PAR1";
}

/** A Parquet file, row group by row group. */
export class ParquetTable implements Table {
  readonly columns: readonly ParquetColumn[];
  readonly rows: number;
  readonly metadata: ReadonlyMap<string, string>;
  readonly #file: AsyncBuffer;
  readonly #stored: FileMetaData;

  private constructor(file: AsyncBuffer, metadata: FileMetaData) {
    this.#file = file;
    this.#stored = { ...metadata, schema: metadata.schema.map(asStored) };
    this.columns = columnsOf(metadata.schema);
    this.rows = metadata.row_groups.reduce((sum, { num_rows }) => sum + Number(num_rows), 0);
    this.metadata = new Map(metadata.key_value_metadata?.map(({ key, value = "" }) => [key, value]));
  }

  /** Reads the footer. Throws `CutShort` if it cannot be read, or if its columns cannot. */
  static async open(file: AsyncBuffer): Promise<ParquetTable> {
    let metadata: FileMetaData;
    try {
      metadata = await parquetMetadataAsync(file, { parsers, geoparquet: false });
    } catch (error) {
      throw new CutShort(`the footer is missing or damaged (${reasonOf(error)})`, { cause: error });
    }
    const codecs = metadata.row_groups.flatMap(({ columns }) => columns.map(({ meta_data }) => meta_data?.codec ?? ""));
    const other = codecs.find((codec) => !readable.includes(codec));
    if (other !== undefined)
      throw new CutShort(`it is compressed with ${other || "no known codec"}; ${readable.join(", ")} can be read`);
    return new ParquetTable(file, metadata);
  }

  /** The first lines. Empty if they cannot be read: the import finds out. */
  async firstLines(count: number): Promise<readonly string[]> {
    const rows = Math.min(count, Number(this.#stored.row_groups[0]?.num_rows ?? 0));
    if (rows <= 0) return [];
    try {
      for await (const lines of this.#linesOf(await this.#fetched(0), 0, rows)) return lines;
    } catch (error) {
      if (!(error instanceof CutShort)) throw error;
    }
    return [];
  }

  async *lines(): AsyncGenerator<readonly string[], void, undefined> {
    let start = 0;
    for (const [at, { num_rows }] of this.#stored.row_groups.entries()) {
      const end = start + Number(num_rows);
      const file = await this.#fetched(at);
      for (let from = start; from < end; from += rowsDecoded) {
        yield* this.#linesOf(file, from, Math.min(end, from + rowsDecoded));
      }
      start = end;
    }
  }

  /** Some rows of one row group. */
  async *#linesOf(file: AsyncBuffer, rowStart: number, rowEnd: number) {
    const { columns } = this;
    try {
      const names = columns.map(({ name }) => name);
      const scan = await parquetScan({
        file,
        metadata: this.#stored,
        compressors,
        parsers,
        useOffsetIndex: false,
        columns: names,
        rowStart,
        rowEnd,
      });
      const values = [];
      for (const { name } of columns) {
        const read = await scan.readColumn({ column: name, rowStart, rowEnd });
        if (read.length !== rowEnd - rowStart) throw new TypeError(`${name} has ${read.length} values`);
        values.push(read);
      }
      yield* linesOfColumns(columns, values, linesPerBatch);
    } catch (error) {
      throw new CutShort(`rows ${rowStart + 1} to ${rowEnd} are damaged (${reasonOf(error)})`, { cause: error });
    }
  }

  /**
   * The bytes of a row group. The reader gets no others: it would ask for several places at once, and not wait for all of them if one cannot be
   * read. Throws `CutShort` if the file does not have them.
   */
  async #fetched(group: number): Promise<AsyncBuffer> {
    let [first, end] = [Number.POSITIVE_INFINITY, 0];
    for (const { meta_data } of this.#stored.row_groups[group]?.columns ?? []) {
      if (meta_data === undefined) continue;
      const start = Number(meta_data.dictionary_page_offset || meta_data.data_page_offset);
      first = Math.min(first, start);
      end = Math.max(end, start + Number(meta_data.total_compressed_size));
    }
    const { byteLength } = this.#file;
    if (!(first >= 0 && first < end && end <= byteLength))
      throw new CutShort(`row group ${group + 1} lies outside the file`);
    const bytes = await this.#file.slice(first, end);
    return { byteLength, slice: (from, to = end) => bytes.slice(Math.max(0, from - first), Math.max(0, to - first)) };
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
