import { type AccessConfig, isLoopback, type Limit } from "./config.js";
import type { Bounded } from "./rate-limits.js";

/** What one user, or one address, may have of the cluster; absent: any number. */
export interface Bounds {
  readonly sessions?: number;
  readonly sessionsPerUser?: number;
  readonly sessionsPerAddress?: number;
  readonly socketsPerUser?: number;
  readonly socketsPerAddress?: number;
  readonly instrumentsPerUser?: number;
  readonly rates: Readonly<Partial<Record<Bounded, Limit>>>;
}

/**
 * What holds where others can reach the service and nothing else is set. Many people may sit behind one address, and a page reads
 * some times a second: these are to keep one from taking all, and nobody from working.
 */
export const usualBounds = {
  sessionsPerUser: 200,
  sessionsPerAddress: 1_000,
  socketsPerUser: 200,
  socketsPerAddress: 2_000,
  instrumentsPerUser: 20,
  rates: { creations: { points: 600, seconds: 60 }, reads: { points: 1_000, seconds: 10 } },
} as const satisfies Bounds;

/** On an address that only this machine reaches. */
const ownBounds: Bounds = { socketsPerAddress: 10_000, rates: {} };

/** What is set, and for the rest what is usual. */
export function boundsOf(config: AccessConfig & { readonly HOST: string }): Bounds {
  const usual: Bounds = isLoopback(config.HOST) ? ownBounds : usualBounds;
  const rates = {
    commands: config.LIMIT_COMMANDS,
    creations: config.LIMIT_CREATIONS,
    connections: config.LIMIT_CONNECTIONS,
    reads: config.LIMIT_READS,
  };
  return {
    ...given("sessions", config.MAX_SESSIONS ?? usual.sessions),
    ...given("sessionsPerUser", config.MAX_SESSIONS_PER_USER ?? usual.sessionsPerUser),
    ...given("sessionsPerAddress", config.MAX_SESSIONS_PER_ADDRESS ?? usual.sessionsPerAddress),
    ...given("socketsPerUser", config.MAX_SOCKETS_PER_USER ?? usual.socketsPerUser),
    ...given("socketsPerAddress", config.MAX_SOCKETS_PER_ADDRESS ?? usual.socketsPerAddress),
    ...given("instrumentsPerUser", config.MAX_INSTRUMENTS_PER_USER ?? usual.instrumentsPerUser),
    rates: { ...usual.rates, ...Object.fromEntries(Object.entries(rates).filter(([, limit]) => limit !== undefined)) },
  };
}

function given<Name extends string>(name: Name, most: number | undefined): Partial<Record<Name, number>> {
  const bound: Partial<Record<Name, number>> = {};
  if (most !== undefined && most > 0) bound[name] = most;
  return bound;
}
