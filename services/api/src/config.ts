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
   * Other clusters that this cluster's dashboard may connect to (`?api=`), such as https://tapedeck.example.com, and `loopback` for those of
   * this machine. If empty: on the loopback address `loopback`, otherwise none.
   */
  DASHBOARD_APIS: dashboardApis,
  /**
   * Lets `POST /mode` without an id apply to the session that the same legacy page has commanded, or to the only one that it watches. For
   * pages of another origin, which get no cookie. It is a guess, so it is off by default.
   */
  LEGACY_MODE_GUESS: onOff.default(false),
  SIMULATION_WARM_UP: simulationWarmUp,
  /** Disk for files that are made of tapes on request (`frames.parquet`, ...), in the system's folder for temporary files. */
  FILES_MB: integer("megabytes", { min: 16, max: 1_048_576 }).default(1_024),
  /** Maximum size of a request body. Valid bodies have at most a few hundred bytes. */
  BODY_BYTES: integer("bytes", { min: 1024, max: 1_048_576 }).default(65_536),
  STATUS_PORT: statusPort,
  /** At shutdown: time for load balancers to notice that this node is unready. */
  UNREADY_MS: millis.default(0),
  /** At shutdown: time for all steps together. Keep it below the pod's grace period. */
  SHUTDOWN_MS: millis.default(10_000),
});
export type Config = Readonly<z.infer<typeof env>>;

/** The only reader of this service's environment. */
export function readApiConfig(from?: NodeJS.ProcessEnv): Config {
  return readConfig("api", env, from);
}
