import { limits } from "@tapedeck/protocol";
// biome-ignore lint/correctness/noUndeclaredDependencies: the workspace has it, for tests
import fc from "fast-check";
import type { Pace, Seq, Tape } from "../tape.js";
import { TapeCatalog } from "../tape-catalog.js";
import { MemoryTapeStore, writeTestTape } from "../testing.js";

/** A small tape of any shape, and a pace to play it at, for properties that hold for all of them. */
export const playedTape = fc
  .record({
    frames: fc.array(
      fc.record({
        stepMs: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(0, 100, 1000, 4_000)),
        trades: fc.oneof(
          { weight: 8, arbitrary: fc.integer({ min: 0, max: 3 }) },
          { weight: 1, arbitrary: fc.integer({ min: 300, max: 1_000 }) },
        ),
        gapMs: fc.oneof(
          { weight: 9, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.constantFrom(2_500, 60_000) },
        ),
        anomaly: fc.boolean(),
      }),
      { minLength: 1, maxLength: 30 },
    ),
    framesPerBlock: fc.integer({ min: 1, max: 8 }),
    gaps: fc.constantFrom("skip", "keep"),
    anchor: fc.nat(),
    /** In tenths, so that the expected cuts can be computed in whole numbers. */
    speed10: fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.constantFrom(1, 3, 10, 100, 10_000)),
    maxFps: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constantFrom(1, 10, 20, 30)),
  })
  .map((shape) => ({ ...shape, open: () => open(shape), expectedCuts: () => expectedCuts(shape) }));

interface Shape {
  readonly frames: readonly { stepMs: number; trades: number; gapMs: number; anomaly: boolean }[];
  readonly framesPerBlock: number;
  readonly gaps: "skip" | "keep";
  readonly anchor: number;
  readonly speed10: number;
  readonly maxFps: number;
}

async function open(shape: Shape): Promise<{ tape: Tape; pace: Pace }> {
  const { frames, framesPerBlock, gaps, speed10, maxFps } = shape;
  const store = new MemoryTapeStore();
  const name = await writeTestTape(store, {
    frames: frames.length,
    framesPerBlock,
    stepNs: (seq) => (frames[seq]?.stepMs ?? 0) * 1e6,
    tradesPerFrame: (seq) => frames[seq]?.trades ?? 0,
    anomalyAt: (seq) => frames[seq]?.anomaly ?? false,
    gapAfter: frames.flatMap(({ gapMs }, seq) => (gapMs > 0 && seq > 0 ? [{ seq: seq - 1, ms: gapMs }] : [])),
  });
  const tape = await new TapeCatalog(store, { cacheBytes: 8 * 1024 * 1024 }).open(name);
  const anchorNs = await tape.nsOf(shape.anchor % frames.length);
  return { tape, pace: { timeline: tape.timeline(gaps), anchorNs, speed: speed10 / 10, maxFps } };
}

/** The definition of a cut in whole numbers, frame by frame, without blocks. */
function expectedCuts({ frames, gaps, anchor, speed10, maxFps }: Shape): Seq[] {
  let playing = 0n;
  const times = frames.map(({ stepMs, gapMs }, seq) => {
    if (seq > 0) playing += BigInt(gapMs > 5_000 && gaps === "skip" ? 1_000 : gapMs || stepMs);
    return playing;
  });
  const origin = times[anchor % frames.length] ?? 0n;
  // playing time in ms * maxFps / speed is 1,000 a cell
  const cells = times.map((ms) => ceilDivided((ms - origin) * BigInt(maxFps) * 10n, BigInt(speed10) * 1_000n));
  const cuts: Seq[] = [];
  let trades = 0;
  frames.forEach((frame, seq) => {
    const next = frames[seq + 1];
    trades += frame.trades;
    const together =
      next !== undefined &&
      maxFps > 0 &&
      cells[seq] === cells[seq + 1] &&
      trades + next.trades <= limits.tradesPerMessage;
    if (together) return;
    cuts.push(seq);
    trades = 0;
  });
  return cuts;
}

function ceilDivided(value: bigint, by: bigint): bigint {
  return value > 0n ? (value + by - 1n) / by : value / by;
}
