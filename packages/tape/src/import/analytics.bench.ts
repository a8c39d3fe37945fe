import { demoMarket, FrameBuilder, type FrameMoment, MarketAnalytics } from "@tapedeck/market";
// biome-ignore lint/correctness/noUndeclaredDependencies: the workspace has it, for tests and benchmarks
import { bench, describe } from "vitest";

// The budget of docs/spec/analytics.md: under 10 us a frame of 20 levels. A bench's mean is of all frames. The second is the reference:
// work on the same frames that no change of ours makes faster or slower, so that the ratio says the same on any machine.

const moments: FrameMoment[] = [];
const originNs = BigInt(Date.UTC(2024, 2, 14, 9)) * 1_000_000n;
const builder = new FrameBuilder({
  symbol: "BTCUSDT",
  originNs,
  decimals: 3,
  intervalNs: 100e6,
  analytics: {
    analyse: (moment) => {
      moments.push(moment);
      return { head: "", anomalies: "", events: [] };
    },
  },
  emit: () => undefined,
});
for (const step of demoMarket({ seed: 1, minutes: 4, originNs })) if (step.kind === "event") builder.apply(step.event);
builder.end();

describe(`${moments.length} frames of 20 levels`, () => {
  bench("analyse", () => {
    const analytics = new MarketAnalytics();
    for (const moment of moments) analytics.analyse(moment);
  });

  bench("write the levels as JSON", () => {
    for (const { bids, asks } of moments) JSON.stringify([bids, asks]);
  });
});
