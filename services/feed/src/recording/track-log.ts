import type { BookEntry, KnownPrices, TrackEntry } from "@tapedeck/live";
import type { BookLevel, BookListener, BookSideName, OrderBook } from "@tapedeck/market";
import type { EventState } from "@tapedeck/tape";
import type { BookMessage, HeardMessage, TrackSink, UnusedMessage, VenueTrade } from "../venues/venue.js";

/** The whole book is noted again after at least this many changes, and as many as it has levels. */
const changesPerWholeBook = 20_000;

type OpenEntry = BookEntry & { bids: BookLevel[]; asks: BookLevel[] };

/** The message that changes the book now. */
interface OpenMessage {
  readonly heard: HeardMessage;
  readonly message: BookMessage;
  entry: OpenEntry | undefined;
  /** The book was replaced, and then changed: its levels at the end are what the message says. */
  rebuilt: boolean;
}

interface TrackStart {
  /** When the market was as the track begins. */
  readonly at: HeardMessage;
  /** Why something may be missing before it; undefined at the beginning of a tape. */
  readonly gap: string | undefined;
  /** Whether the book is complete: then it comes first. */
  readonly complete: boolean;
  /** Whether the claim is the same as before. */
  readonly sameClaim?: boolean;
}

/**
 * What a feed adds to the event track: each message of the book and each trade, in the order in which the book took them, until a frame shows
 * them. Before a tape is claimed it notes nothing.
 */
export class TrackLog implements BookListener, TrackSink {
  readonly #book: OrderBook;
  readonly #now: () => bigint;
  #entries: TrackEntry[] = [];
  /** The next frame shows those before this one. */
  #shown = 0;
  /** Counts its calls; 0 before the first. */
  #starts = 0;
  #heard = 0;
  #open: OpenMessage | undefined;
  #last: HeardMessage = { timestampNs: 0n, receivedNs: 0n };
  #known: KnownPrices | undefined;
  #changes = 0;

  /**
   * @param book the venue's, to its full depth
   * @param now nanoseconds since 1970 on the cluster's clock
   */
  constructor(book: OrderBook, now: () => bigint) {
    this.#book = book;
    this.#now = now;
    book.listener = this;
  }

  /** Forgets what was not taken: the track begins, or continues after a gap. */
  start({ at, gap, complete, sameClaim = false }: TrackStart): void {
    this.#starts++;
    this.#entries = [];
    this.#shown = this.#changes = 0;
    if (!sameClaim) this.#heard = 0;
    if (gap !== undefined) this.gap(gap);
    if (!complete) return;
    const { bids, asks } = this.#book;
    this.begin({ ...at, place: undefined }, { known: this.#known });
    this.replaced(bids.top(bids.depth), asks.top(asks.depth));
    this.end();
  }

  // --- messages of the book ---

  hear(ns: bigint | undefined): HeardMessage {
    const receivedNs = this.#now();
    return { timestampNs: ns ?? receivedNs, receivedNs, place: { heard: this.#heard++, start: this.#starts } };
  }

  /** The book changes by this message next. */
  begin(heard: HeardMessage, message: BookMessage): void {
    this.end();
    this.#open = { heard, message, entry: undefined, rebuilt: false };
  }

  apply(heard: HeardMessage, message: BookMessage): void {
    this.begin(heard, message);
  }

  /** The message has made its changes. */
  end(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open?.entry === undefined || !open.rebuilt) return;
    const { bids, asks } = this.#book;
    open.entry.bids = bids.top(bids.depth);
    open.entry.asks = asks.top(asks.depth);
  }

  unused(heard: HeardMessage, state: EventState, { bids, asks, ids, snapshot }: UnusedMessage): void {
    if (this.#starts === 0 || bids.length + asks.length === 0) return;
    const { timestampNs, receivedNs } = heard;
    const times = { timestampNs, receivedNs, heard: this.#numberOf(heard) };
    this.#entries.push({ kind: "book", ...times, state, snapshot, bids, asks, ids });
  }

  // HOT: once per message of a venue, or per level of one that names levels by ids.
  changed(bids: Iterable<BookLevel>, asks: Iterable<BookLevel>): void {
    const open = this.#open;
    if (this.#starts === 0 || open === undefined) return;
    const [newBids, newAsks] = [[...bids], [...asks]];
    if (newBids.length + newAsks.length === 0) return; // a message without a level
    open.entry ??= this.#add(open, false);
    const { entry } = open;
    if (entry.snapshot) open.rebuilt = true;
    for (const level of newBids) entry.bids.push(level);
    for (const level of newAsks) entry.asks.push(level);
    this.#changes += newBids.length + newAsks.length;
  }

  replaced(bids: Iterable<BookLevel>, asks: Iterable<BookLevel>): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#known = open.message.known;
    if (this.#starts === 0) return;
    const entry = this.#add(open, true);
    entry.bids = [...bids];
    entry.asks = [...asks];
    open.entry = entry;
    this.#changes = 0;
  }

  removed(side: BookSideName, prices: readonly number[]): void {
    if (this.#starts > 0) this.#entries.push({ kind: "derived", side, prices });
  }

  #add({ heard, message }: OpenMessage, snapshot: boolean): OpenEntry {
    const { timestampNs, receivedNs } = heard;
    const { ids, known } = message;
    const times = { timestampNs, receivedNs, heard: this.#numberOf(heard) };
    const kind = { kind: "book", state: "applied", snapshot } as const;
    const entry = { ...kind, ...times, bids: [], asks: [], ids, known: snapshot ? known : undefined };
    this.#last = heard;
    this.#entries.push(entry);
    return entry;
  }

  /** What was heard before the tape was claimed is counted when it is used. */
  #numberOf({ place }: HeardMessage): number {
    return place?.start === this.#starts ? place.heard : this.#heard++;
  }

  // --- trades ---

  trade({ ns, id, side, price, size }: VenueTrade, heard: HeardMessage, state: EventState): void {
    if (this.#starts === 0) return;
    const times = { timestampNs: ns, receivedNs: heard.receivedNs, heard: this.#numberOf(heard) };
    this.#entries.push({ kind: "trade", ...times, state, id, side, price, size });
  }

  // --- frames ---

  gap(reason: string): void {
    if (this.#starts > 0) this.#entries.push({ kind: "gap", reason: reason.replace(/\.$/, "") });
  }

  /** The next frame shows everything so far. */
  show(): void {
    this.#shown = this.#entries.length;
  }

  /** What the frame that is made now shows for the first time, or what the next one will. */
  take(): readonly TrackEntry[] {
    if (this.#shown === 0) return [];
    const entries = this.#entries.splice(0, this.#shown);
    this.#shown = 0;
    const { bids, asks } = this.#book;
    const due = this.#changes >= Math.max(changesPerWholeBook, bids.depth + asks.depth);
    if (!due || this.#entries.length > 0) return entries; // a crossed book is not shown
    this.#changes = 0;
    const { timestampNs, receivedNs } = this.#last;
    const times = { timestampNs, receivedNs, heard: Math.max(0, this.#heard - 1) };
    const whole = { bids: bids.top(bids.depth), asks: asks.top(asks.depth), known: this.#known };
    return [...entries, { kind: "full", ...times, ...whole }];
  }
}
