import { commonEnv, integer, millis, readConfig, simulationWarmUp } from "@tapedeck/runtime";
import { z } from "zod";

const env = z.object({
  ...commonEnv,
  /** Maximum number of sessions that this ticker plays; further sessions wait in the queues for another ticker. */
  TICKER_SESSIONS: integer("sessions", { min: 1, max: 100_000 }).default(5000),
  /** A session without subscribers on its channel is parked after this time. A reload of the only tab must not park it. */
  PARK_AFTER_MS: millis.default(30_000),
  /** At shutdown: time for all steps together. Keep it below the pod's grace period. */
  SHUTDOWN_MS: millis.default(10_000),
  SIMULATION_WARM_UP: simulationWarmUp,
});

export type TickerConfig = Readonly<z.infer<typeof env>>;

export function readTickerConfig(from?: NodeJS.ProcessEnv): TickerConfig {
  return readConfig("ticker", env, from);
}
