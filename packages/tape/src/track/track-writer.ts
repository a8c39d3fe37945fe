import type { BookLevel, BookSideName, OrderBook } from "@tapedeck/market";
import type { TradeSide } from "@tapedeck/protocol";
import { columnsOf } from "./columns.js";
import { OrderRows, type TrackOrder } from "./orders/order-rows.js";
import { ParquetFile } from "./parquet-file.js";
import { Events, finite, GroupRows, Levels } from "./rows.js";
import { Scale } from "./scale.js";
import {
  DecimalsChanged,
  type EventState,
  type StoredTrackFile,
  type TrackDecimals,
  type TrackEvent,
  type TrackFile,
  type TrackGap,
  type TrackSummary,
  type TrackTrade,
  trackFiles,
} from "./track.js";

const rowsPerGroup = 100_000;
/** The whole book is written again after at least this many changes, and as many as it has levels. */
const changesPerSnapshot = 20_000;

/**
 * The event track of a tape: what the source said, event by event, in the order in which the tape's book took it. `docs/tape-format.md` describes
 * its three files. Rows are kept in memory until a row group is full.
 */
export class TrackWriter {
  readonly #exchange: string;
  readonly #symbol: string;
  readonly #prices = new Scale();
  readonly #sizes = new Scale();
  readonly #book: { events: Events; levels: Levels } = { events: new Events(), levels: new Levels() };
  readonly #trades: { events: Events; levels: Levels; ids: string[]; sides: TradeSide[] };
  readonly #orders = new OrderRows();
  readonly #snapshots: {
    events: Events;
    levels: Levels;
    low: (number | undefined)[];
    high: (number | undefined)[];
    limits: (0 | 1)[];
  };
  /** Of the row groups that were written, and of the next. */
  #decimals: TrackDecimals | undefined;
  #files: Readonly<Record<TrackFile, ParquetFile>> | undefined;
  #n = 0;
  #seq = 0;
  #changes = 0;
  #tradeCount = 0;
  #snapshotCount = 0;
  #changesSinceSnapshot = 0;
  #snapshotDue = false;
  #wasSnapshot = false;
  #depth: number | undefined;
  readonly #gaps: TrackGap[] = [];

  /** @param firstSeq that of the tape's first frame */
  constructor(
    instrument: { readonly exchange: string; readonly symbol: string },
    decimals?: TrackDecimals,
    { firstSeq = 0 }: { readonly firstSeq?: number } = {},
  ) {
    this.#seq = firstSeq;
    this.#exchange = instrument.exchange;
    this.#symbol = instrument.symbol;
    this.#decimals = decimals;
    this.#trades = { events: new Events(), levels: new Levels(), ids: [], sides: [] };
    this.#snapshots = { events: new Events(), levels: new Levels(), low: [], high: [], limits: [] };
  }

  /** Number of the next event. */
  get nextN(): number {
    return this.#n;
  }

  /** Seq of the next frame. */
  get nextSeq(): number {
    return this.#seq;
  }

  /** The next event has this number: those between are not known. */
  skipTo(n: number): void {
    this.#n = Math.max(this.#n, n);
  }

  /** Something may be missing before the next event. The whole book is written again after it. */
  markGap(reason: string): void {
    this.#snapshotDue = true;
    const gap = { after_n: this.#n - 1, reason };
    const last = this.#gaps.at(-1);
    if (last?.after_n === gap.after_n) this.#gaps.pop();
    this.#gaps.push(gap);
  }

  /** Begins the next event of the book; its levels follow. */
  beginBook(event: TrackEvent, state: EventState, isSnapshot: boolean): void {
    this.#book.events.add(event, state, this.#n++, isSnapshot);
    if (state !== "applied") return;
    // Sources that say the whole book each time need no other.
    if (isSnapshot && !this.#wasSnapshot) this.#snapshotDue = true;
    this.#wasSnapshot = isSnapshot;
  }

  // HOT: once per level of an imported update.
  addLevels(side: BookSideName, levels: Iterable<BookLevel>): void {
    const { events, levels: rows } = this.#book;
    const event = events.count - 1;
    for (const [price, size] of levels) {
      this.#prices.add(price);
      this.#sizes.add(size);
      rows.add(event, side, price, size);
      this.#changes++;
      this.#changesSinceSnapshot++;
    }
  }

  /** The source has so many levels a side, and not all. The fewest count. */
  limitDepth(levels: number): void {
    if (this.#depth === undefined || levels < this.#depth) this.#depth = levels;
  }

  /** Levels that were removed though no source said so. */
  addDerived(side: BookSideName, prices: readonly number[]): void {
    const { events, levels } = this.#book;
    const cause = events.last;
    if (cause === undefined) return;
    events.add(cause, "derived", this.#n++, false);
    for (const price of prices) levels.add(events.count - 1, side, price, 0);
  }

  addTrade(event: TrackEvent, state: EventState, { id, side, price, amount }: TrackTrade): void {
    const { events, levels, ids, sides } = this.#trades;
    this.#prices.add(price);
    this.#sizes.add(amount);
    events.add(event, state, this.#n++, false);
    levels.add(events.count - 1, side === "sell" ? "ask" : "bid", price, amount);
    ids.push(id === undefined ? "" : String(id));
    sides.push(side);
    this.#tradeCount++;
  }

  /** What the event that was begun last says of orders. */
  addOrders({ heard }: TrackEvent, state: EventState, orders: readonly TrackOrder[]): void {
    for (const order of orders) {
      if (order.price !== undefined) this.#prices.add(order.price);
      this.#sizes.add(order.amount);
      this.#orders.add(order, { n: this.#n - 1, heard, state: order.derived ? "derived" : state });
    }
  }

  /**
   * The tape's next frame has everything so far. Throws `DecimalsChanged`.
   *
   * @param book as that frame shows it, to its full depth
   * @param known the prices between which it has all levels, infinite where it has them to the end; undefined: nothing tells
   */
  frameMade(book: OrderBook, known: { readonly low: number; readonly high: number } | undefined): void {
    this.#shownBy(this.#seq);
    const full = this.#book.levels.count >= rowsPerGroup;
    const levels = book.bids.depth + book.asks.depth;
    if (full || this.#snapshotDue || this.#changesSinceSnapshot >= Math.max(changesPerSnapshot, levels)) {
      this.#addSnapshot(book, known);
    }
    this.#seq++;
    if (full) this.#writeBook();
    if (this.#trades.levels.count >= rowsPerGroup) this.#writeTrades();
    if (this.#snapshots.levels.count >= rowsPerGroup) this.#writeSnapshots();
    if (this.#orders.waiting >= rowsPerGroup) this.#writeOrders();
  }

  /** Ends the track: what no frame shows gets the seq after the last one. Throws `DecimalsChanged`. */
  end(): void {
    this.#shownBy(this.#seq);
    this.#writeBook();
    this.#writeTrades();
    this.#writeSnapshots();
    this.#writeOrders();
    const { files } = this.#open();
    for (const file of trackFiles) files[file].finish();
    this.#orders.finish();
  }

  /** The bytes that are to be appended to each file. */
  take(): readonly { readonly file: StoredTrackFile; readonly bytes: Uint8Array }[] {
    const files = this.#files;
    if (files === undefined) return [];
    const taken: { file: StoredTrackFile; bytes: Uint8Array }[] = [{ file: "orders", bytes: this.#orders.take() }];
    for (const file of trackFiles) taken.push({ file, bytes: files[file].take() });
    return taken.filter(({ bytes }) => bytes.length > 0);
  }

  get summary(): TrackSummary {
    const { price = 0, size = 0 } = this.#decimals ?? {};
    return {
      events: this.#n,
      level_changes: this.#changes,
      trades: this.#tradeCount,
      snapshots: this.#snapshotCount,
      ...(this.#orders.total > 0 && { orders: this.#orders.total }),
      price_decimals: price,
      size_decimals: size,
      exact: this.#prices.exact && this.#sizes.exact,
      ...(this.#depth !== undefined && { depth: this.#depth }),
      ...(this.#gaps.length > 0 && { gaps: this.#gaps }),
    };
  }

  #shownBy(seq: number): void {
    for (const { events } of [this.#book, this.#trades]) events.shownBy(seq);
    this.#orders.shownBy(seq);
  }

  #addSnapshot(book: OrderBook, known: { readonly low: number; readonly high: number } | undefined): void {
    const { events, levels, low, high, limits } = this.#snapshots;
    const cause = this.#book.events.last;
    if (cause === undefined) return;
    this.#snapshotDue = false;
    this.#changesSinceSnapshot = 0;
    this.#snapshotCount++;
    events.add(cause, "applied", this.#n - 1, true);
    events.shownBy(this.#seq);
    low.push(finite(known?.low));
    high.push(finite(known?.high));
    limits.push(known === undefined ? 0 : 1);
    for (const side of [book.bids, book.asks]) {
      for (const [price, size] of side.top(side.depth)) levels.add(events.count - 1, side.name, price, size);
    }
  }

  /** The files, whose decimals are those of the first group unless they were given. */
  #open(): { readonly files: Readonly<Record<TrackFile, ParquetFile>>; readonly decimals: TrackDecimals } {
    const decimals = {
      price: fitting(this.#decimals?.price, this.#prices),
      size: fitting(this.#decimals?.size, this.#sizes),
    };
    this.#decimals ??= decimals;
    if (decimals.price !== this.#decimals.price || decimals.size !== this.#decimals.size) {
      throw new DecimalsChanged(`${this.#exchange} ${this.#symbol}`, decimals);
    }
    if (this.#files === undefined) {
      const { book, trades, snapshots } = columnsOf(decimals);
      this.#files = {
        book: new ParquetFile(book),
        trades: new ParquetFile(trades),
        snapshots: new ParquetFile(snapshots),
      };
    }
    return { files: this.#files, decimals };
  }

  #writeBook(): void {
    const { events, levels } = this.#book;
    const { files, decimals } = this.#open();
    const rows = this.#group(events, levels, decimals);
    files.book.addTyped({ ...rows.market, ...rows.origin, ...rows.ids, is_snapshot: rows.isSnapshot, side: rows.side });
    events.clear();
    levels.clear();
  }

  #writeTrades(): void {
    const { events, levels, ids, sides } = this.#trades;
    const { files, decimals } = this.#open();
    const rows = this.#group(events, levels, decimals);
    files.trades.addTyped({ ...rows.market, ...rows.origin, id: ids, side: sides });
    events.clear();
    levels.clear();
    ids.length = sides.length = 0;
  }

  #writeSnapshots(): void {
    const { events, levels, low, high, limits } = this.#snapshots;
    const { files, decimals } = this.#open();
    const rows = this.#group(events, levels, decimals);
    const known = { known_low: rows.prices(low), known_high: rows.prices(high), limits_known: rows.flags(limits) };
    files.snapshots.addTyped({ ...rows.market, ...known, side: rows.side });
    events.clear();
    levels.clear();
    low.length = high.length = limits.length = 0;
  }

  #writeOrders(): void {
    if (this.#orders.waiting === 0) return;
    this.#orders.write({ exchange: this.#exchange, symbol: this.#symbol }, this.#open().decimals);
  }

  #group(events: Events, levels: Levels, decimals: TrackDecimals): GroupRows {
    return new GroupRows(events, levels, { exchange: this.#exchange, symbol: this.#symbol, decimals });
  }
}

/** @param given decimals so far; undefined before the first row group */
function fitting(given: number | undefined, { decimals, most }: Scale): number {
  return Math.min(Math.max(given ?? 0, decimals), most);
}
