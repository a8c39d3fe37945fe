import { analyticsVersion, type FrameAnalytics, MarketAnalytics, SimulatedMarket } from "@tapedeck/market";
import { currentGenerator, type SimulatedName } from "./simulated-name.js";

/** Makes the market of a simulated tape, and what is said of it in its frames. */
export interface Generator {
  market(name: SimulatedName): SimulatedMarket;
  analytics(): FrameAnalytics;
}

/**
 * What this release can make, by generator and version of the analytics. A change of either that changes a single byte is a new
 * entry, and the one before it stays for a release, so that sessions on its tapes play on.
 */
const generators: ReadonlyMap<string, Generator> = new Map([
  [
    key({ generator: 1, version: 1 }),
    {
      market: (name) => new SimulatedMarket({ ...name, generator: 1 }),
      analytics: () => new MarketAnalytics({ version: 1 }),
    },
  ],
  [
    key({ generator: currentGenerator, version: analyticsVersion }),
    {
      market: (name) => new SimulatedMarket({ ...name, generator: currentGenerator }),
      analytics: () => new MarketAnalytics(),
    },
  ],
]);

export function generatorOf(name: SimulatedName): Generator | undefined {
  return generators.get(key(name));
}

function key({ generator, version }: Pick<SimulatedName, "generator" | "version">): string {
  return `${generator}@${version}`;
}
