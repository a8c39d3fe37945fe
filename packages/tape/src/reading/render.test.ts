import { type Frame, frame, limits } from "@tapedeck/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Seq, Tape } from "../tape.js";
import { TapeCatalog } from "../tape-catalog.js";
import { MemoryTapeStore, type TestTapeOptions, writeTestTape } from "../testing.js";
import { cuts } from "./cuts.js";
import { playedTape } from "./played-tape.arbitrary.js";
import { render, renderStretch } from "./render.js";

async function openTape(options: TestTapeOptions = {}): Promise<Tape> {
  const store = new MemoryTapeStore();
  return new TapeCatalog(store, { cacheBytes: 8 * 1024 * 1024 }).open(await writeTestTape(store, options));
}

async function recorded(tape: Tape, prev: Seq, seq: Seq): Promise<Frame[]> {
  const found: Frame[] = [];
  for (let at = prev + 1; at <= seq; at++) found.push(frame.parse(JSON.parse((await tape.load(at)).json(at))));
  return found;
}

/** What merging means, computed from parsed frames. */
function merged(frames: readonly Frame[]): object {
  const newest = frames.at(-1);
  const traded = frames.findLast((each) => each.trades.length > 0);
  const trades = frames.flatMap((each) => each.trades);
  const gapMs = frames.reduce((sum, each) => sum + (each.gap_before_ms ?? 0), 0);
  const { trade_volume, last_trade_price, trade_side, effective_spread, gap_before_ms, ...rest } = newest ?? {};
  return {
    ...rest,
    trade_classified: trades.length > 0,
    ...(traded && {
      trade_volume: Number(frames.reduce((sum, each) => sum + (each.trade_volume ?? 0), 0).toFixed(3)),
      last_trade_price: traded.last_trade_price,
      trade_side: traded.trade_side,
      effective_spread: traded.effective_spread,
    }),
    trades,
    anomalies: [...(newest?.anomalies ?? []), ...frames.slice(0, -1).flatMap((each) => each.anomalies)],
    ...(gapMs > 0 && { gap_before_ms: gapMs }),
    ...(frames.length > 1 && { skipped: frames.length - 1 }),
  };
}

describe("a rendered stretch", () => {
  test("[TP50] of one frame is the recorded bytes", async () => {
    const tape = await openTape();
    const block = await tape.load(100);
    expect(renderStretch(tape, 99, 100)).toBe(block.json(100));
    expect(await render(tape, 99, 100)).toBe(block.json(100));
  });

  test("[TP51] is the newest frame with the trades, anomalies and gaps of all, and the count of those skipped", async () => {
    const tape = await openTape({ gapAfter: [{ seq: 70, ms: 60_000 }], anomalyAt: (seq) => seq % 10 === 0 });
    const text = await render(tape, 59, 80);
    expect(JSON.parse(text)).toEqual(merged(await recorded(tape, 59, 80)));
    expect(JSON.parse(text)).toMatchObject({ seq: 80, skipped: 20, gap_before_ms: 60_000 });
    expect(JSON.parse(text).anomalies.map((each: { message: string }) => each.message)).toEqual([
      "frame 80",
      "frame 60",
      "frame 70",
    ]);
  });

  test("[TP51] has its fields in the order of a recorded frame", async () => {
    const tape = await openTape({ tradesPerFrame: () => 1 });
    const keys = (text: string) => Object.keys(JSON.parse(text));
    expect(keys(await render(tape, 0, 9))).toEqual([...keys(await render(tape, 8, 9)), "skipped"]);
  });

  test("[TP51] without trades says so, as a recorded frame does", async () => {
    const tape = await openTape({ tradesPerFrame: () => 0 });
    const json = JSON.parse(await render(tape, 0, 9));
    expect(json).toMatchObject({ trade_classified: false, trades: [] });
    expect(json).not.toHaveProperty("trade_volume");
  });

  test("[TP52] names a frame of the block that is not in memory", async () => {
    const tape = await openTape({ frames: 300 });
    expect(renderStretch(tape, 9, 200)).toEqual({ seqToLoad: 200 });
    await tape.load(200);
    expect(renderStretch(tape, 9, 200)).toEqual({ seqToLoad: 10 });
    await tape.load(10);
    expect(renderStretch(tape, 9, 200)).toEqual({ seqToLoad: 64 });
  });

  test("[TP52] does not need blocks in which only books changed", async () => {
    const tape = await openTape({ frames: 1_000, tradesPerFrame: (seq) => (seq < 64 ? 1 : 0), anomalyAt: () => false });
    await tape.load(0);
    await tape.load(999);
    expect(JSON.parse(String(renderStretch(tape, 60, 999)))).toMatchObject({ seq: 999, skipped: 938 });
  });

  test("[TP52] longer than what the cache holds is rendered all the same", async () => {
    const tape = await openTape({ frames: 15_000, tradesPerFrame: (seq) => (seq % 32 === 0 ? 1 : 0) });
    const json = JSON.parse(await render(tape, -1, 14_999));
    expect(json.trades).toHaveLength(Math.ceil(15_000 / 32));
    expect(tape.block(100)).toBeUndefined();
  });

  test("[TP53] that is not on the tape is a RangeError", async () => {
    const tape = await openTape({ frames: 10 });
    for (const [prev, seq] of [
      [-2, 3],
      [3, 3],
      [4, 3],
      [3, 10],
    ] as const) {
      expect(() => renderStretch(tape, prev, seq)).toThrow(RangeError);
      await expect(render(tape, prev, seq)).rejects.toThrow(RangeError);
    }
  });
});

test("[TP54] whatever the tape and the pace, its messages hold each trade and anomaly once, in order, and at most 1,000 trades", async () => {
  await fc.assert(
    fc.asyncProperty(playedTape, async (played) => {
      const { tape, pace } = await played.open();
      const { lastSeq } = tape.span;
      const messages: Frame[] = [];
      let prev = -1;
      for await (const { seq, ns } of cuts(tape, pace, -1, lastSeq)) {
        const text = await render(tape, prev, seq);
        expect(renderStretch(tape, prev, seq)).toBe(text);
        const message = frame.parse(JSON.parse(text));
        expect(message).toEqual(merged(await recorded(tape, prev, seq)));
        expect(message.timestamp).toBe(tape.iso(ns));
        expect(message.trades.length).toBeLessThanOrEqual(limits.tradesPerMessage);
        messages.push(message);
        prev = seq;
      }
      const all = await recorded(tape, -1, lastSeq);
      expect(messages.flatMap((each) => each.trades)).toEqual(all.flatMap((each) => each.trades));
      const anomalies = (frames: Frame[]) => frames.flatMap((each) => each.anomalies.map((a) => a.message)).sort();
      expect(anomalies(messages)).toEqual(anomalies(all));
    }),
    { numRuns: 60 },
  );
});
