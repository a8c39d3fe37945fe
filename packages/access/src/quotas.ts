import { limits } from "@tapedeck/protocol";
import { isLoopback } from "@tapedeck/runtime";
import type { AccessConfig, RateLimit } from "./config.js";
import type { RateLimits } from "./rate-limiter.js";

/** How much one user, or one address, may use. Absent means unlimited. */
export interface Quotas {
  readonly sessions?: number | undefined;
  readonly sessionsPerUser?: number | undefined;
  readonly sessionsPerAddress?: number | undefined;
  readonly socketsPerUser?: number | undefined;
  readonly socketsPerAddress?: number | undefined;
  readonly instrumentsPerUser?: number | undefined;
  readonly instrumentStarts?: RateLimit | undefined;
  readonly actionsPerSession?: number | undefined;
  readonly rates: RateLimits;
}

/**
 * Apply to a service that others can reach, unless set otherwise. Many people may share an address, and a page reads several times a
 * second: these values keep one user from exhausting the cluster without hindering anyone's work.
 */
export const defaultQuotas = {
  sessionsPerUser: 200,
  sessionsPerAddress: 1_000,
  socketsPerUser: 200,
  socketsPerAddress: 2_000,
  instrumentsPerUser: 20,
  instrumentStarts: { points: 30, seconds: 60 },
  actionsPerSession: limits.actions,
  rates: { creations: { points: 600, seconds: 60 }, reads: { points: 1_000, seconds: 10 } },
} as const satisfies Quotas;

/** On an address that only this machine can reach. */
const loopbackQuotas: Quotas = { socketsPerAddress: 10_000, actionsPerSession: limits.actions, rates: {} };

/** The configured quotas, completed by the defaults for HOST. */
export function quotasOf(config: AccessConfig & { readonly HOST: string }): Quotas {
  const defaults: Quotas = isLoopback(config.HOST) ? loopbackQuotas : defaultQuotas;
  return {
    sessions: unlessZero(config.MAX_SESSIONS ?? defaults.sessions),
    sessionsPerUser: unlessZero(config.MAX_SESSIONS_PER_USER ?? defaults.sessionsPerUser),
    sessionsPerAddress: unlessZero(config.MAX_SESSIONS_PER_ADDRESS ?? defaults.sessionsPerAddress),
    socketsPerUser: unlessZero(config.MAX_SOCKETS_PER_USER ?? defaults.socketsPerUser),
    socketsPerAddress: unlessZero(config.MAX_SOCKETS_PER_ADDRESS ?? defaults.socketsPerAddress),
    instrumentsPerUser: unlessZero(config.MAX_INSTRUMENTS_PER_USER ?? defaults.instrumentsPerUser),
    actionsPerSession: unlessZero(config.MAX_ACTIONS_PER_SESSION ?? defaults.actionsPerSession),
    instrumentStarts: config.LIMIT_INSTRUMENTS ?? defaults.instrumentStarts,
    rates: {
      commands: config.LIMIT_COMMANDS ?? defaults.rates.commands,
      creations: config.LIMIT_CREATIONS ?? defaults.rates.creations,
      connections: config.LIMIT_CONNECTIONS ?? defaults.rates.connections,
      reads: config.LIMIT_READS ?? defaults.rates.reads,
    },
  };
}

/** 0 means unlimited. */
function unlessZero(quota: number | undefined): number | undefined {
  return quota === 0 ? undefined : quota;
}
