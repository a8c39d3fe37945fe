import { createHash } from "node:crypto";
import { analyticsVersion } from "@tapedeck/market";
import { type Frame, frame as frameSchema, nsOfIso } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { framesOf, importedOnce, recording, recordingsAbsent, tapeOf } from "./test-recordings.js";

// Compares features with plain formulas over whole arrays, without running state.

const files = recording("binance-raw/usdm_btcusdt_20240718.gz");

let parsed: Promise<Frame[]> | undefined;

/** The recording's frames, parsed once for all tests. */
function frames(): Promise<readonly Frame[]> {
  parsed ??= importedOnce(files).then(async (imported) => {
    const all: Frame[] = [];
    for await (const text of framesOf(imported, tapeOf(imported))) all.push(frameSchema.parse(JSON.parse(text)));
    return all;
  });
  return parsed;
}

const seconds = new Map<string, number>();

/** Of the same frames and trades a million times. */
function second(timestamp: string): number {
  const known = seconds.get(timestamp) ?? Number((nsOfIso(timestamp) ?? 0n) / 1_000n) / 1e6;
  seconds.set(timestamp, known);
  return known;
}

const real = (levels: Frame["bids"]) => levels.filter(([, size]) => size > 0);

test.skipIf(recordingsAbsent)("[AN1] features of a real recording equal plain formulas", async () => {
  const all = await frames();
  all.forEach((frame, n) => {
    expect(frame.obi, `obi of frame ${n}`).toBeCloseTo(imbalance(frame), 4);
    expect(frame.directional_prob, `frame ${n}`).toBeCloseTo((100 * frame.q_bid) / (frame.q_bid + frame.q_ask), 0);
  });
  for (const n of [1, 50, 333, 1_000, all.length - 1]) {
    const flows = orderFlow(all.slice(0, n + 1));
    expect(frameOf(all, n).ofi).toBeCloseTo(flows[0] ?? 0, 3);
    expect(frameOf(all, n).ofi_levels).toEqual(flows.map((flow) => expect.closeTo(flow, 3)));
    expect(frameOf(all, n).volatility).toBeCloseTo(volatility(all.slice(0, n + 1)), 3);
  }
});

test.skipIf(recordingsAbsent)("[AN6] realised spreads of a real recording equal plain formulas", async () => {
  const all = await frames();
  const expected = realized(all);
  all.forEach((frame, n) => {
    const { spread, times } = expected[n] ?? { spread: null, times: null };
    if (spread === null) expect(frame.realized_spread, `frame ${n}`).toBeNull();
    else expect(frame.realized_spread, `frame ${n}`).toBeCloseTo(spread, 6);
    expect(frame.realized_spread_of, `frame ${n}`).toEqual(times);
  });
  expect(expected.filter(({ spread }) => spread !== null).length).toBeGreaterThan(200);
});

test.skipIf(recordingsAbsent)("[AN8] vpin of a real recording equals a plain formula in every frame", async () => {
  const all = await frames();
  const expected = vpin(all);
  all.forEach((frame, n) => {
    expect(frame.vpin, `frame ${n}`).toBeCloseTo(expected[n] ?? 0, 3);
  });
  expect(Math.max(...expected)).toBeGreaterThan(0.5);
});

test.skipIf(recordingsAbsent)("[AN10] a changed formula needs a new version and a new checksum", async () => {
  const imported = await importedOnce(files);
  expect(tapeOf(imported).analyticsVersion).toBe(analyticsVersion);
  const hash = createHash("sha256");
  for await (const text of framesOf(imported, tapeOf(imported))) hash.update(`${text}\n`);
  expect({ analyticsVersion, sum: hash.digest("hex") }).toEqual({
    analyticsVersion: 3,
    sum: "6d092d688c10d37849423618c899c85fb8236f2ad32e014a31227bdae55afd57",
  });
});

function frameOf(all: readonly Frame[], n: number): Frame {
  const frame = all[n];
  if (frame === undefined) throw new RangeError(`there is no frame ${n}`);
  return frame;
}

function imbalance({ bids, asks }: Frame): number {
  const weighted = (levels: Frame["bids"]) =>
    real(levels)
      .slice(0, 5)
      .reduce((sum, [, size], level) => sum + size * Math.exp(-0.5 * level), 0);
  return (weighted(bids) - weighted(asks)) / (weighted(bids) + weighted(asks));
}

function orderFlow(all: readonly Frame[]): number[] {
  const end = second(all.at(-1)?.timestamp ?? "");
  return [0, 1, 2, 3, 4].map((level) => {
    let signed = 0;
    let total = 0;
    for (let n = 1; n < all.length; n++) {
      const [a, b] = [frameOf(all, n - 1), frameOf(all, n)];
      const weight = Math.exp(second(b.timestamp) - end);
      const [pb = 0, qb = 0] = real(b.bids)[level] ?? [];
      const [pbBefore = 0, qbBefore = 0] = real(a.bids)[level] ?? [];
      const [pa = 0, qa = 0] = real(b.asks)[level] ?? [];
      const [paBefore = 0, qaBefore = 0] = real(a.asks)[level] ?? [];
      const bid = (pb >= pbBefore ? qb : 0) - (pb <= pbBefore ? qbBefore : 0);
      const ask = (pa <= paBefore ? qa : 0) - (pa >= paBefore ? qaBefore : 0);
      signed += weight * (bid - ask);
      total += weight * (Math.abs(bid) + Math.abs(ask));
    }
    return total > 0 ? signed / total : 0;
  });
}

function volatility(all: readonly Frame[]): number {
  const end = second(all.at(-1)?.timestamp ?? "");
  let squares = 0;
  for (let n = 1; n < all.length; n++) {
    const [a, b] = [frameOf(all, n - 1), frameOf(all, n)];
    squares += Math.log(b.mid_price / a.mid_price) ** 2 * Math.exp((second(b.timestamp) - end) / 60);
  }
  const seconds = 60 * (1 - Math.exp((second(all[0]?.timestamp ?? "") - end) / 60));
  return seconds > 0 ? 1e4 * Math.sqrt(squares / seconds) : 0;
}

function realized(all: readonly Frame[]): { spread: number | null; times: string[] | null }[] {
  const ms = (timestamp: string) => Math.round(second(timestamp) * 1_000);
  return all.map((frame, n) => {
    const before = all[n - 1];
    if (before === undefined) return { spread: null, times: null };
    const [from, to] = [ms(before.timestamp), ms(frame.timestamp)];
    const due = all
      .slice(0, n)
      .flatMap(({ trades }) => trades)
      .filter(({ timestamp }) => ms(timestamp) + 5_000 > from && ms(timestamp) + 5_000 <= to);
    if (due.length === 0) return { spread: null, times: null };
    let sum = 0;
    let size = 0;
    for (const trade of due) {
      const mid = ms(trade.timestamp) + 5_000 === to ? frame.mid_price : before.mid_price;
      sum += 2 * (trade.side === "buy" ? 1 : -1) * (trade.price - mid) * trade.size;
      size += trade.size;
    }
    return { spread: sum / size, times: [...new Set(due.map(({ timestamp }) => timestamp))] };
  });
}

function vpin(all: readonly Frame[]): number[] {
  const full: { signed: number; size: number }[] = [];
  let bucket = 0;
  let filled = 0;
  let signed = 0;
  return all.map((frame, n) => {
    const now = second(frame.timestamp);
    const start = second(all[0]?.timestamp ?? "");
    let volume = 0;
    for (const past of all.slice(0, n + 1)) {
      const traded = past.trades.reduce((sum, { size }) => sum + size, 0);
      volume += traded * Math.exp((second(past.timestamp) - now) / 300);
    }
    const seconds = 300 * (1 - Math.exp((start - now) / 300));
    const usual = seconds > 0 ? (6 * volume) / seconds : 0;
    if (bucket === 0) bucket = usual;
    for (const { size, side } of bucket > 0 ? frame.trades : []) {
      let left = size;
      while (left > 1e-12) {
        const part = Math.min(left, bucket - filled);
        filled += part;
        signed += (side === "buy" ? 1 : -1) * part;
        left -= part;
        if (filled < bucket - 1e-12) continue;
        full.push({ signed, size: bucket });
        bucket = usual;
        filled = 0;
        signed = 0;
      }
    }
    const last = full.slice(-50);
    const sizes = last.reduce((sum, { size }) => sum + size, 0);
    return sizes > 0 ? last.reduce((sum, one) => sum + Math.abs(one.signed), 0) / sizes : 0;
  });
}
