import type { BookLevel, OrderBook } from "./order-book.js";
import { RecentIds } from "./recent-ids.js";

/** What a venue's own rule says of an update: whether it follows the one before, or updates between them are missing. */
export type DepthLink = "follows" | "broken";

/** A change of a book whose venue lets one tell whether an update is missing. */
export interface DepthDiff {
  readonly ns: number;
  /** Ids of the first and last update in it: `U` and `u`. */
  readonly first: number;
  readonly last: number;
  /** `u` of the previous diff (`pu`), sent for futures only. */
  readonly previous?: number | undefined;
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  /** Whoever reads the venue's messages knows it by a rule other than that of the ids (a checksum, a chain that starts anew), which then mean nothing. */
  readonly link?: DepthLink | undefined;
  /** The venue reports so many levels a side: those behind them are removed, since it need not say which ones fall out. */
  readonly depth?: number | undefined;
}

/** The response to a depth request; the diff that straddles its id may come before or after it. */
export interface DepthSnapshot {
  readonly ns: number;
  readonly lastId: number;
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  /** It was sent among the updates and is the book from then on. "broken": updates before it are missing. */
  readonly link?: DepthLink | undefined;
  readonly depth?: number | undefined;
}

/** Receives the reconstructed market, in event time. */
export interface DepthSink<Trade> {
  book(ns: number, change: (book: OrderBook) => void): void;
  trade(ns: number, trade: Trade): void;
  gap(fromNs: number, reason: string): void;
}

/** Why an update did not change the book. */
export type UnusedUpdate = "late" | "duplicate" | "before-snapshot" | "not-needed";

/** Learns what becomes of each update. */
export interface DepthObserver {
  /** The book changes by this next; `again`: it has done so before, and a snapshot replaced the book since. */
  applying(update: DepthDiff | DepthSnapshot, again: boolean): void;
  unused(update: DepthDiff | DepthSnapshot, why: UnusedUpdate): void;
}

interface DepthSyncOptions {
  readonly snapshotRequired?: boolean;
  readonly observer?: DepthObserver;
}

type BufferedEvent<Trade> =
  | { readonly kind: "diff"; readonly diff: DepthDiff }
  | { readonly kind: "trade"; readonly ns: number; readonly trade: Trade }
  | { readonly kind: "gap"; readonly fromNs: number; readonly reason: string };

/** How long diffs are buffered for a snapshot, at the start and after a break, before the book continues without one. */
export const snapshotPatienceNs = 30e9;

/** Depths that a request can ask for: a side with exactly that many levels is truncated, any other is complete. */
const requestLimits = new Set([5, 10, 20, 50, 100, 500, 1000, 5000]);
const mended = "book updates are missing; a new snapshot mended it";
/** Diffs kept while the book is not synced, to join a late snapshot. */
const recentDiffs = 500;

/**
 * Rebuilds a book from snapshots and diffs with update ids by the venue's rules: spot diffs continue with `U = u + 1`, futures
 * diffs with `pu = u`, and a snapshot joins at the diff that straddles its id. Where `link` gives the result of another rule, a
 * snapshot replaces the book at once. After a missing diff the book is not synced: events are buffered until a snapshot repairs it
 * or, if none comes within `snapshotPatienceNs`, the book continues from the diffs alone after a marked gap. Events must come in
 * order of time.
 */
export class DepthSync<Trade> {
  readonly counts = {
    applied: 0,
    duplicates: 0,
    /** Older than the book, but not a repetition. */
    late: 0,
    beforeSnapshot: 0,
    breaks: 0,
    snapshotsUsed: 0,
    /** Came while the book was synced. */
    snapshotsNotNeeded: 0,
    /** Not adjacent to the known diffs. */
    snapshotsApart: 0,
    /** Books whose top 20 levels reach beyond the snapshot's prices. */
    outsideSnapshot: 0,
  };
  readonly #sink: DepthSink<Trade>;
  readonly #applied = new RecentIds();
  /** Events waiting for a snapshot; undefined while the book follows the diffs. */
  #buffer: BufferedEvent<Trade>[] | undefined = [];
  #bufferedSinceNs: number | undefined;
  #snapshot: DepthSnapshot | undefined;
  /** Id of the last applied update; undefined at the start. */
  #lastId: number | undefined;
  #lastNs = 0;
  /** Built on a snapshot by an unbroken chain. */
  #synced = false;
  #recent: DepthDiff[] = [];
  #known: { low: number; high: number } | undefined;

  /** Whether the book never continues from diffs alone: true for live books, false for recordings. */
  readonly #snapshotRequired: boolean;
  readonly #observer: DepthObserver | undefined;

  constructor(sink: DepthSink<Trade>, { snapshotRequired = false, observer }: DepthSyncOptions = {}) {
    this.#sink = sink;
    this.#snapshotRequired = snapshotRequired;
    this.#observer = observer;
  }

  /** The prices between which the book has every level, as far as its snapshot says; undefined without one. */
  get known(): { readonly low: number; readonly high: number } | undefined {
    return this.#known;
  }

  /** Whether the book is built on a snapshot and an unbroken chain of diffs since. */
  get synced(): boolean {
    return this.#synced;
  }

  diff(diff: DepthDiff): void {
    if (this.#buffer === undefined) this.#follow(diff);
    else this.#enqueue({ kind: "diff", diff }, diff.ns);
  }

  trade(ns: number, trade: Trade): void {
    // Before the first diff a trade has nothing to wait for.
    const first = this.#lastId === undefined && !this.#buffer?.some(({ kind }) => kind === "diff");
    if (this.#buffer === undefined || first) this.#sink.trade(ns, trade);
    else this.#enqueue({ kind: "trade", ns, trade }, ns);
  }

  /** Forwards a gap found elsewhere, in order with the buffered events. */
  gap(fromNs: number, reason: string): void {
    if (this.#buffer === undefined) this.#sink.gap(fromNs, reason);
    else this.#buffer.push({ kind: "gap", fromNs, reason });
  }

  snapshot(snapshot: DepthSnapshot): void {
    if (snapshot.link !== undefined) this.#replace(snapshot);
    else if (this.#buffer !== undefined) {
      this.#await(snapshot);
      this.#join(snapshot);
    } else if (this.#synced) {
      this.counts.snapshotsNotNeeded++;
      this.#observer?.unused(snapshot, "not-needed");
    } else if (snapshot.lastId > (this.#lastId ?? -1)) this.#await(snapshot);
    else this.#repair(snapshot);
  }

  /** A whole book among the updates: it ends a break. */
  #replace(snapshot: DepthSnapshot): void {
    this.#await(undefined);
    if (this.#buffer !== undefined) this.#endBuffering(this.#buffer, snapshot, snapshot.ns, []);
    else {
      if (snapshot.link === "broken") this.#sink.gap(this.#lastNs, mended);
      this.#applySnapshot(snapshot, snapshot.ns, []);
    }
  }

  /** Of several snapshots that wait for the diff to join with, the newest is used. */
  #await(snapshot: DepthSnapshot | undefined): void {
    if (this.#snapshot !== undefined && this.#snapshot !== snapshot)
      this.#observer?.unused(this.#snapshot, "not-needed");
    this.#snapshot = snapshot;
  }

  /** Ends the recording: releases the buffered events. */
  end(): void {
    const snapshot = this.#snapshot;
    if (snapshot !== undefined && this.#buffer?.some(({ kind }) => kind === "diff") === false) {
      const held = this.#buffer;
      this.#buffer = undefined;
      this.#applySnapshot(snapshot, snapshot.ns, []);
      this.#route(held);
    }
    // Each round releases at least one diff; a break among them buffers the rest again.
    while (this.#buffer?.some(({ kind }) => kind === "diff")) this.#continueWithoutSnapshot();
  }

  #enqueue(event: BufferedEvent<Trade>, ns: number): void {
    this.#bufferedSinceNs ??= ns;
    this.#buffer?.push(event);
    if (this.#snapshot && event.kind === "diff") this.#join(this.#snapshot);
    if (!this.#snapshotRequired && this.#buffer !== undefined && ns - this.#bufferedSinceNs > snapshotPatienceNs)
      this.#continueWithoutSnapshot();
  }

  #follow(diff: DepthDiff): void {
    const lastId = this.#lastId;
    if (diff.link !== undefined) {
      if (diff.link === "broken" && lastId !== undefined) this.#break(diff);
      else this.#sink.book(diff.ns, (book) => this.#apply(book, diff));
      return;
    }
    if (lastId !== undefined && diff.last <= lastId) {
      const duplicate = this.#applied.has(diff.last);
      if (duplicate) this.counts.duplicates++;
      else this.counts.late++;
      this.#observer?.unused(diff, duplicate ? "duplicate" : "late");
      return;
    }
    const snapshot = this.#snapshot;
    if (snapshot !== undefined && straddles(diff, snapshot.lastId)) {
      this.#applySnapshot(snapshot, diff.ns, [diff]);
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
    this.#synced = false;
    this.#recent = [];
    this.#buffer = [];
    this.#bufferedSinceNs = undefined;
    this.#enqueue({ kind: "diff", diff }, diff.ns);
  }

  /** Joins the snapshot with the buffered diffs, if one of them straddles its id. */
  #join(snapshot: DepthSnapshot): void {
    const held = this.#buffer ?? [];
    const at = held.findIndex((one) => one.kind === "diff" && !isBefore(one.diff, snapshot.lastId));
    const first = held[at];
    if (first?.kind !== "diff") return; // all are older: the diff to join with is still to come
    if (!straddles(first.diff, snapshot.lastId)) {
      this.counts.snapshotsApart++;
      this.#snapshot = undefined;
      // At the start an unjoined snapshot is better than none.
      if (!this.#snapshotRequired && this.#lastId === undefined) this.#applyUnjoined(snapshot);
      else this.#observer?.unused(snapshot, "not-needed");
      return;
    }
    const after = held.slice(at + 1);
    this.#endBuffering(held.slice(0, at), snapshot, first.diff.ns, [first.diff]);
    this.#route(after);
  }

  /** Continues with the snapshot and the diffs that it joins; what was buffered before them is older. */
  #endBuffering(
    before: readonly BufferedEvent<Trade>[],
    snapshot: DepthSnapshot,
    ns: number,
    diffs: readonly DepthDiff[],
  ): void {
    for (const one of before) {
      if (one.kind !== "diff") continue;
      this.counts.beforeSnapshot++;
      this.#observer?.unused(one.diff, "before-snapshot");
    }
    const trades = before.flatMap((one) => (one.kind === "trade" ? [one] : []));
    this.#buffer = undefined;
    const afterBreak = this.#lastId !== undefined;
    if (afterBreak) this.#sink.gap(this.#lastNs, mended);
    else for (const { ns: at, trade } of trades) this.#sink.trade(at, trade);
    this.#applySnapshot(snapshot, ns, diffs);
    // Trades of the broken stretch are real, but the first book to show them on is this one.
    if (afterBreak) for (const { trade } of trades) this.#sink.trade(ns, trade);
  }

  #continueWithoutSnapshot(): void {
    const held = this.#buffer ?? [];
    this.#buffer = undefined;
    this.#await(undefined);
    if (this.#lastId !== undefined) this.#sink.gap(this.#lastNs, "book updates are missing");
    this.#lastId = undefined;
    this.#route(held);
  }

  #route(events: readonly BufferedEvent<Trade>[]): void {
    for (const event of events) {
      if (event.kind === "diff") this.diff(event.diff);
      else if (event.kind === "trade") this.trade(event.ns, event.trade);
      else this.gap(event.fromNs, event.reason);
    }
  }

  /** Replaces the book by the snapshot and applies the diffs after it; the first of them straddles its id. */
  #applySnapshot(snapshot: DepthSnapshot, ns: number, diffs: readonly DepthDiff[], again = false): void {
    this.counts.snapshotsUsed++;
    this.#snapshot = undefined;
    this.#synced = true;
    this.#recent = [];
    this.#known = knownPrices(snapshot);
    this.#lastId = snapshot.lastId;
    this.#lastNs = ns;
    this.#sink.book(ns, (book) => {
      this.#observer?.applying(snapshot, false);
      book.replace(snapshot.bids, snapshot.asks);
      for (const diff of diffs) this.#apply(book, diff, again);
    });
  }

  #applyUnjoined(snapshot: DepthSnapshot): void {
    this.counts.breaks++;
    this.#lastId = snapshot.lastId;
    this.#lastNs = snapshot.ns;
    this.#known = knownPrices(snapshot);
    this.#sink.book(snapshot.ns, (book) => {
      this.#observer?.applying(snapshot, false);
      book.replace(snapshot.bids, snapshot.asks);
    });
  }

  /** Joins a late snapshot with diffs that were applied without it. */
  #repair(snapshot: DepthSnapshot): void {
    const newer = this.#recent.filter((diff) => !isBefore(diff, snapshot.lastId));
    const [first] = newer;
    if (first === undefined || !straddles(first, snapshot.lastId)) {
      this.counts.snapshotsApart++;
      this.#observer?.unused(snapshot, "not-needed");
      return;
    }
    this.counts.applied -= newer.length; // they are applied again
    this.#applySnapshot(snapshot, this.#lastNs, newer, true);
  }

  #apply(book: OrderBook, diff: DepthDiff, again = false): void {
    this.#observer?.applying(diff, again);
    book.apply(diff.bids, diff.asks);
    if (diff.depth !== undefined) this.#keep(book, diff.depth);
    this.counts.applied++;
    this.#applied.add(diff.last);
    this.#lastId = diff.last;
    this.#lastNs = Math.max(this.#lastNs, diff.ns);
    if (this.#known !== undefined && reachesBeyond(book, this.#known)) this.counts.outsideSnapshot++;
    if (this.#synced) return;
    this.#recent.push(diff);
    if (this.#recent.length > recentDiffs) this.#recent.shift();
  }

  #keep(book: OrderBook, depth: number): void {
    book.keep(depth);
    if (this.#known === undefined) return;
    const { bids, asks } = book;
    this.#known = {
      low: (bids.depth < depth ? undefined : bids.worstPrice) ?? Number.NEGATIVE_INFINITY,
      high: (asks.depth < depth ? undefined : asks.worstPrice) ?? Number.POSITIVE_INFINITY,
    };
  }
}

/** The snapshot of that id contains the whole diff. */
function isBefore(diff: DepthDiff, snapshotId: number): boolean {
  return diff.previous === undefined ? diff.last <= snapshotId : diff.last < snapshotId;
}

function straddles(diff: DepthDiff, snapshotId: number): boolean {
  if (diff.previous === snapshotId) return true; // the first one after it
  const next = diff.previous === undefined ? snapshotId + 1 : snapshotId;
  return diff.first <= next && diff.last >= next;
}

function follows(diff: DepthDiff, lastId: number): boolean {
  // The first diff after a joined snapshot has a `pu` before it.
  return diff.previous === undefined ? diff.first <= lastId + 1 : diff.previous === lastId;
}

/** The price range in which a truncated snapshot has every level. */
function knownPrices({ bids, asks, link, depth }: DepthSnapshot): { low: number; high: number } {
  const cut = ({ length }: readonly BookLevel[]) =>
    link === undefined ? requestLimits.has(length) : depth !== undefined && length >= depth;
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
