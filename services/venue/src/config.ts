import { accessEnv } from "@tapedeck/access";
import { commonEnv, integer, millis, readConfig, simulationWarmUp, statusPort } from "@tapedeck/runtime";
import { z } from "zod";

const shape = z.object({
  ...commonEnv,
  ...accessEnv,
  /** Open sockets per session on this node. */
  MAX_SOCKETS_PER_SESSION: integer("", { min: 1 }).default(1_000),
  /** Weight of the requests that one client address may send in a minute, as Binance counts it. */
  REQUEST_WEIGHT: integer("", { min: 1 }).default(6_000),
  /** Bytes that may wait for a slow client; above this its socket is closed, since no update is left out. */
  SLOW_BYTES: integer("bytes", { min: 65_536, max: 67_108_864 }).default(4_194_304),
  /** If set, metrics are served only on this port. */
  STATUS_PORT: statusPort,
  /** At shutdown: time for load balancers to notice that this node is unready. */
  UNREADY_MS: millis.default(5_000),
  /** At shutdown: time in which all sockets are closed; a hundred a second if that takes less. Keep it and UNREADY_MS together below the pod's grace period. */
  DRAIN_MS: millis.default(10_000),
  SIMULATION_WARM_UP: simulationWarmUp,
});

export type VenueConfig = Readonly<z.infer<typeof shape>>;

/** The only reader of this service's environment. @throws ConfigError that lists all problems */
export function readVenueConfig(env?: NodeJS.ProcessEnv): VenueConfig {
  return readConfig("venue", shape, env);
}
