import { ConfigError, integer, isLoopback } from "@tapedeck/runtime";
import { z } from "zod";
import { role } from "./principal.js";

/** Confirms that a service which others can reach runs without authentication. */
export const openAccessPhrase = "anyone-may-use-this-cluster";
/** The same for files such as docker-compose.yml: setting a token key in the environment switches authentication on. */
const openUnlessKeyPhrase = `${openAccessPhrase}-unless-a-key-is-set`;

/** Confirms that tokens which the login issued for other services are accepted. */
const anyAudiencePhrase = "tokens-for-other-services-are-accepted";

/** How often something may happen, as COUNT/SECONDS. */
export const rateLimit = z
  .string()
  .regex(/^[1-9]\d{0,6}\/[1-9]\d{0,4}$/, "must be a count and seconds such as 100/10")
  .transform((text) => {
    const [points = 0, seconds = 0] = text.split("/").map(Number);
    return { points, seconds };
  });
export type RateLimit = z.infer<typeof rateLimit>;

/** Settings of authentication and limits; spread them into a service's own `z.object`. */
export const accessEnv = {
  /** Secret of HS256 tokens, at least 32 bytes. */
  AUTH_JWT_SECRET: z.string().min(32, "must have at least 32 characters").optional(),
  /** Where to fetch the public keys of RS256, PS256, ES256 or EdDSA tokens. */
  AUTH_JWKS_URL: z
    .url({ protocol: /^https?$/, error: "must be an address such as https://login.example.com/keys" })
    .refine((address) => address.startsWith("https:") || isLoopback(new URL(address).hostname), {
      error: "must be https; http is accepted on the loopback address only",
    })
    .optional(),
  /** Seconds until the keys are fetched again, so that a withdrawn key stops working. */
  AUTH_JWKS_MAX_AGE_S: integer("seconds", { min: 1, max: 86_400 }).default(300),
  /** The required `iss` of tokens; unset accepts any. */
  AUTH_ISSUER: z.string().min(1, "must not be empty").optional(),
  /** The required `aud` of tokens. A login also signs tokens for other services with the keys of AUTH_JWKS_URL. */
  AUTH_AUDIENCE: z.string().min(1, "must not be empty").optional(),
  /** `tokens-for-other-services-are-accepted` allows AUTH_JWKS_URL without AUTH_AUDIENCE. */
  WITHOUT_AUDIENCE: z.literal(anyAudiencePhrase, { error: `must be ${anyAudiencePhrase}` }).optional(),
  /** The claim that contains the role, and the role of tokens without it. */
  AUTH_ROLE_CLAIM: z.string().default("role"),
  AUTH_DEFAULT_ROLE: role.default("viewer"),
  /** Secret of share links, at least 32 bytes; without it there are no share links. */
  SHARE_SECRET: z.string().min(32, "must have at least 32 characters").optional(),
  /** `anyone-may-use-this-cluster` allows serving other machines without authentication. */
  WITHOUT_AUTHENTICATION: z
    .enum([openAccessPhrase, openUnlessKeyPhrase], {
      error: `must be ${openAccessPhrase} or ${openUnlessKeyPhrase}`,
    })
    .optional(),
  /** Approximate number of audit trail entries that a stream in Redis keeps as well; 0 writes only the log. */
  AUDIT_STREAM: integer("entries", { max: 10_000_000 }).default(0),
  /** Limits for each user, or else each client address, as COUNT/SECONDS. Unset: see `defaultQuotas`. */
  LIMIT_COMMANDS: rateLimit.optional(),
  LIMIT_CREATIONS: rateLimit.optional(),
  LIMIT_CONNECTIONS: rateLimit.optional(),
  /** HTTP requests that change nothing, except health checks, pages and the API description. */
  LIMIT_READS: rateLimit.optional(),
  /** Unwatched live instruments that the sessions of one user, or else of one address, may start. */
  LIMIT_INSTRUMENTS: rateLimit.optional(),
  /** Sessions in the cluster, of one user, and created from one client address; 0 means unlimited. */
  MAX_SESSIONS: integer("sessions").optional(),
  MAX_SESSIONS_PER_USER: integer("sessions").optional(),
  MAX_SESSIONS_PER_ADDRESS: integer("sessions").optional(),
  /** Open sockets on one gateway, of one user and from one address; 0 means unlimited. Behind proxies set TRUSTED_PROXIES, or all clients share an address. */
  MAX_SOCKETS_PER_USER: integer("sockets").optional(),
  MAX_SOCKETS_PER_ADDRESS: integer("sockets").optional(),
  /** Live instruments that the sessions of one user, or else of one address, may watch at a time; 0 means unlimited. */
  MAX_INSTRUMENTS_PER_USER: integer("instruments").optional(),
  /** Orders, cancellations and replacements that a session may send; 0 means unlimited. */
  MAX_ACTIONS_PER_SESSION: integer("actions").optional(),
} as const;

const shape = z.object(accessEnv);
export type AccessConfig = z.output<typeof shape>;

/**
 * Refuses a configuration that would admit strangers by mistake: a service that others can reach needs authentication or the confirming
 * phrase.
 *
 * @throws ConfigError
 */
export function checkExposure(service: string, config: AccessConfig & { readonly HOST: string }): void {
  const { AUTH_JWT_SECRET, AUTH_JWKS_URL, AUTH_AUDIENCE, WITHOUT_AUDIENCE, WITHOUT_AUTHENTICATION, HOST } = config;
  const problem = (text: string) => new ConfigError(`${service} cannot start: ${text}`);
  if (AUTH_JWT_SECRET !== undefined && AUTH_JWKS_URL !== undefined) {
    throw problem("AUTH_JWT_SECRET and AUTH_JWKS_URL are both set; set only one of them");
  }
  if (AUTH_JWKS_URL !== undefined && AUTH_AUDIENCE === undefined && WITHOUT_AUDIENCE === undefined) {
    throw problem(
      "AUTH_JWKS_URL is set without AUTH_AUDIENCE, so tokens that the login issued for other services would be accepted. " +
        `Set AUTH_AUDIENCE, or WITHOUT_AUDIENCE=${anyAudiencePhrase} if this is intended`,
    );
  }
  const authenticates = AUTH_JWT_SECRET !== undefined || AUTH_JWKS_URL !== undefined;
  if (authenticates && WITHOUT_AUTHENTICATION === openAccessPhrase) {
    throw problem("WITHOUT_AUTHENTICATION and a token key are both set; unset one of them");
  }
  if (authenticates || WITHOUT_AUTHENTICATION !== undefined || isLoopback(HOST)) return;
  throw problem(
    `HOST is ${HOST}, which others can reach, and authentication is off. Set AUTH_JWT_SECRET or AUTH_JWKS_URL, ` +
      `or WITHOUT_AUTHENTICATION=${openAccessPhrase} if this is intended`,
  );
}
