import { between, type ScenarioParameters } from "../scenario-parameters.js";

/** Of generator 1, where they were others. */
export const previousParameters = {
  liquidity_gap: {
    low: { levels: between(2, 3), lastsMs: between(3_000, 5_000) },
    medium: { levels: between(4, 6), lastsMs: between(4_000, 7_000) },
    high: { levels: between(7, 9), lastsMs: between(5_000, 9_000) },
  },
} satisfies Partial<ScenarioParameters>;
