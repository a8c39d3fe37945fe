import type { Frame } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { DerivedList, FrameLog, follows } from "./frame-log";
import { tradesOf } from "./frame-values";

function frame(seq: number, more: Partial<Frame> = {}): Frame {
  return {
    type: "snapshot",
    seq,
    timestamp: new Date(1_700_000_000_000 + seq * 100).toISOString(),
    symbol: "BTCUSDT",
    bids: [[100, 1]],
    asks: [[101, 1]],
    mid_price: 100.5,
    microprice: 100.5,
    best_bid: 100,
    best_ask: 101,
    spread: 1,
    q_bid: 1,
    q_ask: 1,
    updates: 1,
    trades: [{ timestamp: "2023-11-14T22:13:20.000Z", price: 100 + seq, size: 1, side: "buy" }],
    trade_classified: false,
    anomalies: [],
    ...more,
  };
}

function logOf(...seqs: number[]): FrameLog {
  const log = new FrameLog(100);
  for (const seq of seqs) log.append(frame(seq), 1);
  return log;
}

const seqsOf = (log: FrameLog) => Array.from({ length: log.length }, (_, index) => log.at(index)?.frame.seq);

test("[DB40] a step back removes frames from the end and keeps the rest", () => {
  const log = logOf(5, 6, 7, 8);
  log.append(frame(6), 2);
  expect(seqsOf(log)).toEqual([5, 6]);
  expect(log.last?.epoch).toBe(2);
});

test("[DB40] the log is bounded and counts all appended frames", () => {
  const log = logOf(...Array.from({ length: 1000 }, (_, seq) => seq));
  expect(log.length).toBeLessThanOrEqual(125);
  expect(log.appended).toBe(1000);
  expect(log.last?.frame.seq).toBe(999);
  expect(log.at(0)?.frame.seq).toBe(1000 - log.length);
});

test("[DB40] frames before the newest one are filled in, in order and without duplicates", () => {
  const log = logOf(1, 2, 3, 50);
  const before = log.revision;
  log.fill([frame(3), frame(47), frame(48), frame(49), frame(50), frame(51)], 2);
  expect(seqsOf(log)).toEqual([1, 2, 3, 47, 48, 49, 50]);
  expect(log.revision).toBeGreaterThan(before);
});

test("[DB40] frames are found by time and by seq", () => {
  const log = logOf(0, 1, 2, 5);
  expect(log.indexAt(1_700_000_000_000 - 1)).toBe(-1);
  expect(log.indexAt(1_700_000_000_150)).toBe(1);
  expect(log.indexAt(Number.MAX_SAFE_INTEGER)).toBe(3);
  expect(log.indexOfSeq(5)).toBe(3);
  expect(log.indexOfSeq(4)).toBe(-1);
});

test("[DB43] a frame follows the previous one unless a gap lies between them", () => {
  const log = logOf(1);
  const one = log.at(0);
  const after = (more: Partial<Frame>, seq: number) => ({ frame: frame(seq, more), ms: 0, epoch: 1 });
  expect(follows(one, after({}, 2))).toBe(true);
  expect(follows(one, after({}, 3))).toBe(false);
  expect(follows(one, after({ skipped: 4 }, 6))).toBe(true);
  expect(follows(one, after({ gap_before_ms: 60_000 }, 2))).toBe(false);
});

test("[DB40] a derived list stays in step with the log", () => {
  const log = logOf(1, 2, 3);
  const trades = new DerivedList(log, 1000, tradesOf);
  const prices = () => trades.items.map(({ price }) => price);
  expect(prices()).toEqual([101, 102, 103]);
  log.append(frame(4), 1);
  expect(prices()).toEqual([101, 102, 103, 104]);
  log.append(frame(2), 2);
  expect(prices()).toEqual([101, 102]);
  log.clear();
  expect(prices()).toEqual([]);
});

test("[DB51] a derived list is bounded", () => {
  const log = new FrameLog(100_000);
  const trades = new DerivedList(log, 50, tradesOf);
  for (let seq = 0; seq < 5000; seq++) {
    log.append(frame(seq), 1);
    expect(trades.items.length).toBeLessThanOrEqual(63);
  }
  expect(trades.items.at(-1)?.price).toBe(5099);
});
