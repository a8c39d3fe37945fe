import { analyticsVersion } from "@tapedeck/market";
import { generateSegment } from "./generate-segment.js";
import { currentGenerator, type SimulatedName } from "./simulated-name.js";

const market: SimulatedName = {
  generator: currentGenerator,
  symbol: "BTCUSDT",
  seed: "0",
  scenario: "mixed",
  version: analyticsVersion,
};
/** Minutes of which only the beginning is made. Something is staged in every odd one, another incident in each of these. */
const beginnings = 6;
const blocksOfBeginning = 4;

const forgotten = () => undefined;

/**
 * Has the code that makes segments compiled in this thread. What is compiled for one kind of incident is thrown away and made anew
 * when another kind comes, so a little of several prepares better than as much of one, and for less: docs/decisions/0026.
 */
export function warmUpGenerator(): void {
  for (let n = 1; n <= beginnings; n++) {
    generateSegment(market, 2 * n - 1, forgotten, { only: blocksOfBeginning });
    // A whole minute in their midst, so that not all that it compiles is still under way at the end.
    if (n === beginnings / 2) generateSegment(market, 2, forgotten);
  }
}
