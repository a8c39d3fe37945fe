import { RandomStream } from "@tapedeck/market";
import type { Latency } from "./settings.js";

/**
 * Nanoseconds that message `index` travels. A function of the seed, its direction and its number alone, so it does not matter which
 * messages were drawn before.
 */
export function latencyNs(latency: Latency, seed: string, direction: "entry" | "response", index: number): bigint {
  if (latency.kind === "constant") return BigInt(latency.ns);
  const drawn = new RandomStream(seed, direction, index).logNormal(latency.medianNs, latency.sigma);
  return BigInt(Math.round(Math.min(Math.max(drawn, latency.minNs), latency.maxNs)));
}
