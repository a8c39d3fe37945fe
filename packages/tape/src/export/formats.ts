import { ParquetFile } from "../track/parquet-file.js";
import type { RowSource } from "./row-source.js";
import { csvOf, ndjsonOf } from "./text-formats.js";

export const exportFormats = ["parquet", "csv", "ndjson", "arrow"] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportProgress {
  readonly rows: number;
  /** 0 to 1. */
  readonly done: number;
}

/**
 * The bytes of a file with all rows of a source, made as they are asked for: at most one batch of rows is in memory. Rejects as the source does.
 *
 * @param onProgress called for each batch of rows that was read
 */
export function encodeRows(
  source: RowSource,
  format: ExportFormat,
  onProgress?: (progress: ExportProgress) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  return bytesOf(onProgress === undefined ? source : watched(source, onProgress), format);
}

function watched(source: RowSource, onProgress: (progress: ExportProgress) => void): RowSource {
  return {
    ...source,
    async *batches() {
      let rows = 0;
      for await (const batch of source.batches()) {
        rows += batch.rows;
        onProgress({ rows, done: batch.done });
        yield batch;
      }
    },
  };
}

async function* bytesOf(source: RowSource, format: ExportFormat): AsyncGenerator<Uint8Array, void, undefined> {
  if (format === "csv") yield* csvOf(source);
  else if (format === "ndjson") yield* ndjsonOf(source);
  else if (format === "parquet") yield* parquetOf(source);
  else yield* (await import("./arrow-format.js")).arrowOf(source); // a large library, which few need
}

/** A row group for each batch. */
async function* parquetOf(source: RowSource): AsyncGenerator<Uint8Array, void, undefined> {
  const file = new ParquetFile(source.columns);
  for await (const { values } of source.batches()) {
    file.addGroup(values);
    yield file.take();
  }
  file.finish();
  yield file.take();
}
