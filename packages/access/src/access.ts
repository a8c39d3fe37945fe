import type { Logger, RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import { type Audit, createAudit } from "./audit.js";
import { Authenticator } from "./authenticator.js";
import { type AccessConfig, checkExposure } from "./config.js";
import { type Quotas, quotasOf } from "./quotas.js";
import { RateLimiter } from "./rate-limiter.js";
import { ShareLinks } from "./share-links.js";

/** All that a service needs to know who asks and how often, and to keep a record of it. */
export interface Access {
  readonly users: Authenticator;
  /** Absent where there is no secret for them. */
  readonly shares: ShareLinks | undefined;
  readonly rateLimiter: RateLimiter;
  readonly audit: Audit;
  /** How much one user, or one address, may have. */
  readonly quotas: Quotas;
}

/** @throws ConfigError where strangers would be let in by oversight */
export function createAccess(
  service: string,
  config: AccessConfig & { readonly HOST: string; readonly TAPEDECK_PREFIX: string },
  { redis, keys, log }: { readonly redis: RedisConnection; readonly keys: Keys; readonly log: Logger },
): Access {
  checkExposure(service, config);
  const { SHARE_SECRET: secret } = config;
  const shares = secret === undefined ? undefined : new ShareLinks(redis, keys, secret);
  const bounds = quotasOf(config);
  return {
    users: new Authenticator(config, shares),
    shares,
    audit: createAudit({ log, redis, keys, entries: config.AUDIT_STREAM }),
    rateLimiter: new RateLimiter(redis, config.TAPEDECK_PREFIX, bounds.rates),
    quotas: bounds,
  };
}
