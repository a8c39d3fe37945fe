import type { Random } from "../run/random.js";
import type { SessionPlan } from "./bot-session.js";

const owners = ["leaves it alone", "rewinds", "leaves it alone", "pauses", "rewinds"] as const;

/**
 * Sessions of all kinds, one after the other: of ten seven recorded, two simulated and one live; half with spot and half with futures accounts; every other
 * one with a program that uses the SDK, too, and every other simulated market reacts to orders.
 *
 * @param market of the stand-in exchange
 */
export function planOf(nth: number, random: Random, market: string): SessionPlan {
  const recorded = { tape: random.pick(["primary", "slow", "slow"]), speed: random.pick([0.5, 1, 1, 2]) };
  const simulated = { mode: "SIMULATION", seed: random.pick([1, 2, 3]), speed: 1 };
  const live = { mode: "LIVE", source: "BITMEX", symbol: market };
  const tenth = nth % 10;
  const [kind, body] =
    tenth === 3
      ? (["live", live] as const)
      : tenth === 1 || tenth === 6
        ? (["simulated", simulated] as const)
        : (["recorded", recorded] as const);
  const account = random.chance(0.5) ? "spot" : "usdm";
  // A market that is live cannot be rewound without leaving it.
  const owner = kind === "live" ? "leaves it alone" : (owners[nth % owners.length] ?? "pauses");
  const reacts = kind === "simulated" && random.chance(0.5);
  const name = `${kind}${reacts ? ", reacting," : ""} ${account}, owner ${owner}`;
  return { name, body, market: account, withSdk: random.chance(0.5), reacts, owner };
}
