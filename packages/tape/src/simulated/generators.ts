import {
  analyticsVersion,
  type FrameAnalytics,
  MarketAnalytics,
  previousAnalyticsVersion,
  SimulatedMarket,
} from "@tapedeck/market";
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
const generators: ReadonlyMap<string, Generator> = new Map(
  ([previousAnalyticsVersion, analyticsVersion] as const).map((version): [string, Generator] => [
    key({ generator: currentGenerator, version }),
    {
      market: (name) => new SimulatedMarket(name),
      analytics: () => new MarketAnalytics({ version }),
    },
  ]),
);

export function generatorOf(name: SimulatedName): Generator | undefined {
  return generators.get(key(name));
}

function key({ generator, version }: Pick<SimulatedName, "generator" | "version">): string {
  return `${generator}@${version}`;
}
