import type { PlannedIncident } from "./scenario/schedule.js";
import { SimulatedMarket } from "./simulated-market.js";

/**
 * The demo's incidents by minute: each kind once within seven minutes, with calm between them. The first minute gives detectors data.
 * Incidents that move the price have a minute of their own, since they last until its end. Afterwards the scenario `mixed` continues
 * with one incident in two minutes.
 */
const plan: readonly PlannedIncident[] = [
  { segment: 1, fromMs: 8_000, kind: "spoofing", severity: "high" },
  { segment: 1, fromMs: 36_000, kind: "liquidity_gap", severity: "high" },
  { segment: 2, fromMs: 10_000, kind: "news", severity: "high" },
  { segment: 2, fromMs: 40_000, kind: "quote_stuffing", severity: "medium" },
  { segment: 3, fromMs: 8_000, kind: "layering", severity: "medium" },
  { segment: 3, fromMs: 38_000, kind: "wash_trading", severity: "medium" },
  { segment: 4, fromMs: 8_000, kind: "iceberg", severity: "medium" },
  { segment: 4, fromMs: 34_000, kind: "fast_cancels", severity: "medium" },
  { segment: 5, fromMs: 10_000, kind: "momentum_ignition", severity: "medium" },
  { segment: 6, fromMs: 12_000, kind: "flash_crash", severity: "medium" },
  { segment: 7, fromMs: 8_000, kind: "large_order", severity: "medium" },
];

interface DemoMarketOptions {
  readonly symbol: string;
  /** The same seed gives the same market. */
  readonly seed: number;
}

/** The market of the demo tape, which an empty store gets: every kind of incident happens within its first minutes. */
export function demoMarket({ symbol, seed }: DemoMarketOptions): SimulatedMarket {
  return new SimulatedMarket({ symbol, seed, scenario: "mixed", plan });
}
