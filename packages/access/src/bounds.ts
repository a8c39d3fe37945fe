import { isLoopback } from "@tapedeck/runtime";
import type { AccessConfig, Limit } from "./config.js";
import type { Rates } from "./rate-limits.js";

/** What one user, or one address, may have of the cluster; absent: any number. */
export interface Bounds {
  readonly sessions?: number | undefined;
  readonly sessionsPerUser?: number | undefined;
  readonly sessionsPerAddress?: number | undefined;
  readonly socketsPerUser?: number | undefined;
  readonly socketsPerAddress?: number | undefined;
  readonly instrumentsPerUser?: number | undefined;
  readonly instrumentsBegun?: Limit | undefined;
  readonly rates: Rates;
}

/**
 * What holds where others can reach the service and nothing else is set. Many people may sit behind one address, and a page reads
 * some times a second: these keep one user from taking everything, and keep nobody from working.
 */
export const usualBounds = {
  sessionsPerUser: 200,
  sessionsPerAddress: 1_000,
  socketsPerUser: 200,
  socketsPerAddress: 2_000,
  instrumentsPerUser: 20,
  instrumentsBegun: { points: 30, seconds: 60 },
  rates: { creations: { points: 600, seconds: 60 }, reads: { points: 1_000, seconds: 10 } },
} as const satisfies Bounds;

/** On an address that only this machine reaches. */
const ownBounds: Bounds = { socketsPerAddress: 10_000, rates: {} };

/** What is set, and for the rest what is usual. */
export function boundsOf(config: AccessConfig & { readonly HOST: string }): Bounds {
  const usual: Bounds = isLoopback(config.HOST) ? ownBounds : usualBounds;
  return {
    sessions: most(config.MAX_SESSIONS ?? usual.sessions),
    sessionsPerUser: most(config.MAX_SESSIONS_PER_USER ?? usual.sessionsPerUser),
    sessionsPerAddress: most(config.MAX_SESSIONS_PER_ADDRESS ?? usual.sessionsPerAddress),
    socketsPerUser: most(config.MAX_SOCKETS_PER_USER ?? usual.socketsPerUser),
    socketsPerAddress: most(config.MAX_SOCKETS_PER_ADDRESS ?? usual.socketsPerAddress),
    instrumentsPerUser: most(config.MAX_INSTRUMENTS_PER_USER ?? usual.instrumentsPerUser),
    instrumentsBegun: config.LIMIT_INSTRUMENTS ?? usual.instrumentsBegun,
    rates: {
      commands: config.LIMIT_COMMANDS ?? usual.rates.commands,
      creations: config.LIMIT_CREATIONS ?? usual.rates.creations,
      connections: config.LIMIT_CONNECTIONS ?? usual.rates.connections,
      reads: config.LIMIT_READS ?? usual.rates.reads,
    },
  };
}

/** 0 is any number. */
function most(bound: number | undefined): number | undefined {
  return bound === 0 ? undefined : bound;
}
