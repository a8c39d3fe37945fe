import { gzipSync } from "node:zlib";
import type { ColumnChunk, PageHeader, ParquetType } from "hyparquet";
import type { ByteWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import type { ColumnForm } from "./column-values.js";
import type { EncodedColumn } from "./encode-column.js";

const compressionLevel = 5;

/** Writes a column of a row group, compressed with GZIP: its dictionary, if it has one, and one page of values. Returns what the footer says of it. */
export function writeChunk(
  writer: ByteWriter,
  type: ParquetType,
  { name, indexed = false }: ColumnForm,
  encoded: EncodedColumn,
): ColumnChunk {
  const { rows, absent, levels, encoding, values, dictionary, limits } = encoded;
  const start = writer.offset;
  let uncompressed = 0;
  if (dictionary !== undefined) {
    const header = { num_values: dictionary.count, encoding: "PLAIN" } as const;
    uncompressed += writePage(writer, { type: "DICTIONARY_PAGE", dictionary_page_header: header }, dictionary.values);
  }
  const dataStart = writer.offset;
  const header = {
    num_values: rows,
    num_nulls: absent,
    num_rows: rows,
    encoding,
    definition_levels_byte_length: levels.length,
    repetition_levels_byte_length: 0,
    is_compressed: true,
  };
  uncompressed += writePage(writer, { type: "DATA_PAGE_V2", data_page_header_v2: header }, values, levels);
  return {
    file_offset: BigInt(start),
    meta_data: {
      type,
      encodings: dictionary === undefined ? [encoding] : ["PLAIN", encoding],
      path_in_schema: [name],
      codec: "GZIP",
      num_values: BigInt(rows),
      total_uncompressed_size: BigInt(uncompressed),
      total_compressed_size: BigInt(writer.offset - start),
      data_page_offset: BigInt(dataStart),
      ...(dictionary !== undefined && { dictionary_page_offset: BigInt(start) }),
      ...(indexed && {
        statistics: { ...(limits && { min_value: limits.least, max_value: limits.most }), null_count: BigInt(absent) },
      }),
    },
  };
}

/** Levels are not compressed. Returns the bytes that the page would take if the rest was not either. */
function writePage(
  writer: ByteWriter,
  header: Omit<PageHeader, "compressed_page_size" | "uncompressed_page_size">,
  values: Uint8Array,
  levels: Uint8Array = new Uint8Array(),
): number {
  const compressed = gzipSync(values, { level: compressionLevel });
  const start = writer.offset;
  writePageHeader(writer, {
    ...header,
    uncompressed_page_size: levels.length + values.length,
    compressed_page_size: levels.length + compressed.length,
  });
  const headerBytes = writer.offset - start;
  writer.appendBytes(levels);
  writer.appendBytes(compressed);
  return headerBytes + levels.length + values.length;
}
