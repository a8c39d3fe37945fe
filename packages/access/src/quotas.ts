import { isLoopback } from "@tapedeck/runtime";
import type { AccessConfig, RateLimit } from "./config.js";
import type { RateLimits } from "./rate-limiter.js";

/** What one user, or one address, may have of the cluster; absent: any number. */
export interface Quotas {
  readonly sessions?: number | undefined;
  readonly sessionsPerUser?: number | undefined;
  readonly sessionsPerAddress?: number | undefined;
  readonly socketsPerUser?: number | undefined;
  readonly socketsPerAddress?: number | undefined;
  readonly instrumentsPerUser?: number | undefined;
  readonly instrumentStarts?: RateLimit | undefined;
  readonly rates: RateLimits;
}

/**
 * What holds where others can reach the service and nothing else is set. Many people may sit behind one address, and a page reads
 * some times a second: these keep one user from taking everything, and keep nobody from working.
 */
export const defaultQuotas = {
  sessionsPerUser: 200,
  sessionsPerAddress: 1_000,
  socketsPerUser: 200,
  socketsPerAddress: 2_000,
  instrumentsPerUser: 20,
  instrumentStarts: { points: 30, seconds: 60 },
  rates: { creations: { points: 600, seconds: 60 }, reads: { points: 1_000, seconds: 10 } },
} as const satisfies Quotas;

/** On an address that only this machine reaches. */
const loopbackQuotas: Quotas = { socketsPerAddress: 10_000, rates: {} };

/** What is set, and for the rest what is usual. */
export function quotasOf(config: AccessConfig & { readonly HOST: string }): Quotas {
  const usual: Quotas = isLoopback(config.HOST) ? loopbackQuotas : defaultQuotas;
  return {
    sessions: unlessZero(config.MAX_SESSIONS ?? usual.sessions),
    sessionsPerUser: unlessZero(config.MAX_SESSIONS_PER_USER ?? usual.sessionsPerUser),
    sessionsPerAddress: unlessZero(config.MAX_SESSIONS_PER_ADDRESS ?? usual.sessionsPerAddress),
    socketsPerUser: unlessZero(config.MAX_SOCKETS_PER_USER ?? usual.socketsPerUser),
    socketsPerAddress: unlessZero(config.MAX_SOCKETS_PER_ADDRESS ?? usual.socketsPerAddress),
    instrumentsPerUser: unlessZero(config.MAX_INSTRUMENTS_PER_USER ?? usual.instrumentsPerUser),
    instrumentStarts: config.LIMIT_INSTRUMENTS ?? usual.instrumentStarts,
    rates: {
      commands: config.LIMIT_COMMANDS ?? usual.rates.commands,
      creations: config.LIMIT_CREATIONS ?? usual.rates.creations,
      connections: config.LIMIT_CONNECTIONS ?? usual.rates.connections,
      reads: config.LIMIT_READS ?? usual.rates.reads,
    },
  };
}

/** 0 is any number. */
function unlessZero(bound: number | undefined): number | undefined {
  return bound === 0 ? undefined : bound;
}
