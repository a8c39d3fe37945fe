import type { BookLevel, OrderBook } from "./order-book.js";
import { RecentIds } from "./recent-ids.js";

/** A change of a book whose venue numbers its updates (Binance). */
export interface DepthDiff {
  readonly ns: number;
  /** Ids of the first and last update in it: `U` and `u`. */
  readonly first: number;
  readonly last: number;
  /** `u` of the diff before (`pu`), which futures name and spot does not. */
  readonly previous?: number | undefined;
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

/** A book as a separate request answered it; the diff that straddles its id may have come before or after. */
interface DepthSnapshot {
  readonly ns: number;
  readonly lastId: number;
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

/** Where the reconstructed market goes, in event time. */
export interface DepthSink<Trade> {
  book(ns: number, change: (book: OrderBook) => void): void;
  trade(ns: number, trade: Trade): void;
  gap(fromNs: number, reason: string): void;
}

type Held<Trade> =
  | { readonly kind: "diff"; readonly diff: DepthDiff }
  | { readonly kind: "trade"; readonly ns: number; readonly trade: Trade }
  | { readonly kind: "gap"; readonly fromNs: number; readonly reason: string };

/** How long diffs are held back for a snapshot, at the start and after a break, before the book goes on without one. */
export const snapshotPatienceNs = 30e9;

/** Level counts that a depth request can ask for: a side of just that many levels was cut, a shorter one is whole. */
const requestLimits = new Set([5, 10, 20, 50, 100, 500, 1000, 5000]);
/** Diffs kept while the book is not trusted, for a snapshot that comes late to be joined with. */
const recentDiffs = 500;

/**
 * Rebuilds a book from snapshots and numbered diffs by the venue's own rules: spot diffs follow on by `U = u + 1`, futures
 * diffs by `pu = u`, and a snapshot joins at the diff that straddles its id. After a missing diff the book is not trusted:
 * everything is held back until a snapshot mends it, or, when none comes within `snapshotPatienceNs`, goes on from the diffs
 * alone behind a marked gap. Takes events in the order of their time.
 */
export class DepthSync<Trade> {
  readonly counts = {
    applied: 0,
    duplicates: 0,
    /** Older than the book, and not one that was applied. */
    late: 0,
    beforeSnapshot: 0,
    breaks: 0,
    snapshotsUsed: 0,
    /** Came while the book was whole. */
    snapshotsNotNeeded: 0,
    /** Older or newer than all diffs at hand, with a hole between. */
    snapshotsApart: 0,
    /** Books whose top 20 reach beyond what the snapshot knew. */
    outsideSnapshot: 0,
  };
  readonly #sink: DepthSink<Trade>;
  readonly #applied = new RecentIds();
  /** Undefined while diffs are not held back. */
  #held: Held<Trade>[] | undefined = [];
  #heldSinceNs: number | undefined;
  #snapshot: DepthSnapshot | undefined;
  /** Of the last diff that was applied; undefined at the start. */
  #lastId: number | undefined;
  #lastNs = 0;
  /** Built on a snapshot by an unbroken chain. */
  #trusted = false;
  #recent: DepthDiff[] = [];
  #known: { low: number; high: number } | undefined;

  /** Whether the book may go on from diffs alone where no snapshot comes: a recording's may, a live one never. */
  readonly #alone: boolean;

  constructor(sink: DepthSink<Trade>, { alone = true }: { readonly alone?: boolean } = {}) {
    this.#sink = sink;
    this.#alone = alone;
  }

  /** Whether the book stands on a snapshot and an unbroken chain of diffs since. */
  get synced(): boolean {
    return this.#trusted;
  }

  diff(diff: DepthDiff): void {
    if (this.#held === undefined) this.#follow(diff);
    else this.#hold({ kind: "diff", diff }, diff.ns);
  }

  trade(ns: number, trade: Trade): void {
    // Before the first diff there is nothing that a trade could have to wait for.
    const first = this.#lastId === undefined && !this.#held?.some(({ kind }) => kind === "diff");
    if (this.#held === undefined || first) this.#sink.trade(ns, trade);
    else this.#hold({ kind: "trade", ns, trade }, ns);
  }

  /** Passes a gap on that was found elsewhere, in its place among what is held back. */
  gap(fromNs: number, reason: string): void {
    if (this.#held === undefined) this.#sink.gap(fromNs, reason);
    else this.#held.push({ kind: "gap", fromNs, reason });
  }

  snapshot(snapshot: DepthSnapshot): void {
    if (this.#held !== undefined) {
      this.#snapshot = snapshot;
      this.#join(snapshot);
    } else if (this.#trusted) this.counts.snapshotsNotNeeded++;
    else if (snapshot.lastId > (this.#lastId ?? -1)) this.#snapshot = snapshot;
    else this.#mend(snapshot);
  }

  /** The recording is over: what was held back goes out. */
  end(): void {
    const snapshot = this.#snapshot;
    if (snapshot !== undefined && this.#held?.some(({ kind }) => kind === "diff") === false) {
      const held = this.#held;
      this.#held = undefined;
      this.#place(snapshot, snapshot.ns, []);
      this.#route(held);
    }
    // Each round lets at least one diff go; a break among them holds the rest back again.
    while (this.#held?.some(({ kind }) => kind === "diff")) this.#goOnAlone();
  }

  #hold(held: Held<Trade>, ns: number): void {
    this.#heldSinceNs ??= ns;
    this.#held?.push(held);
    if (this.#snapshot && held.kind === "diff") this.#join(this.#snapshot);
    if (this.#alone && this.#held !== undefined && ns - this.#heldSinceNs > snapshotPatienceNs) this.#goOnAlone();
  }

  #follow(diff: DepthDiff): void {
    const lastId = this.#lastId;
    if (lastId !== undefined && diff.last <= lastId) {
      if (this.#applied.has(diff.last)) this.counts.duplicates++;
      else this.counts.late++;
      return;
    }
    const snapshot = this.#snapshot;
    if (snapshot !== undefined && straddles(diff, snapshot.lastId)) {
      this.#place(snapshot, diff.ns, [diff]);
      return;
    }
    if (lastId !== undefined && !follows(diff, lastId)) {
      this.#break(diff);
      return;
    }
    this.#sink.book(diff.ns, (book) => this.#apply(book, diff));
  }

  #break(diff: DepthDiff): void {
    this.counts.breaks++;
    this.#trusted = false;
    this.#recent = [];
    this.#held = [];
    this.#heldSinceNs = undefined;
    this.#hold({ kind: "diff", diff }, diff.ns);
  }

  /** Puts the snapshot under the held diffs, if one of them straddles its id. */
  #join(snapshot: DepthSnapshot): void {
    const held = this.#held ?? [];
    const at = held.findIndex((one) => one.kind === "diff" && !isBefore(one.diff, snapshot.lastId));
    const first = held[at];
    if (first?.kind !== "diff") return; // all are older: the one to join with is still to come
    if (!straddles(first.diff, snapshot.lastId)) {
      this.counts.snapshotsApart++;
      this.#snapshot = undefined;
      // At the start it is better than nothing to build on.
      if (this.#alone && this.#lastId === undefined) this.#placeApart(snapshot);
      return;
    }
    const before = held.slice(0, at);
    const after = held.slice(at + 1);
    this.counts.beforeSnapshot += before.filter(({ kind }) => kind === "diff").length;
    const trades = before.flatMap((one) => (one.kind === "trade" ? [one] : []));
    this.#held = undefined;
    const afterBreak = this.#lastId !== undefined;
    if (afterBreak) this.#sink.gap(this.#lastNs, "book updates are missing; a new snapshot mended it");
    else for (const { ns, trade } of trades) this.#sink.trade(ns, trade);
    this.#place(snapshot, first.diff.ns, [first.diff]);
    // Trades of the broken stretch are real, but there is no book to show them on before this one.
    if (afterBreak) for (const { trade } of trades) this.#sink.trade(first.diff.ns, trade);
    this.#route(after);
  }

  #goOnAlone(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#snapshot = undefined;
    if (this.#lastId !== undefined) this.#sink.gap(this.#lastNs, "book updates are missing");
    this.#lastId = undefined;
    this.#route(held);
  }

  #route(events: readonly Held<Trade>[]): void {
    for (const event of events) {
      if (event.kind === "diff") this.diff(event.diff);
      else if (event.kind === "trade") this.trade(event.ns, event.trade);
      else this.gap(event.fromNs, event.reason);
    }
  }

  /** Takes the snapshot for the book, with the diffs that came after it, the first of which straddles its id. */
  #place(snapshot: DepthSnapshot, ns: number, diffs: readonly DepthDiff[]): void {
    this.counts.snapshotsUsed++;
    this.#snapshot = undefined;
    this.#trusted = true;
    this.#recent = [];
    this.#known = knownPrices(snapshot);
    this.#lastId = snapshot.lastId;
    this.#lastNs = ns;
    this.#sink.book(ns, (book) => {
      book.replace(snapshot.bids, snapshot.asks);
      for (const diff of diffs) this.#apply(book, diff);
    });
  }

  #placeApart(snapshot: DepthSnapshot): void {
    this.counts.breaks++;
    this.#lastId = snapshot.lastId;
    this.#lastNs = snapshot.ns;
    this.#known = knownPrices(snapshot);
    this.#sink.book(snapshot.ns, (book) => book.replace(snapshot.bids, snapshot.asks));
  }

  /** A late snapshot under diffs that were applied without it. */
  #mend(snapshot: DepthSnapshot): void {
    const newer = this.#recent.filter((diff) => !isBefore(diff, snapshot.lastId));
    const [first] = newer;
    if (first === undefined || !straddles(first, snapshot.lastId)) {
      this.counts.snapshotsApart++;
      return;
    }
    this.counts.applied -= newer.length; // they are applied again
    this.#place(snapshot, this.#lastNs, newer);
  }

  #apply(book: OrderBook, diff: DepthDiff): void {
    book.apply(diff.bids, diff.asks);
    this.counts.applied++;
    this.#applied.add(diff.last);
    this.#lastId = diff.last;
    this.#lastNs = Math.max(this.#lastNs, diff.ns);
    if (this.#known !== undefined && reachesBeyond(book, this.#known)) this.counts.outsideSnapshot++;
    if (this.#trusted) return;
    this.#recent.push(diff);
    if (this.#recent.length > recentDiffs) this.#recent.shift();
  }
}

/** All of the diff is contained in a snapshot of that id. */
function isBefore(diff: DepthDiff, snapshotId: number): boolean {
  return diff.previous === undefined ? diff.last <= snapshotId : diff.last < snapshotId;
}

function straddles(diff: DepthDiff, snapshotId: number): boolean {
  const next = diff.previous === undefined ? snapshotId + 1 : snapshotId;
  return diff.first <= next && diff.last >= next;
}

function follows(diff: DepthDiff, lastId: number): boolean {
  // After a joined snapshot the first diff's `pu` lies before it.
  return diff.previous === undefined ? diff.first <= lastId + 1 : diff.previous === lastId;
}

/** The prices between which a snapshot that was cut at so many levels knows every level. */
function knownPrices({ bids, asks }: DepthSnapshot): { low: number; high: number } {
  const cut = (levels: readonly BookLevel[]) => requestLimits.has(levels.length);
  return {
    low: cut(bids) ? Math.min(...bids.map(([price]) => price)) : Number.NEGATIVE_INFINITY,
    high: cut(asks) ? Math.max(...asks.map(([price]) => price)) : Number.POSITIVE_INFINITY,
  };
}

function reachesBeyond(book: OrderBook, known: { low: number; high: number }): boolean {
  const lastBid = book.bids.priceAt(Math.min(20, book.bids.depth) - 1);
  const lastAsk = book.asks.priceAt(Math.min(20, book.asks.depth) - 1);
  return (lastBid ?? known.low) < known.low || (lastAsk ?? known.high) > known.high;
}
