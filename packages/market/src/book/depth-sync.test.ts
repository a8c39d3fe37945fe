import { describe, expect, test } from "vitest";
import { type DepthDiff, type DepthLink, DepthSync, snapshotPatienceNs } from "./depth-sync.js";
import { OrderBook } from "./order-book.js";

const second = 1e9;

function following(options: { snapshotRequired?: boolean } = {}) {
  const book = new OrderBook();
  const happened: string[] = [];
  const sync = new DepthSync<string>(
    {
      book: (ns, change) => {
        change(book);
        happened.push(`book ${ns / second} ${book.bids.bestPrice ?? "-"}`);
      },
      trade: (ns, trade) => happened.push(`trade ${ns / second} ${trade}`),
      gap: (fromNs, reason) => happened.push(`gap ${fromNs / second} ${reason}`),
    },
    options,
  );
  return { book, happened, sync };
}

/** A spot diff that sets the bid at `price`, by default the diff's last id. */
function spot(at: number, first: number, last: number, price = last): DepthDiff {
  return { ns: at * second, first, last, bids: [[price, 1]], asks: [] };
}

function futures(at: number, first: number, last: number, previous: number): DepthDiff {
  return { ...spot(at, first, last), previous };
}

const snapshot = (at: number, lastId: number, bid = 1) => ({
  ns: at * second,
  lastId,
  bids: [[bid, 1] as const],
  asks: [[1000, 1] as const],
});

describe("joining a snapshot", () => {
  test("[IM4] diffs are buffered from the first line on, and the one that straddles the snapshot may come before it", () => {
    const { sync, happened, book } = following();
    sync.diff(spot(1, 10, 12));
    sync.diff(spot(2, 13, 15));
    sync.trade(2 * second, "a");
    sync.diff(spot(3, 16, 18));
    expect(happened).toEqual([]);
    sync.snapshot(snapshot(3, 13));
    expect(happened).toEqual(["book 2 15", "trade 2 a", "book 3 18"]);
    expect(book.bids.top(3)).toEqual([
      [18, 1],
      [15, 1],
      [1, 1],
    ]);
    expect(sync.counts).toMatchObject({ applied: 2, beforeSnapshot: 1, snapshotsUsed: 1, breaks: 0 });
    expect(sync.synced).toBe(true);
  });

  test("[IM4] a snapshot before its diffs waits for the one that straddles it", () => {
    const { sync, happened } = following();
    sync.snapshot(snapshot(0, 13));
    sync.diff(spot(1, 10, 12));
    sync.diff(spot(2, 13, 15));
    sync.diff(spot(3, 16, 18));
    expect(happened).toEqual(["book 2 15", "book 3 18"]);
  });

  test("[IM4] futures join by U <= lastUpdateId <= u and follow by pu = u", () => {
    const { sync, happened } = following();
    sync.diff(futures(1, 10, 12, 9));
    sync.diff(futures(2, 15, 19, 12)); // the ids between belong to other instruments
    sync.snapshot(snapshot(2, 17));
    sync.diff(futures(3, 25, 30, 19));
    expect(happened).toEqual(["book 2 19", "book 3 30"]);
    expect(sync.counts).toMatchObject({ applied: 2, breaks: 0, beforeSnapshot: 1 });
  });

  test("[IM4] futures also join by pu = lastUpdateId: nothing lies between the two", () => {
    const { sync, happened } = following();
    sync.snapshot(snapshot(1, 12));
    sync.diff(futures(2, 15, 19, 12));
    sync.diff(futures(3, 25, 30, 19));
    expect(happened).toEqual(["book 2 19", "book 3 30"]);
    expect(sync.counts).toMatchObject({ applied: 2, breaks: 0, snapshotsApart: 0 });
  });

  test("[IM4] a snapshot that comes while the book is synced is not needed", () => {
    const { sync, happened } = following();
    sync.snapshot(snapshot(0, 9));
    sync.diff(spot(1, 10, 12));
    sync.snapshot(snapshot(2, 11));
    sync.diff(spot(3, 13, 14));
    expect(happened).toEqual(["book 1 12", "book 3 14"]);
    expect(sync.counts.snapshotsNotNeeded).toBe(1);
  });

  test("[IM4] a snapshot without any diff is the book", () => {
    const { sync, happened } = following();
    sync.snapshot(snapshot(4, 9));
    sync.end();
    expect(happened).toEqual(["book 4 1"]);
  });
});

describe("without a snapshot", () => {
  test("[IM5] the book continues from the diffs alone if no snapshot comes", () => {
    const { sync, happened } = following();
    sync.diff(spot(1, 10, 12));
    sync.trade(2 * second, "a");
    const late = 1 + snapshotPatienceNs / second + 1;
    sync.diff(spot(late, 13, 14));
    sync.trade((late + 1) * second, "b");
    expect(happened).toEqual(["book 1 12", "trade 2 a", `book ${late} 14`, `trade ${late + 1} b`]);
    expect(sync.synced).toBe(false);
  });

  test("[IM5] a late snapshot repairs the book", () => {
    const { sync, happened, book } = following();
    sync.diff(spot(1, 10, 12));
    sync.end();
    sync.diff(spot(2, 13, 14));
    sync.diff(spot(3, 15, 16));
    sync.snapshot(snapshot(4, 13));
    expect(sync.synced).toBe(true);
    expect(happened.at(-1)).toBe("book 3 16");
    expect(book.bids.top(9).map(([price]) => price)).toEqual([16, 14, 1]);
    expect(sync.counts.applied).toBe(3);
  });
});

describe("missing diffs", () => {
  test("[IM6] after a missing diff everything waits for a snapshot, which repairs the book after a marked gap", () => {
    const { sync, happened, book } = following();
    sync.snapshot(snapshot(0, 9));
    sync.diff(spot(1, 10, 12));
    sync.diff(spot(3, 15, 16)); // 13 and 14 are missing
    sync.trade(4 * second, "a");
    sync.diff(spot(5, 17, 18));
    expect(happened).toEqual(["book 1 12"]);
    sync.snapshot(snapshot(6, 16));
    expect(happened.slice(1)).toEqual([
      "gap 1 book updates are missing; a new snapshot mended it",
      "book 5 18",
      "trade 5 a",
    ]);
    expect(book.bids.top(9).map(([price]) => price)).toEqual([18, 1]);
    expect(sync.counts).toMatchObject({ breaks: 1, snapshotsUsed: 2 });
  });

  test("[IM6] without a new snapshot the book continues from the diffs after a marked gap", () => {
    const { sync, happened } = following();
    sync.snapshot(snapshot(0, 9));
    sync.diff(spot(1, 10, 12));
    sync.diff(spot(3, 15, 16));
    sync.trade(4 * second, "a");
    sync.end();
    expect(happened.slice(1)).toEqual(["gap 1 book updates are missing", "book 3 16", "trade 4 a"]);
    expect(sync.synced).toBe(false);
  });

  test("[IM6] each break is counted, even among buffered diffs", () => {
    const { sync, happened } = following();
    sync.snapshot(snapshot(0, 9));
    sync.diff(spot(1, 10, 12));
    sync.diff(spot(3, 15, 16));
    sync.diff(spot(5, 20, 21));
    sync.end();
    expect(sync.counts.breaks).toBe(2);
    expect(happened.filter((what) => what.startsWith("gap"))).toHaveLength(2);
    expect(happened.at(-1)).toBe("book 5 21");
  });

  test("[IM6] futures detect a break by pu, whatever the ids", () => {
    const { sync } = following();
    sync.snapshot(snapshot(0, 11));
    sync.diff(futures(1, 10, 12, 9));
    sync.diff(futures(2, 13, 15, 14));
    expect(sync.counts.breaks).toBe(1);
  });
});

describe("a live book", () => {
  test("[FD4] shows nothing before a snapshot, however long that takes", () => {
    const { sync, happened } = following({ snapshotRequired: true });
    sync.diff(spot(0, 10, 12));
    sync.snapshot(snapshot(0, 5)); // older than the first diff, with missing diffs between
    sync.diff(spot(snapshotPatienceNs / second + 1, 13, 15));
    expect([happened, sync.synced]).toEqual([[], false]);
    sync.snapshot(snapshot(40, 13));
    expect([happened.length, sync.synced]).toEqual([1, true]);
  });

  test("[FD4] is not shown after a missing diff until a new snapshot repairs it", () => {
    const { sync, happened } = following({ snapshotRequired: true });
    sync.snapshot(snapshot(0, 9));
    sync.diff(spot(1, 10, 12));
    sync.diff(spot(2, 16, 18));
    sync.diff(spot(60, 19, 20));
    expect([happened, sync.synced]).toEqual([["book 1 12"], false]);
    sync.snapshot(snapshot(60, 17));
    expect(sync.synced).toBe(true);
    expect(happened.slice(1)).toEqual([expect.stringContaining("gap 1 "), "book 2 18", "book 60 20"]);
  });
});

test("[IM8] repeated diffs and late diffs are left out and counted separately", () => {
  const { sync, happened } = following();
  sync.snapshot(snapshot(0, 9));
  sync.diff(spot(1, 10, 12));
  sync.diff(spot(1, 10, 12));
  sync.diff(spot(1, 4, 5));
  expect(happened).toEqual(["book 1 12"]);
  expect(sync.counts).toMatchObject({ duplicates: 1, late: 1 });
});

test("[IM13] books whose top reaches beyond a truncated snapshot are counted, and none for a complete one", () => {
  const levels = (count: number, from: number, step: number) =>
    Array.from({ length: count }, (_, n) => [from + n * step, 1] as const);
  const cut = following();
  cut.sync.snapshot({ ns: 0, lastId: 9, bids: levels(20, 100, -1), asks: levels(20, 101, 1) });
  cut.sync.diff({ ns: 1, first: 10, last: 10, bids: [[100.5, 1]], asks: [] });
  cut.sync.diff({
    ns: 2,
    first: 11,
    last: 11,
    bids: [
      [100.5, 0],
      [100, 0],
      [99, 0],
      [70, 1],
    ],
    asks: [],
  });
  expect(cut.sync.counts.outsideSnapshot).toBe(1);
  const whole = following();
  whole.sync.snapshot({ ns: 0, lastId: 9, bids: levels(19, 100, -1), asks: levels(19, 101, 1) });
  whole.sync.diff({ ns: 1, first: 10, last: 10, bids: [[50, 1]], asks: [] });
  expect(whole.sync.counts.outsideSnapshot).toBe(0);
});

describe("a book whose venue links its updates by a rule of its own", () => {
  /** A whole book, or a change that sets the bid at `price`. */
  const whole = (at: number, bid: number, link: DepthLink = "follows") => ({ ...snapshot(at, 0, bid), link });
  const change = (at: number, price: number, link: DepthLink = "follows") => ({ ...spot(at, 0, 0, price), link });

  test("[IM55] whole books replace it at once, whatever their ids are", () => {
    const { sync, happened, book } = following();
    sync.diff(change(1, 50)); // before the first whole book
    sync.trade(2 * second, "a");
    sync.snapshot(whole(3, 10));
    sync.diff(change(4, 12));
    sync.snapshot(whole(5, 7));
    expect(happened).toEqual(["trade 2 a", "book 3 10", "book 4 12", "book 5 7"]);
    expect(book.bids.depth).toBe(1);
    expect(sync.counts).toMatchObject({ applied: 1, beforeSnapshot: 1, snapshotsUsed: 2, breaks: 0 });
    expect(sync.synced).toBe(true);
  });

  test("[IM55] a break lasts until the next whole book, and trades of the broken stretch are shown on it", () => {
    const { sync, happened } = following();
    sync.snapshot(whole(1, 10));
    sync.diff(change(2, 13, "broken"));
    sync.diff(change(3, 14));
    sync.trade(4 * second, "a");
    expect([happened, sync.synced]).toEqual([["book 1 10"], false]);
    sync.snapshot(whole(5, 20));
    const gap = "gap 1 book updates are missing; a new snapshot mended it";
    expect(happened.slice(1)).toEqual([gap, "book 5 20", "trade 5 a"]);
    expect(sync.counts).toMatchObject({ breaks: 1, beforeSnapshot: 2 });
  });

  test("[IM55] without a whole book it continues from the changes after 30 s", () => {
    const { sync, happened } = following();
    sync.snapshot(whole(1, 10));
    sync.diff(change(2, 13, "broken"));
    sync.diff(change(40, 14));
    expect(happened.slice(1)).toEqual(["gap 1 book updates are missing", "book 2 13", "book 40 14"]);
  });

  test("[IM55] a whole book after missing updates is a gap", () => {
    const { sync, happened } = following();
    sync.snapshot(whole(1, 10, "broken")); // nothing was known before it
    sync.snapshot(whole(5, 20, "broken"));
    const gap = "gap 1 book updates are missing; a new snapshot mended it";
    expect(happened).toEqual(["book 1 10", gap, "book 5 20"]);
  });

  test("[IM56] levels that fall out of what the venue reports are removed, and the known prices move with it", () => {
    const { sync, book } = following();
    const levels = [
      [100, 1],
      [99, 1],
    ] as const;
    const asks = [[101, 1]] as const;
    sync.snapshot({ ns: 0, lastId: 0, bids: levels, asks, link: "follows", depth: 2 });
    expect(sync.known).toEqual({ low: 99, high: Number.POSITIVE_INFINITY });
    sync.diff({ ...change(1, 100.5), depth: 2 });
    expect(book.bids.top(9)).toEqual([
      [100.5, 1],
      [100, 1],
    ]);
    expect(sync.known).toEqual({ low: 100, high: Number.POSITIVE_INFINITY });
    sync.diff({ ...change(2, 100), bids: [[100, 0]], depth: 2 });
    expect(sync.known?.low).toBe(Number.NEGATIVE_INFINITY);
  });
});
