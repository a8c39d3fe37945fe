import { accessEnv } from "@tapedeck/access";
import { commaList, commonEnv, integer, millis, readConfig, simulationWarmUp, statusPort } from "@tapedeck/runtime";
import { z } from "zod";

/** A port of its own for a session's venue. */
export interface SessionPort {
  readonly port: number;
  readonly exchange: "binance" | "binance-usdm";
  readonly session: string;
}

const sessionPort = /^(\d{1,5})=(?:(binance|binance-usdm)\/)?([A-Za-z0-9_][A-Za-z0-9_.:~-]{0,199})$/;

function parsePort(entry: string): SessionPort | undefined {
  const [, digits = "", exchange, session = ""] = sessionPort.exec(entry) ?? [];
  const port = Number(digits);
  if (session === "" || port > 65_535) return undefined;
  return { port, exchange: exchange === "binance-usdm" ? exchange : "binance", session };
}

const shape = z.object({
  ...commonEnv,
  ...accessEnv,
  /** Open sockets per session on this node. */
  MAX_SOCKETS_PER_SESSION: integer("", { min: 1 }).default(1_000),
  /** Weight of the requests that one client address may send in a minute, as Binance counts it. */
  REQUEST_WEIGHT: integer("", { min: 1 }).default(6_000),
  /** Bytes that may wait for a slow client; above this its socket is closed, since no update is left out. */
  SLOW_BYTES: integer("bytes", { min: 65_536, max: 67_108_864 }).default(4_194_304),
  /** How often each socket is pinged; one that says nothing for three pings is closed. As often as at Binance. */
  PING_MS: integer("ms", { min: 100, max: 60_000 }).default(20_000),
  /**
   * For bots that take only a host: ports at which a session's venue is, without a path before Binance's own, such as
   * `9101=demo,9102=binance-usdm/demo`. One process can listen at a port.
   */
  SESSION_PORTS: commaList
    .refine((entries) => entries.every((entry) => parsePort(entry) !== undefined), {
      error: "is not a list of ports and sessions such as 9101=demo,9102=binance-usdm/demo",
    })
    .transform((entries) => entries.flatMap((entry) => parsePort(entry) ?? []))
    .default([]),
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
