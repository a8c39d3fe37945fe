import { gunzipSync } from "node:zlib";
import { type BookLevel, OrderBook } from "@tapedeck/market";
import type { DecodedArray } from "hyparquet";
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetScan } from "hyparquet";
import { DamagedTape } from "../errors.js";
import { files, type Manifest } from "../format/manifest.js";
import { FileMissing, type TapeStore } from "../store/store.js";
import type { Seq } from "../tape.js";
import { tapeName } from "../tape-id.js";
import type { TrackFile } from "./track.js";

/** The whole book, as far as it is known. */
export interface FullBook {
  /** The last event in it; -1 for none. */
  readonly n: number;
  /** Best first. */
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  /** Between these prices it has every level; undefined: no limit is known. */
  readonly knownLow: number | undefined;
  readonly knownHigh: number | undefined;
}

const compressors = { GZIP: (bytes: Uint8Array) => gunzipSync(bytes) };
/** Events that changed the book. */
const effective: ReadonlySet<unknown> = new Set(["applied", "again", "derived"]);

/** The event track of a tape's version, read from its Parquet files. */
export class EventTrack {
  readonly #store: Pick<TapeStore, "readRange">;
  readonly #manifest: Manifest;
  readonly #tables = new Map<TrackFile, Promise<Table>>();

  /** @param manifest of a version that has a track */
  constructor(store: Pick<TapeStore, "readRange">, manifest: Manifest) {
    this.#store = store;
    this.#manifest = manifest;
  }

  /**
   * The book as a frame shows it, to its full depth. Reads at most two row groups, and with them the rest of the newest book that was written whole.
   * Rejects with `DamagedTape`, or `StoreUnavailable`.
   */
  async bookAt(seq: Seq): Promise<FullBook> {
    const book = new OrderBook();
    const start = await this.#snapshotAt(seq, book);
    let { n } = start;
    const table = await this.#table("book");
    for (const group of table.groups) {
      if (group.first.seq > seq) break;
      if (group.last.n <= start.n) continue;
      const rows = await table.read(group, ["n", "seq", "state", "is_snapshot", "side", "price", "amount"]);
      const [ns = [], seqs = [], states = [], snapshots = [], sides = [], prices = [], amounts = []] = rows;
      for (let at = 0; at < ns.length; at++) {
        if (Number(seqs[at]) > seq) break;
        const event = Number(ns[at]);
        if (event <= start.n || !effective.has(states[at])) continue;
        if (event !== n && snapshots[at] === true) book.clear();
        n = event;
        book.set(sides[at] === "bid" ? "bid" : "ask", table.price(prices[at]), table.size(amounts[at]));
      }
    }
    const { low: knownLow, high: knownHigh } = start;
    return { n, bids: book.bids.top(book.bids.depth), asks: book.asks.top(book.asks.depth), knownLow, knownHigh };
  }

  /** Fills the book with the newest one that was written whole by a frame. */
  async #snapshotAt(seq: Seq, book: OrderBook): Promise<{ n: number; low?: number; high?: number }> {
    const table = await this.#table("snapshots");
    const group = table.groups.findLast(({ first }) => first.seq <= seq);
    if (group === undefined) return { n: -1 };
    const columns = ["n", "seq", "side", "price", "amount", "known_low", "known_high"];
    const [ns = [], seqs = [], sides = [], prices = [], amounts = [], lows = [], highs = []] = await table.read(
      group,
      columns,
    );
    let last = ns.length - 1;
    while (last >= 0 && Number(seqs[last]) > seq) last--;
    if (last < 0) return { n: -1 };
    const n = Number(ns[last]);
    for (let at = last; at >= 0 && Number(ns[at]) === n; at--) {
      book.set(sides[at] === "bid" ? "bid" : "ask", table.price(prices[at]), table.size(amounts[at]));
    }
    const low = lows[last];
    const high = highs[last];
    return { n, ...(low != null && { low: table.price(low) }), ...(high != null && { high: table.price(high) }) };
  }

  #table(file: TrackFile): Promise<Table> {
    const known = this.#tables.get(file);
    if (known !== undefined) return known;
    const opened = openTable(this.#store, this.#manifest, file);
    this.#tables.set(file, opened);
    opened.catch(() => this.#tables.delete(file)); // the store may be away only now
    return opened;
  }
}

interface Place {
  readonly n: number;
  readonly seq: number;
}

interface RowGroup {
  readonly rowStart: number;
  readonly rowEnd: number;
  readonly first: Place;
  readonly last: Place;
}

async function openTable(store: Pick<TapeStore, "readRange">, manifest: Manifest, file: TrackFile): Promise<Table> {
  const { id, version, track } = manifest;
  const written = manifest.files[file];
  const damaged = (cause?: unknown) =>
    new DamagedTape(tapeName(id, version), `${files[file]} is not what was written`, cause);
  if (written === undefined || track === undefined) throw damaged();
  const buffer: AsyncBuffer = {
    byteLength: written.bytes,
    slice: async (start, end = written.bytes) => {
      const bytes = await store.readRange(id, version, files[file], start, end - start).catch((error: unknown) => {
        throw error instanceof FileMissing ? damaged(error) : error;
      });
      if (bytes.length !== end - start) throw damaged();
      return new Uint8Array(bytes).buffer;
    },
  };
  const metadata = await parquetMetadataAsync(buffer).catch((error: unknown) => {
    throw error instanceof RangeError || error instanceof TypeError ? damaged(error) : error;
  });
  return new Table(buffer, metadata, { price: track.price_decimals, size: track.size_decimals });
}

/** A Parquet file with its footer. */
class Table {
  readonly groups: readonly RowGroup[];
  readonly #buffer: AsyncBuffer;
  readonly #metadata: FileMetaData;
  readonly #priceScale: number;
  readonly #sizeScale: number;

  constructor(
    buffer: AsyncBuffer,
    metadata: FileMetaData,
    decimals: { readonly price: number; readonly size: number },
  ) {
    this.#buffer = buffer;
    // Decimals and times as the integers that they are stored as: a conversion would round them.
    this.#metadata = { ...metadata, schema: metadata.schema.map((column) => asStored(column)) };
    this.#priceScale = Number(`1e${decimals.price}`);
    this.#sizeScale = Number(`1e${decimals.size}`);
    let rowStart = 0;
    this.groups = metadata.row_groups.map((group) => {
      const rowEnd = rowStart + Number(group.num_rows);
      const limits = (name: string) =>
        group.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === name)?.meta_data?.statistics;
      const n = limits("n");
      const seq = limits("seq");
      const made = {
        rowStart,
        rowEnd,
        first: { n: Number(n?.min_value ?? 0), seq: Number(seq?.min_value ?? 0) },
        last: { n: Number(n?.max_value ?? Infinity), seq: Number(seq?.max_value ?? Infinity) },
      };
      rowStart = rowEnd;
      return made;
    });
  }

  async read({ rowStart, rowEnd }: RowGroup, columns: string[]): Promise<DecodedArray[]> {
    const scan = await parquetScan({
      file: this.#buffer,
      metadata: this.#metadata,
      compressors,
      columns,
      rowStart,
      rowEnd,
    });
    return Promise.all(columns.map((column) => scan.readColumn({ column, rowStart, rowEnd })));
  }

  price(units: unknown): number {
    return Number(units) / this.#priceScale;
  }

  size(units: unknown): number {
    return Number(units) / this.#sizeScale;
  }
}

function asStored(column: FileMetaData["schema"][number]): FileMetaData["schema"][number] {
  if (column.type !== "INT64") return column;
  const { name, type, repetition_type } = column;
  return { name, type, ...(repetition_type && { repetition_type }) };
}
