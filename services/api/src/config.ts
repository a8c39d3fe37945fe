import { accessEnv } from "@tapedeck/access";
import {
  commaList,
  commonEnv,
  integer,
  millis,
  onOff,
  readConfig,
  simulationWarmUp,
  statusPort,
} from "@tapedeck/runtime";
import { z } from "zod";

const dashboardApis = commaList
  .refine((apis) => apis.every((api) => /^(loopback|https?:\/\/[a-z0-9.-]+(:\d+)?)$/i.test(api)), {
    error: "is not a list of origins such as https://tapedeck.example.com, or loopback",
  })
  .default([]);

const env = z.object({
  ...commonEnv,
  ...accessEnv,
  /**
   * Clusters elsewhere that the dashboard of this one may be used with (`?api=`), such as https://tapedeck.example.com, and `loopback` for
   * those of this machine. Empty: on the loopback address `loopback`, elsewhere none.
   */
  DASHBOARD_APIS: dashboardApis,
  /**
   * Lets `POST /mode` without an id act on the session that the same legacy page has commanded, or on the only one it watches. For pages on
   * another origin than the cluster's, to which no cookie comes; a guess, so off unless asked for.
   */
  LEGACY_MODE_GUESS: onOff.default(false),
  SIMULATION_WARM_UP: simulationWarmUp,
  /** Bytes of a request's body. The largest body that means anything is a few hundred. */
  BODY_BYTES: integer("bytes", { min: 1024, max: 1_048_576 }).default(65_536),
  STATUS_PORT: statusPort,
  /** Time for the load balancer to notice that this node is unready. */
  UNREADY_MS: millis.default(0),
  /** Time for everything at the end; keep it under the pod's grace period. */
  SHUTDOWN_MS: millis.default(10_000),
});
export type Config = Readonly<z.infer<typeof env>>;

/** The only reader of this service's environment. */
export function readApiConfig(from?: NodeJS.ProcessEnv): Config {
  return readConfig("api", env, from);
}
