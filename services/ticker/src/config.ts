import { commonEnv, integer, millis, readConfig, simulationWarmUp } from "@tapedeck/runtime";
import { z } from "zod";

const env = z.object({
  ...commonEnv,
  /** Sessions this ticker renders at most; more wait in the queues for another one. */
  TICKER_SESSIONS: integer("sessions", { min: 1, max: 100_000 }).default(5000),
  /** Silence on a session's channel after which it is parked. A reload of the only tab must not park it. */
  PARK_AFTER_MS: millis.default(30_000),
  /** Time for giving the leases back at the end. Keep it under the pod's grace period. */
  SHUTDOWN_MS: millis.default(10_000),
  SIMULATION_WARM_UP: simulationWarmUp,
});

export type TickerConfig = Readonly<z.infer<typeof env>>;

export function readTickerConfig(from?: NodeJS.ProcessEnv): TickerConfig {
  return readConfig("ticker", env, from);
}
