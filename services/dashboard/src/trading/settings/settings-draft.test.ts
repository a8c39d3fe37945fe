import type { TradingSettings } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { changeOf, draftOf, type SettingsDraft } from "./settings-draft";

const spot: TradingSettings = {
  account: { kind: "spot", base: "10", quote: "1000000" },
  fees: { maker: "-0.00005", taker: "0.0005" },
  latency: { entry: { kind: "constant", ms: 0 }, response: { kind: "constant", ms: 2.5 } },
  queue: { model: "power-probability", n: 2 },
  fills: "partial",
  market_impact: true,
  seed: "of its own",
};

const changed = (settings: TradingSettings, change: Partial<SettingsDraft>, queueAuto = false) =>
  changeOf({ ...draftOf(settings, queueAuto), ...change }, settings, queueAuto);

test("[DB109] what is not changed in the form is not sent", () => {
  expect(draftOf(spot, false)).toMatchObject({ maker: "-0.005", taker: "0.05", exponent: "2", sigma: "0" });
  const futures: TradingSettings = {
    ...spot,
    account: { kind: "futures", wallet: "0.1", leverage: 3, maintenance_rate: "0.00000001" },
    fees: { maker: "0", taker: "0.1" },
    latency: {
      entry: { kind: "log-normal", median_ms: 5, sigma: 0.5, min_ms: 1, max_ms: 90 },
      response: { kind: "log-normal", median_ms: 4, sigma: 0.5, min_ms: 1, max_ms: 90 },
    },
    queue: { model: "auto" },
  };
  for (const settings of [spot, futures]) expect(changed(settings, {})).toEqual({ change: {} });
  // To the last digit, also of what is sent along with it.
  expect(changed(futures, { leverage: "4" })).toEqual({ change: { account: { ...futures.account, leverage: 4 } } });
  expect(changed(spot, { taker: "0.04" })).toEqual({ change: { fees: { maker: "-0.00005", taker: "0.0004" } } });
});

test("[DB109] the form says that nobody has chosen the queue model, and leaves it unset until somebody does", () => {
  const resting: TradingSettings = { ...spot, queue: { model: "risk-averse" } };
  expect(draftOf(resting, true).queue).toBe("auto");
  expect(changed(resting, { fills: "whole" }, true)).toEqual({ change: { fills: "whole" } });
  expect(changed(resting, { queue: "risk-averse" }, true)).toEqual({ change: { queue: { model: "risk-averse" } } });
  expect(changed(resting, { queue: "auto" }, false)).toEqual({ change: { queue: { model: "auto" } } });
  expect(changed(spot, { exponent: "4" })).toEqual({ change: { queue: { model: "power-probability", n: 4 } } });
});

test("[DB109] a spot account becomes one of futures, and latencies vary with a spread", () => {
  const found = changed(spot, {
    ...{ kind: "futures", wallet: "25,000.5", leverage: "10", taker: "0.0750 %" },
    ...{ entry: "8", response: "0", sigma: "0.25", queue: "log-probability" },
  });
  const change = {
    account: { kind: "futures", wallet: "25000.5", leverage: 10, maintenance_rate: "0.004" },
    fees: { maker: "-0.00005", taker: "0.00075" },
    latency: {
      entry: { kind: "log-normal", median_ms: 8, sigma: 0.25, min_ms: 0, max_ms: 3_600_000 },
      response: { kind: "constant", ms: 0 },
    },
    queue: { model: "log-probability" },
  };
  expect(found).toEqual({ change });
});

test.each([
  [{ base: "ten" }, "Base must be a number, such as 0.5."],
  [{ kind: "futures", leverage: "" }, "Leverage must be a number from 1 to 125."],
  [{ maker: "0.0000001" }, "Maker fee must be a percentage with at most 6 decimals, such as 0.04."],
  [{ entry: "-1" }, "Latency to the venue must be a number from 0 to 3600000."],
  [{ sigma: "4" }, "Spread must be a number from 0 to 3."],
  [{ exponent: "0" }, "Exponent must be a number from 0.1 to 10."],
] satisfies [Partial<SettingsDraft>, string][])("[DB109] %o is refused before anything is sent", (change, problem) => {
  expect(changed(spot, change)).toEqual({ problem });
});
