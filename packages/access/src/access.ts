import { isLoopback, type Logger, type Metrics, type RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import { type Audit, createAudit } from "./audit.js";
import { Authenticator } from "./authenticator.js";
import { type AccessConfig, checkExposure } from "./config.js";
import { type Quotas, quotasOf } from "./quotas.js";
import { RateLimiter } from "./rate-limiter.js";
import { ShareLinks } from "./share-links.js";
import { VenueKeys } from "./venue-keys.js";

/** What a service needs to authenticate clients, limit them and record their actions. */
export interface Access {
  readonly users: Authenticator;
  /** Absent without SHARE_SECRET. */
  readonly shares: ShareLinks | undefined;
  readonly venueKeys: VenueKeys;
  readonly rateLimiter: RateLimiter;
  readonly audit: Audit;
  /** How much one user, or one address, may use. */
  readonly quotas: Quotas;
  /** Others than users of this machine may reach the service, and authentication is off. */
  readonly openToStrangers: boolean;
}

/** @throws ConfigError if the configuration would admit strangers by mistake */
export function createAccess(
  service: string,
  config: AccessConfig & { readonly HOST: string; readonly TAPEDECK_PREFIX: string },
  { redis, keys, log }: { readonly redis: RedisConnection; readonly keys: Keys; readonly log: Logger },
): Access {
  checkExposure(service, config);
  const { SHARE_SECRET: secret } = config;
  const shares = secret === undefined ? undefined : new ShareLinks(redis, keys, secret);
  const bounds = quotasOf(config);
  const users = new Authenticator(config, shares);
  const reachable = !isLoopback(config.HOST) || config.WITHOUT_AUTHENTICATION !== undefined;
  return {
    users,
    shares,
    venueKeys: new VenueKeys(redis, keys),
    audit: createAudit({ log, redis, keys, entries: config.AUDIT_STREAM }),
    rateLimiter: new RateLimiter(redis, keys, bounds.rates),
    quotas: bounds,
    openToStrangers: reachable && !users.required,
  };
}

/** Counts what this node refused, by kind. */
export function observeAccess(metrics: Metrics, { users, rateLimiter }: Access): void {
  metrics.observeCounter({
    name: "tapedeck_limit_refusals_total",
    help: "Commands, new sessions, connections and reads refused by a rate limit",
    labels: ["limit"],
    read: () => Object.entries(rateLimiter.refused).map(([limit, count]) => [{ limit }, count] as const),
  });
  metrics.observeCounter({
    name: "tapedeck_token_refusals_total",
    help: "Refused tokens, of users and of share links",
    labels: ["kind"],
    read: () => Object.entries(users.refused).map(([kind, count]) => [{ kind }, count] as const),
  });
}
