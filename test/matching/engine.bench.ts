import { MatchingEngine, type MatchingSettingsInput, parseSettings, type TapeEvent } from "@tapedeck/matching";
import { bench, describe } from "vitest";
import { recordedMarket } from "./recorded-market.js";

// The goal of issue 16's engine: 300,000 level changes per second in process, with working orders. A sample is the whole futures recording
// of 2023, its events in memory, with 40 orders that rest around the best prices and are placed anew every 10,000 events. Times are CPU time
// of the process, so that other work on the machine does not count.

const options = { time: 3_000, warmupTime: 1_000, iterations: 5, now: cpuMs };
const market = await recordedMarket("primary");
const variants: readonly (readonly [string, Pick<MatchingSettingsInput, "fills" | "queue">])[] = [
  ["partial fills, risk-averse", {}],
  ["partial fills, power probability", { queue: { model: "power-probability", n: 2.5 } }],
  ["hftbacktest's fills, logarithmic probability", { fills: "whole", queue: { model: "log-probability" } }],
];

if (market !== undefined) {
  const { events, decimals } = market;
  const changes = events.reduce((sum, event) => sum + (event.kind === "book" ? event.levels.length : 0), 0);
  const instrument = { priceDecimals: decimals.price, amountDecimals: decimals.size, tick: 1, lot: 1 };
  const account = { kind: "futures", wallet: "1000000000", leverage: 1 } as const;

  describe(`${changes.toLocaleString("en-US")} level changes in ${events.length.toLocaleString("en-US")} events`, () => {
    for (const [name, settings] of variants) {
      bench(name, () => play(new MatchingEngine(parseSettings({ instrument, account, ...settings })), events), options);
    }
  });
}

function play(engine: MatchingEngine, events: readonly TapeEvent[]): void {
  let [clock, price] = [0n, 0];
  for (const [at, event] of events.entries()) {
    if (event.timestampNs > clock) clock = event.timestampNs;
    if (event.kind === "trade") price = event.priceUnits;
    if (at % 10_000 === 5_000) placeAround(engine, clock, price, at);
    engine.event(event);
    engine.take();
  }
}

/** Twenty orders a side, a tick apart, in place of those before. */
function placeAround(engine: MatchingEngine, sentNs: bigint, price: number, at: number): void {
  engine.submit({ kind: "cancel-all", sentNs });
  for (let step = 1; step <= 20; step++) {
    for (const side of ["buy", "sell"] as const) {
      const id = `${side}-${at}-${step}`;
      const away = side === "buy" ? -step : step;
      engine.submit({ kind: "place", sentNs, order: { id, side, type: "LIMIT", price: price + away, amount: 5 } });
    }
  }
}

/** Milliseconds of CPU time of this process. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
