import { accessEnv, rateLimit } from "@tapedeck/access";
import { commonEnv, integer, millis, onOff, readConfig, simulationWarmUp, statusPort } from "@tapedeck/runtime";
import { z } from "zod";

const shape = z.object({
  ...commonEnv,
  ...accessEnv,
  NODE_ENV: z.string().default("development"),
  /** Serve without a native uWebSockets.js in production too: several times the CPU for each frame. */
  ALLOW_SLOW_UWS: onOff.default(false),
  /** Load a uWebSockets.js whose binary is not the published one, such as one that was built here. */
  ALLOW_UNKNOWN_UWS: onOff.default(false),
  /** Open sockets of this node that may watch one session; `global` is for everybody and has no such limit. */
  MAX_SOCKETS_PER_SESSION: integer("", { min: 1 }).default(1_000),
  /** Messages that one socket may send, whatever is in them; one that sends more is closed with 4429. */
  LIMIT_SOCKET_MESSAGES: rateLimit.default({ points: 200, seconds: 2 }),
  /** The same for all sockets on this node of one user, or of one client address where users are not known. */
  LIMIT_MESSAGES: rateLimit.default({ points: 1_000, seconds: 1 }),
  /** Bytes kept back for a slow reader above which it only gets the newest frame when they drain. */
  SLOW_BYTES: integer("bytes", { min: 1_024, max: 4_194_304 }).default(65_536),
  /** How long that may last before the socket is closed with 4408. */
  SLOW_CLOSE_MS: millis.default(30_000),
  /** Without a sign of life, pongs included, a socket is closed. A ping goes out before that. */
  IDLE_TIMEOUT_S: integer("seconds", { min: 8, max: 960 }).default(120),
  /** Where it is set, metrics are answered there alone. */
  STATUS_PORT: statusPort,
  /** At a shutdown: time for load balancers to notice that this node is not ready any more. */
  UNREADY_MS: millis.default(5_000),
  /** At a shutdown: time over which sockets are sent elsewhere. Together with UNREADY_MS under the pod's grace period. */
  DRAIN_MS: millis.default(10_000),
  SIMULATION_WARM_UP: simulationWarmUp,
});

export type GatewayConfig = Readonly<z.infer<typeof shape>>;

/** The only reader of this service's environment. Throws `ConfigError` that lists all problems. */
export function readGatewayConfig(env?: NodeJS.ProcessEnv): GatewayConfig {
  return readConfig("gateway", shape, env);
}
