import { liveSources, RefusedError, refuse } from "@tapedeck/protocol";
import type { DemandLimits, DemandOutcome } from "./feed-store.js";
import type { LiveInstrument } from "./live-tape-id.js";

/** The error for a refused request, as the user reads it; undefined for an accepted one. */
export function demandRefusal(
  outcome: DemandOutcome,
  { source, symbol }: LiveInstrument,
  { maxFeeds, newFeeds }: DemandLimits,
): RefusedError | undefined {
  if (outcome === "accepted") return undefined;
  if (outcome === "not listed") {
    const example = Object.entries(liveSources).find(([name]) => name === source)?.[1];
    const accepted = `the symbols that ${source} trades${example === undefined ? "" : `, such as ${example}`}`;
    return new RefusedError(
      refuse(
        "INVALID_VALUE",
        `symbol: ${source} does not list ${symbol}. Accepted are ${accepted}. Nothing was changed.`,
      ),
    );
  }
  if (outcome === "too many") {
    const limit = `your sessions watch ${maxFeeds} live instruments already, the limit for one user`;
    const message = `symbol: ${limit}. Use one of those, or leave one first. Nothing was changed.`;
    return new RefusedError(refuse("TOO_MANY_INSTRUMENTS", message), { retryAfter: 10 });
  }
  const retryAfter = Math.max(1, Math.ceil(outcome.waitMs / 1000));
  const limit = `at most ${newFeeds?.points} new live instruments in ${newFeeds?.seconds} s`;
  const message = `symbol: ${limit}. Use one that is watched already, or try again in ${retryAfter} s.`;
  return new RefusedError(refuse("TOO_MANY_REQUESTS", message), { retryAfter });
}
