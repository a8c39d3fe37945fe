import type { OrderBook } from "@tapedeck/market";
import { countUpTo } from "../binary-search.js";
import type { Manifest } from "../format/manifest.js";
import type { BlockCache } from "../reading/block-cache.js";
import type { TapeStore } from "../store/store.js";
import {
  type BookBatch,
  bookSides,
  type OrderBatch,
  type SnapshotRows,
  type TrackRows,
  type TradeBatch,
} from "./batches.js";
import { BookReplay } from "./book-replay.js";
import {
  bookOrigin,
  bookRows,
  type GroupPart,
  orderRecords,
  snapshotRows,
  tradeOrigin,
  tradeRows,
} from "./parquet/row-group-parts.js";
import { type RowGroup, TrackTable } from "./parquet/track-table.js";
import { type StoredTrackFile, storedTrackFiles, type TrackDecimals } from "./track.js";
import type { FullBook, OrderReader, TrackedEvent, TrackPlace, TrackRange, TrackReader } from "./track-reader.js";
import { eachOf, eventsOfBatches } from "./tracked-events.js";

/** Files with an event in each row, in the order of events. */
type RangedFile = Exclude<StoredTrackFile, "snapshots">;

/** Row groups that a file can have in the cache. */
const groupKeys = 2 ** 21;

/** The event track of a tape's version, read from its Parquet files through the cache of the tapes' blocks. */
export class EventTrack implements TrackReader {
  readonly decimals: TrackDecimals;
  readonly #store: Pick<TapeStore, "readRange">;
  readonly #manifest: Manifest;
  readonly #cache: BlockCache;
  readonly #cacheKey: number;
  readonly #tables = new Map<StoredTrackFile, Promise<TrackTable>>();

  private constructor(
    store: Pick<TapeStore, "readRange">,
    manifest: Manifest,
    decimals: TrackDecimals,
    cache: BlockCache,
  ) {
    this.#store = store;
    this.#manifest = manifest;
    this.decimals = decimals;
    this.#cache = cache;
    this.#cacheKey = cache.newTape();
  }

  /** The track of a version; undefined if it has none. Reads nothing yet. */
  static of(store: Pick<TapeStore, "readRange">, manifest: Manifest, cache: BlockCache): EventTrack | undefined {
    const { track } = manifest;
    if (track === undefined) return undefined;
    return new EventTrack(store, manifest, { price: track.price_decimals, size: track.size_decimals }, cache);
  }

  events(range: TrackRange = {}): AsyncGenerator<TrackedEvent, void, undefined> {
    return eachOf(this.eventLists(range));
  }

  async *eventLists(range: TrackRange = {}): AsyncGenerator<readonly TrackedEvent[], void, undefined> {
    const { from, to } = await this.#limits(range);
    yield* eventsOfBatches(this.#bookBatches(from, to), this.#tradeBatches(from, to), this.decimals);
  }

  async *bookBatches(range: TrackRange = {}): AsyncGenerator<BookBatch, void, undefined> {
    const { from, to } = await this.#limits(range);
    yield* this.#bookBatches(from, to);
  }

  get orders(): OrderReader | undefined {
    if (this.#manifest.files.orders === undefined) return undefined;
    return { batches: (range) => this.#orderBatches(range) };
  }

  async *tradeBatches(range: TrackRange = {}): AsyncGenerator<TradeBatch, void, undefined> {
    const { from, to } = await this.#limits(range);
    yield* this.#tradeBatches(from, to);
  }

  /** Reads at most two row groups, and with them the rest of the newest book that was written whole. */
  async bookAt(place: TrackPlace): Promise<FullBook> {
    const end = await this.#endOfBook(place);
    const replay = new BookReplay();
    const start = await this.#newestSnapshot(end);
    if (start !== undefined) replay.start(start.n, start.levels);
    for await (const batch of this.#bookBatches(replay.n + 1, end)) replay.apply(batch);
    const { n, book } = replay;
    const levels = (side: typeof book.bids) =>
      side.top(side.depth).map(([price, size]) => [this.#price(price), this.#size(size)] as const);
    return {
      n,
      bids: levels(book.bids),
      asks: levels(book.asks),
      knownLow: this.#worstOf(book.bids) ?? this.#limit(start?.knownLow),
      knownHigh: this.#worstOf(book.asks) ?? this.#limit(start?.knownHigh),
      limitsKnown: this.#manifest.track?.depth !== undefined || start?.limitsKnown === 1,
    };
  }

  /** The number of the first book event that is not in the book at a place. */
  #endOfBook(place: TrackPlace): Promise<number> {
    if ("n" in place) return Promise.resolve(place.n + 1);
    return this.#firstEvent("book", "seq" in place ? { seq: place.seq + 1 } : { ts: place.ts + 1n });
  }

  /** The last book before an event that was written whole. */
  async #newestSnapshot(end: number) {
    const groups = await this.#groups("snapshots");
    const group = groups.findLastIndex(({ firstN }) => firstN < end);
    if (group < 0) return undefined;
    const rows = await this.#part("snapshots", group, snapshotRows);
    const last = countUpTo(rows.n, end - 1) - 1;
    const n = rows.n[last] ?? -1;
    return {
      n,
      levels: levelsOf(rows, countUpTo(rows.n, n - 1), last),
      knownLow: rows.knownLow[last],
      knownHigh: rows.knownHigh[last],
      limitsKnown: rows.limitsKnown[last],
    };
  }

  /** Numbers of the first event of a range, and of the first one after it. */
  async #limits(
    { from, to }: TrackRange,
    files: readonly RangedFile[] = ["book", "trades"],
  ): Promise<{ readonly from: number; readonly to: number }> {
    const numberOf = async (place: TrackPlace | undefined, absent: number) => {
      if (place === undefined) return absent;
      return Math.min(...(await Promise.all(files.map((file) => this.#firstEvent(file, place)))));
    };
    return { from: await numberOf(from, 0), to: await numberOf(to, Number.POSITIVE_INFINITY) };
  }

  /** The number of a file's first event at or after a place; infinite if there is none. */
  async #firstEvent(file: RangedFile, place: TrackPlace): Promise<number> {
    if ("n" in place) return place.n;
    const groups = await this.#groups(file);
    const reaches = (group: RowGroup) =>
      "seq" in place ? group.lastSeq >= place.seq : group.lastTimestamp >= place.ts;
    const group = groups.findIndex(reaches);
    if (group < 0) return Number.POSITIVE_INFINITY;
    const rows = await this.#rowsOf(file, group);
    const row = "seq" in place ? countUpTo(rows.seq, place.seq - 1) : rows.timestamp.findIndex((ts) => ts >= place.ts);
    return rows.n[row] ?? Number.POSITIVE_INFINITY;
  }

  #rowsOf(file: RangedFile, group: number): Promise<Pick<TrackRows, "n" | "seq" | "timestamp">> {
    if (file === "book") return this.#part(file, group, bookRows);
    return file === "trades" ? this.#part(file, group, tradeRows) : this.#part(file, group, orderRecords);
  }

  /** An event can change orders and no level, so orders count where a range of them begins. */
  async *#orderBatches(range: TrackRange = {}): AsyncGenerator<OrderBatch, void, undefined> {
    const { from, to } = await this.#limits(range, ["book", "trades", "orders"]);
    for await (const { rows, columns } of this.#slices("orders", orderRecords, from, to)) yield { ...columns, rows };
  }

  #bookBatches(from: number, to: number): AsyncGenerator<BookBatch, void, undefined> {
    return this.#batches("book", bookRows, bookOrigin, from, to);
  }

  #tradeBatches(from: number, to: number): AsyncGenerator<TradeBatch, void, undefined> {
    return this.#batches("trades", tradeRows, tradeOrigin, from, to);
  }

  async *#batches<Rows extends TrackRows, Origin>(
    file: RangedFile,
    rowsPart: GroupPart<Rows>,
    originPart: GroupPart<Origin>,
    from: number,
    to: number,
  ) {
    for await (const { group, start, end, columns, rows } of this.#slices(file, rowsPart, from, to)) {
      const origin = async () => originPart.between(await this.#part(file, group, originPart), start, end);
      yield { ...columns, rows, origin };
    }
  }

  /** The rows of events from number `from` up to and without `to`, a row group at a time. */
  async *#slices<Rows extends Pick<TrackRows, "n">>(file: RangedFile, part: GroupPart<Rows>, from: number, to: number) {
    const groups = await this.#groups(file);
    for (const [group, { firstN, lastN }] of groups.entries()) {
      if (lastN < from) continue;
      if (firstN >= to) return;
      const columns = await this.#part(file, group, part);
      const start = countUpTo(columns.n, from - 1);
      const end = countUpTo(columns.n, to - 1);
      if (start < end) yield { group, start, end, rows: end - start, columns: part.between(columns, start, end) };
    }
  }

  async #part<Columns>(file: StoredTrackFile, group: number, part: GroupPart<Columns>): Promise<Columns> {
    const key = this.#cacheKey + (2 * storedTrackFiles.indexOf(file) + part.place) * groupKeys + group;
    return this.#cache.loadColumns(part, key, async () => {
      const table = await this.#table(file);
      const found = table.groups[group];
      if (found === undefined) throw new RangeError(`${file} has no row group ${group}`);
      return table.read(found, part);
    });
  }

  async #groups(file: StoredTrackFile): Promise<readonly RowGroup[]> {
    return (await this.#table(file)).groups;
  }

  #table(file: StoredTrackFile): Promise<TrackTable> {
    const known = this.#tables.get(file);
    if (known !== undefined) return known;
    const opened = TrackTable.open(this.#store, this.#manifest, file);
    this.#tables.set(file, opened);
    opened.catch(() => this.#tables.delete(file)); // the store may be away only now
    return opened;
  }

  #price(units: number): number {
    return units / Number(`1e${this.decimals.price}`);
  }

  #size(units: number): number {
    return units / Number(`1e${this.decimals.size}`);
  }

  /** The price behind which the source has no levels; undefined if it has all of them. */
  #worstOf({ depth, worstPrice }: OrderBook["bids"]): number | undefined {
    const reported = this.#manifest.track?.depth ?? Number.POSITIVE_INFINITY;
    return depth < reported ? undefined : this.#limit(worstPrice);
  }

  #limit(units = Number.NaN): number | undefined {
    return Number.isNaN(units) ? undefined : this.#price(units);
  }
}

function* levelsOf({ side, price, amount }: SnapshotRows, first: number, last: number) {
  for (let at = first; at <= last; at++) {
    yield [bookSides[side[at] ?? 0] ?? "bid", price[at] ?? 0, amount[at] ?? 0] as const;
  }
}
