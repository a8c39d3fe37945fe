import type { BookLevel } from "@tapedeck/market";
import { checkFrameText } from "@tapedeck/protocol";
import { createLogger } from "@tapedeck/runtime";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { VenueTrade } from "../venues/venue.js";
import { type BookChange, FrameAssembler, type RecordedFrame } from "./frame-assembler.js";

const nsPerMs = 1_000_000n;
const startMs = Date.UTC(2026, 0, 1, 12);

let clock: number;
let monotonic: number;
beforeEach(() => {
  clock = startMs;
  monotonic = 0;
  vi.spyOn(performance, "now").mockImplementation(() => monotonic);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const log = createLogger({ service: "feed", node: "test", level: "silent" });

function assembling({ distinctTimes = false } = {}) {
  const frames: RecordedFrame[] = [];
  const changes: BookChange[] = [];
  const delays: (number | undefined)[] = [];
  const assembler = new FrameAssembler({
    source: "BITMEX",
    symbol: "XBTUSD",
    decimals: 3,
    distinctTimes,
    now: () => BigInt(clock) * nsPerMs,
    listener: { onFrame: (frame) => frames.push(frame), onBook: (change) => changes.push(change) },
    metrics: { event: (_, delayMs) => delays.push(delayMs), unreadable: () => {} },
    log,
  });
  const wait = (ms: number): void => {
    clock += ms;
    monotonic += ms;
  };
  /** The venue's time is this many ms before ours; undefined: it sends none. */
  const ns = (agoMs: number | undefined) => (agoMs === undefined ? undefined : BigInt(clock - agoMs) * nsPerMs);
  const book = (bids: BookLevel[], asks: BookLevel[], agoMs?: number) =>
    assembler.book(ns(agoMs), (its) => its.apply(bids, asks));
  const whole = (bids: BookLevel[], asks: BookLevel[], agoMs?: number) =>
    assembler.book(ns(agoMs), (its) => its.replace(bids, asks));
  const trade = (id: number, price: number, more: Partial<VenueTrade> = {}) =>
    assembler.trade({
      ...{ ns: BigInt(clock) * nsPerMs, id, consecutive: true, timestamp: new Date(clock).toISOString() },
      ...{ price, size: 1, side: "buy" as const },
      ...more,
    });
  return { assembler, frames, changes, delays, wait, book, whole, trade };
}

function read(frame: RecordedFrame | undefined) {
  if (frame === undefined) throw new Error("there is no such frame");
  const { parts } = frame;
  const text =
    `{"type":"snapshot","seq":0,${parts.head},"trade_classified":${parts.tradeCount > 0},` +
    (parts.tradeCount > 0
      ? `"trade_volume":${parts.tradeVolume},"last_trade_price":${parts.lastTradePrice},"trade_side":"${parts.lastTradeSide}","effective_spread":${parts.effectiveSpread},`
      : "") +
    `"trades":[${parts.trades}],"anomalies":[${parts.anomalies}]}`;
  expect(checkFrameText(text)).toEqual([]);
  return JSON.parse(text);
}

const quote = (bid: number, ask: number): [BookLevel[], BookLevel[]] => [[[bid, 1]], [[ask, 1]]];

describe("a frame", () => {
  test("[FD8] is recorded when the clock closes it, with the present book, the venue's time and ours", () => {
    const { assembler, frames, wait, whole, book, delays } = assembling();
    whole(...quote(99, 101), 20);
    wait(30);
    book([[100, 2]], [], 7);
    expect(frames).toEqual([]);
    assembler.closeFrame();
    assembler.closeFrame();
    expect(frames).toHaveLength(1);
    expect(read(frames[0])).toMatchObject({
      timestamp: "2026-01-01T12:00:00.023Z",
      exchange_ts: "2026-01-01T12:00:00.023Z",
      ingest_ts: "2026-01-01T12:00:00.030000Z",
      source: "BITMEX",
      symbol: "XBTUSD",
      best_bid: 100,
      updates: 2,
    });
    expect(frames[0]?.startNs).toBe(BigInt(startMs + 23) * nsPerMs);
    expect(delays).toEqual([20, 7]);
  });

  test("[FD8] has times that never fall, and ignores venue times far ahead", () => {
    const { assembler, frames, wait, whole, book } = assembling();
    whole(...quote(99, 101), 0);
    assembler.closeFrame();
    wait(100);
    book([[99.5, 1]], [], 60_000); // a delayed message
    assembler.closeFrame();
    wait(100);
    book([[99.6, 1]], [], -86_400_000);
    assembler.closeFrame();
    wait(100);
    book([[99.7, 1]], []); // without a time
    assembler.closeFrame();
    expect(frames.map((frame) => read(frame).timestamp.slice(17))).toEqual([
      "00.000Z",
      "00.000Z",
      "00.200Z",
      "00.300Z",
    ]);
    expect(read(frames[3]).exchange_ts).toBe("2026-01-01T12:00:00.300Z");
  });

  test("[FD8] keeps the venue's time when our clock is set back", () => {
    const { assembler, frames, wait, whole, book } = assembling();
    whole(...quote(99, 101), 0);
    assembler.closeFrame();
    wait(-3_600_000);
    book([[99.5, 1]], [], -3_600_100);
    assembler.closeFrame();
    expect(frames.map((frame) => read(frame).timestamp.slice(17))).toEqual(["00.000Z", "00.100Z"]);
  });

  test("[FD8] shows trades with the book at the time of the trade", () => {
    const { assembler, frames, whole, trade } = assembling();
    whole(...quote(99, 101));
    trade(7, 101);
    assembler.closeFrame();
    expect(read(frames[0])).toMatchObject({ trade_volume: 1, effective_spread: 2, trades: [{ price: 101 }] });
  });
});

describe("a gap", () => {
  test("[FD9] is marked from the last good book to the first new one", () => {
    const { assembler, frames, changes, wait, whole, book } = assembling();
    whole(...quote(99, 101));
    wait(50);
    book([[98, 1]], []);
    wait(50);
    assembler.bookLost("BITMEX closed the connection (1006).");
    expect(frames).toHaveLength(1); // with everything before the loss
    wait(3000);
    assembler.closeFrame();
    expect(frames).toHaveLength(1);
    whole(...quote(89, 91));
    wait(10);
    assembler.closeFrame();
    expect(frames[1]?.parts).toMatchObject({
      ns: 3050e6,
      gapBefore: { fromNs: 0, reason: "BITMEX closed the connection (1006)" },
    });
    expect(read(frames[1])).toMatchObject({ best_bid: 89, bids: expect.not.arrayContaining([[99, 1]]) });
    expect(changes).toEqual([
      { state: "complete", quiet: false },
      { state: "lost", reason: "BITMEX closed the connection (1006)." },
      { state: "complete", quiet: false },
    ]);
    expect(assembler.counts.gaps).toBe(1);
  });

  test("[FD9] keeps the trades that came during it: the next book shows them", () => {
    const { assembler, frames, wait, whole, trade } = assembling();
    whole(...quote(99, 101));
    trade(1, 101);
    wait(100);
    assembler.closeFrame();
    assembler.bookLost("missing");
    wait(100);
    trade(2, 102);
    wait(100);
    whole(...quote(101, 103));
    trade(3, 103);
    assembler.closeFrame();
    expect(read(frames[1]).trades.map(({ price }: { price: number }) => price)).toEqual([102, 103]);
    expect(frames[1]?.parts.gapBefore).not.toBeNull();
  });

  test("[FD9] is marked where trade ids are missing; duplicates and trades off the book are left out", () => {
    const { assembler, frames, wait, whole, trade } = assembling();
    whole(...quote(99, 101));
    trade(1, 101);
    trade(1, 101);
    trade(2, 150, { excluded: "INSURANCE_FUND" });
    trade(3, 101);
    assembler.closeFrame();
    wait(100);
    trade(6, 101);
    assembler.closeFrame();
    expect(frames.map(({ parts }) => parts.tradeCount)).toEqual([2, 1]);
    expect(frames[1]?.parts.gapBefore).toMatchObject({ reason: "trades are missing" });
    expect(assembler.counts).toMatchObject({ duplicates: 1, excluded: 1, gaps: 1 });
  });

  test("[FD10] is not marked when the venue was only quiet and the book is unchanged", () => {
    const { assembler, frames, changes, wait, whole, book } = assembling();
    whole(...quote(99, 101));
    assembler.closeFrame();
    wait(15_000);
    assembler.bookLost("silent", { silent: true });
    whole(...quote(99, 101));
    book([[98, 1]], []);
    assembler.closeFrame();
    expect(changes).toEqual([
      { state: "complete", quiet: false },
      { state: "lost", reason: "silent" },
      { state: "complete", quiet: true },
    ]);
    expect(frames[1]?.parts.gapBefore).toBeNull();
    wait(15_000);
    assembler.bookLost("silent", { silent: true });
    whole(...quote(90, 91));
    assembler.closeFrame();
    expect(frames[2]?.parts.gapBefore).toMatchObject({ reason: "silent" });
  });
});

describe("a crossed book", () => {
  test("[FD11] is never shown: frames keep the last good one until the next message corrects it", () => {
    const { assembler, frames, wait, whole, book, trade } = assembling();
    whole(...quote(99, 101));
    assembler.closeFrame();
    wait(100);
    book([[102, 5]], []);
    trade(1, 102);
    assembler.closeFrame();
    expect(frames).toHaveLength(1);
    book(
      [],
      [
        [101, 0],
        [103, 1],
      ],
    );
    assembler.closeFrame();
    expect(read(frames[1])).toMatchObject({ best_bid: 102, best_ask: 103, updates: 2, trades: [{ price: 102 }] });
    expect(frames[1]?.parts.gapBefore).toBeNull();
  });

  test("[FD11] that stays crossed for a second asks for a new connection", () => {
    const { assembler, frames, changes, wait, whole, book } = assembling();
    whole(...quote(99, 101));
    assembler.closeFrame();
    book([[102, 5]], []);
    for (let n = 0; n < 12; n++) {
      wait(100);
      assembler.closeFrame();
    }
    const reason = "The book of BITMEX is crossed: bids and asks overlap.";
    expect(changes).toEqual([
      { state: "complete", quiet: false },
      { state: "inconsistent", reason },
    ]);
    assembler.bookLost(reason);
    wait(400);
    whole(...quote(102, 103));
    assembler.closeFrame();
    expect(frames).toHaveLength(2);
    expect(frames[1]?.parts.gapBefore).toEqual({ fromNs: 0, reason: reason.slice(0, -1) });
  });
});

describe("a tape", () => {
  test("[FD12] that is continued gets the present book after a marked gap", () => {
    const { assembler, frames, wait, whole } = assembling();
    whole(...quote(99, 101));
    wait(500);
    const startNs = BigInt(startMs - 60_000) * nsPerMs;
    assembler.startTape({ startNs, lastNs: 59_000e6, reason: "the feed was away" });
    assembler.closeFrame();
    expect(frames[0]).toMatchObject({
      startNs,
      parts: { ns: 60_500e6, gapBefore: { fromNs: 59_000e6, reason: "the feed was away" } },
    });
  });

  describe("of a venue whose times tell events apart", () => {
    const startNs = BigInt(startMs - 60_000) * nsPerMs;
    /** Tape time of a moment after the start. */
    const at = (ms: number) => (60_000 + ms) * 1e6;
    const prices = (frame: RecordedFrame | undefined) =>
      read(frame).trades?.map(({ price }: { readonly price: number }) => price);

    test("[FD31] that another feed has recorded until now continues without a gap, with exactly the trades that it lacks", () => {
      const { assembler, frames, wait, whole, book, trade } = assembling({ distinctTimes: true });
      whole(...quote(99, 101));
      wait(100);
      trade(1, 101);
      wait(100);
      trade(2, 102);
      trade(3, 103, { ns: BigInt(clock) * nsPerMs + 700_000n }); // in the same millisecond
      wait(100);
      trade(4, 104);
      book([[100, 1]], []);
      wait(50);
      assembler.startTape({ startNs, lastNs: at(200), reason: "the feed was away" });
      assembler.closeFrame();
      expect(frames[0]).toMatchObject({ startNs, parts: { ns: at(300), gapBefore: null } });
      expect(read(frames[0])).toMatchObject({ best_bid: 100 });
      expect(prices(frames[0])).toEqual([104]);
      wait(100);
      trade(5, 105);
      assembler.closeFrame();
      expect(prices(frames[1])).toEqual([105]);
    });

    test("[FD31] events that the other feed has recorded and this one gets only now are not repeated", () => {
      const { assembler, frames, wait, whole, trade } = assembling({ distinctTimes: true });
      whole(...quote(99, 101));
      wait(100);
      const late = { ns: BigInt(clock) * nsPerMs };
      assembler.startTape({ startNs, lastNs: at(100), reason: "the feed was away" });
      trade(1, 101, late);
      wait(100);
      trade(2, 102);
      assembler.closeFrame();
      expect(prices(frames[0])).toEqual([102]);
      expect(frames[0]?.parts.gapBefore).toBeNull();
    });

    test("[FD31] whose last frame is older than this feed's book has a marked gap", () => {
      const { assembler, frames, wait, whole } = assembling({ distinctTimes: true });
      whole(...quote(99, 101));
      wait(100);
      assembler.bookLost("BITMEX closed the connection.");
      wait(100);
      whole(...quote(100, 102));
      wait(100);
      assembler.startTape({ startNs, lastNs: at(150), reason: "the feed was away" });
      assembler.closeFrame();
      expect(frames.at(-1)?.parts.gapBefore).toEqual({ fromNs: at(150), reason: "the feed was away" });
    });
  });

  test("[FD12] that is new starts with the present book at time 0", () => {
    const { assembler, frames, wait, whole, book } = assembling();
    whole(...quote(99, 101));
    assembler.closeFrame();
    wait(5000);
    assembler.startTape(undefined);
    book([[99.5, 1]], []);
    assembler.closeFrame();
    expect(frames[1]).toMatchObject({ startNs: BigInt(startMs + 5000) * nsPerMs, parts: { ns: 0, gapBefore: null } });
    expect(read(frames[1])).toMatchObject({ best_bid: 99.5 });
  });
});
