import { gunzipSync } from "node:zlib";
import { RefusedError } from "@tapedeck/protocol";
import { type AsyncBuffer, type DecodedArray, type FileMetaData, parquetMetadataAsync, parquetScan } from "hyparquet";
import { DamagedTape } from "../../errors.js";
import { files, type Manifest } from "../../format/manifest.js";
import { FileMissing, type TapeStore } from "../../store/store.js";
import { tapeName } from "../../tape-id.js";
import type { StoredTrackFile } from "../track.js";
import type { GroupPart } from "./row-group-parts.js";

/** A row group, and what the footer says of it. */
export interface RowGroup {
  readonly rowStart: number;
  readonly rowEnd: number;
  readonly firstN: number;
  readonly lastN: number;
  readonly lastSeq: number;
  readonly lastTimestamp: bigint;
}

const compressors = { GZIP: (bytes: Uint8Array) => gunzipSync(bytes) };
/** Times to the nanosecond, where the reader would make dates of them. */
const parsers = { timestampFromNanoseconds: (ns: bigint) => ns };
/** Footers take some kilobytes; a longer one takes a second read. */
const footerBytes = 1 << 16;

/** One Parquet file of a track, with its footer. */
export class TrackTable {
  readonly groups: readonly RowGroup[];
  readonly #buffer: AsyncBuffer;
  readonly #metadata: FileMetaData;
  readonly #damaged: (what: string, cause: unknown) => DamagedTape;

  private constructor(
    buffer: AsyncBuffer,
    metadata: FileMetaData,
    damaged: (what: string, cause: unknown) => DamagedTape,
  ) {
    this.#buffer = buffer;
    // Decimals and times as the integers that they are stored as: a conversion would round them.
    this.#metadata = { ...metadata, schema: metadata.schema.map((column) => asStored(column)) };
    this.#damaged = damaged;
    this.groups = rowGroupsOf(metadata);
  }

  /** Reads the footer. Rejects with `DamagedTape`, or `StoreUnavailable`. */
  static async open(
    store: Pick<TapeStore, "readRange">,
    manifest: Manifest,
    file: StoredTrackFile,
  ): Promise<TrackTable> {
    const { id, version } = manifest;
    const name = files[file];
    const damaged = (what: string, cause?: unknown) => new DamagedTape(tapeName(id, version), `${name} ${what}`, cause);
    const byteLength = manifest.files[file]?.bytes;
    if (byteLength === undefined) throw damaged("is missing");
    const slice = async (start: number, end = byteLength) => {
      const bytes = await store.readRange(id, version, name, start, end - start).catch((error: unknown) => {
        throw error instanceof FileMissing ? damaged("is missing", error) : error;
      });
      if (bytes.length !== end - start) throw damaged("is cut off");
      return new Uint8Array(bytes).buffer;
    };
    const buffer = { byteLength, slice };
    try {
      const metadata = await parquetMetadataAsync(buffer, {
        parsers,
        initialFetchSize: footerBytes,
        geoparquet: false,
      });
      return new TrackTable(buffer, metadata, damaged);
    } catch (error) {
      throw error instanceof RefusedError ? error : damaged("is not what was written", error);
    }
  }

  /** Some columns of a row group, with one read of the store. Rejects with `DamagedTape`, or `StoreUnavailable`. */
  async read<Columns>(group: RowGroup, part: GroupPart<Columns>): Promise<Columns> {
    const { rowStart, rowEnd } = group;
    const has = (name: string) => this.#metadata.schema.some((column) => column.name === name);
    const names = part.names.filter((name) => !part.since?.includes(name) || has(name));
    const file = await this.#fetch(group, names);
    try {
      const columns = [...names];
      const scan = await parquetScan({ file, metadata: this.#metadata, compressors, columns, rowStart, rowEnd });
      const values = new Map<string, DecodedArray>();
      for (const column of columns) values.set(column, await scan.readColumn({ column, rowStart, rowEnd }));
      const columnOf = (name: string) => {
        const column = values.get(name);
        if (column?.length !== rowEnd - rowStart)
          throw new TypeError(`${name} does not have ${rowEnd - rowStart} values`);
        return column;
      };
      return part.decode(columnOf, has);
    } catch (error) {
      const events = `events ${group.firstN} to ${group.lastN}`;
      throw this.#damaged(`cannot be read from row ${rowStart} to ${rowEnd - 1} (${events})`, error);
    }
  }

  /** The bytes from the first to the last of the columns, which lie one after the other. */
  async #fetch({ rowStart }: RowGroup, names: readonly string[]): Promise<AsyncBuffer> {
    const at = this.groups.findIndex((group) => group.rowStart === rowStart);
    const chunks = this.#metadata.row_groups[at]?.columns ?? [];
    let [first, end] = [Number.POSITIVE_INFINITY, 0];
    for (const { meta_data } of chunks) {
      if (meta_data === undefined || !names.includes(meta_data.path_in_schema[0] ?? "")) continue;
      const start = Number(meta_data.dictionary_page_offset || meta_data.data_page_offset);
      first = Math.min(first, start);
      end = Math.max(end, start + Number(meta_data.total_compressed_size));
    }
    const bytes = await this.#buffer.slice(first, end);
    return { byteLength: this.#buffer.byteLength, slice: (from, to = end) => bytes.slice(from - first, to - first) };
  }
}

function rowGroupsOf({ row_groups }: FileMetaData): RowGroup[] {
  let rowStart = 0;
  return row_groups.map((group) => {
    const rowEnd = rowStart + Number(group.num_rows);
    const limits = (name: string) => {
      const column = group.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === name);
      const { min_value: least, max_value: most } = column?.meta_data?.statistics ?? {};
      if (typeof least !== "bigint" || typeof most !== "bigint") throw new TypeError(`${name} has no limits`);
      return { least, most };
    };
    const n = limits("n");
    const made = {
      rowStart,
      rowEnd,
      firstN: Number(n.least),
      lastN: Number(n.most),
      lastSeq: Number(limits("seq").most),
      lastTimestamp: limits("timestamp").most,
    };
    rowStart = rowEnd;
    return made;
  });
}

function asStored(column: FileMetaData["schema"][number]): FileMetaData["schema"][number] {
  if (column.type !== "INT64") return column;
  const { name, type, repetition_type } = column;
  return { name, type, ...(repetition_type && { repetition_type }) };
}
