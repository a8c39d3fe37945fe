import { FrameBuilder, type FrameMoment, MarketAnalytics, SimulatedMarket, simulatedStartNs } from "@tapedeck/market";
// biome-ignore lint/correctness/noUndeclaredDependencies: the workspace has it, for tests and benchmarks
import { bench, describe } from "vitest";

// The budget of docs/spec/analytics.md: under 10 us a frame of 20 levels, all features and detectors and the text of what they find,
// with the trades of each frame. A sample is the next 1,000 frames of a tape, so that the milliseconds in the table are microseconds
// a frame. The second is the reference: work on the same frames that no change of ours makes faster or slower, so that the ratio says
// the same on any machine.

const framesOfSample = 1_000;
/** Enough samples for a repeatable mean and minimum. */
const options = { time: 2_000, warmupTime: 500 };

const moments = momentsOf(20);

describe(`1,000 of ${moments.length} frames of 20 levels`, () => {
  let analytics = new MarketAnalytics();
  bench(
    "analyse",
    eachSample((moment, first) => {
      if (first) analytics = new MarketAnalytics();
      analytics.analyse(moment);
    }),
    options,
  );

  bench(
    "write the levels as JSON",
    eachSample(({ bids, asks }) => {
      JSON.stringify([bids, asks]);
    }),
    options,
  );
});

/** Works on the next frames at each call, starting again after the last frame. */
function eachSample(work: (moment: FrameMoment, first: boolean) => void): () => void {
  let next = 0;
  return () => {
    for (let n = 0; n < framesOfSample; n++) {
      const moment = moments[next];
      if (moment === undefined) throw new RangeError("there are no frames");
      work(moment, next === 0);
      next = (next + 1) % moments.length;
    }
  };
}

/** The frames of a market with an incident every other minute. */
function momentsOf(minutes: number): FrameMoment[] {
  const found: FrameMoment[] = [];
  const market = new SimulatedMarket({ symbol: "BTCUSDT", seed: 1, scenario: "mixed" });
  const builder = new FrameBuilder({
    symbol: "BTCUSDT",
    originNs: simulatedStartNs,
    decimals: 3,
    intervalNs: 100e6,
    analytics: {
      analyse: (moment) => {
        found.push(moment);
        return { head: "", anomalies: "", events: [] };
      },
    },
    emit: () => undefined,
  });
  builder.apply(market.opening(0));
  for (let minute = 0; minute < minutes; minute++) {
    for (const event of market.events(minute)) builder.apply(event);
  }
  builder.end();
  return found;
}
