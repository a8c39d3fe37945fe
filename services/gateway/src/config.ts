import { accessEnv, rateLimit } from "@tapedeck/access";
import { commonEnv, integer, millis, onOff, readConfig, simulationWarmUp, statusPort } from "@tapedeck/runtime";
import { z } from "zod";

const shape = z.object({
  ...commonEnv,
  ...accessEnv,
  NODE_ENV: z.string().default("development"),
  /** Serve without a native uWebSockets.js even in production, at several times the CPU per frame. */
  ALLOW_SLOW_UWS: onOff.default(false),
  /** Load a uWebSockets.js whose binary is not the published one, for example one that you built. */
  ALLOW_UNKNOWN_UWS: onOff.default(false),
  /** Open sockets per session on this node. The session `global` is shared by all users and has no such limit. */
  MAX_SOCKETS_PER_SESSION: integer("", { min: 1 }).default(1_000),
  /** Messages that one socket may send, valid or not; a socket that exceeds this is closed with 4429. */
  LIMIT_SOCKET_MESSAGES: rateLimit.default({ points: 200, seconds: 2 }),
  /** The same for all sockets of one user on this node, or of one client address if authentication is off. */
  LIMIT_MESSAGES: rateLimit.default({ points: 1_000, seconds: 1 }),
  /** Bytes that may wait for a slow client; above this it only gets the newest frame once they have drained. */
  SLOW_BYTES: integer("bytes", { min: 1_024, max: 4_194_304 }).default(65_536),
  /** How long this may last before the socket is closed with 4408. */
  SLOW_CLOSE_MS: millis.default(30_000),
  /** In lossless pace: a socket that has frames and acknowledges none for this long is closed with 4408, and holds nobody back any more. */
  READER_STALL_MS: millis.default(60_000),
  /** A socket that sends nothing for this long, not even a pong, is closed. A ping is sent before that. */
  IDLE_TIMEOUT_S: integer("seconds", { min: 8, max: 960 }).default(120),
  /** If set, metrics are served only on this port. */
  STATUS_PORT: statusPort,
  /** At shutdown: time for load balancers to notice that this node is unready. */
  UNREADY_MS: millis.default(5_000),
  /** At shutdown: time in which all viewers are moved to other gateways; a hundred a second if that takes less. Keep it and UNREADY_MS together below the pod's grace period. */
  DRAIN_MS: millis.default(10_000),
  SIMULATION_WARM_UP: simulationWarmUp,
});

export type GatewayConfig = Readonly<z.infer<typeof shape>>;

/** The only reader of this service's environment. @throws ConfigError that lists all problems */
export function readGatewayConfig(env?: NodeJS.ProcessEnv): GatewayConfig {
  return readConfig("gateway", shape, env);
}
