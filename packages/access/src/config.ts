import { ConfigError, integer, isLoopback } from "@tapedeck/runtime";
import { z } from "zod";
import { role } from "./principal.js";

/** What has to be written to run without authentication where others can reach it. */
export const openAccessPhrase = "anyone-may-use-this-cluster";
/** The same for files that others complete, such as docker-compose.yml: a key in their environment switches authentication on. */
const openUnlessKeyPhrase = `${openAccessPhrase}-unless-a-key-is-set`;

/** What has to be written to accept the tokens that a login made for other services. */
const anyAudiencePhrase = "tokens-for-other-services-are-accepted";

/** How often something may happen, as COUNT/SECONDS. */
export const rateLimit = z
  .string()
  .regex(/^[1-9]\d{0,6}\/[1-9]\d{0,4}$/, "is not a count and seconds such as 100/10")
  .transform((text) => {
    const [points = 0, seconds = 0] = text.split("/").map(Number);
    return { points, seconds };
  });
export type RateLimit = z.infer<typeof rateLimit>;

/** The environment by which users are known and bounded; spread it into a service's own `z.object`. */
export const accessEnv = {
  /** Secret of HS256 tokens, at least 32 bytes. */
  AUTH_JWT_SECRET: z.string().min(32, "is shorter than 32 characters").optional(),
  /** Where the public keys of RS256, PS256, ES256 or EdDSA tokens are. */
  AUTH_JWKS_URL: z
    .url({ protocol: /^https?$/, error: "is not an address" })
    .refine((address) => address.startsWith("https:") || isLoopback(new URL(address).hostname), {
      error: "is http, which is accepted on the loopback address only: use https",
    })
    .optional(),
  /** After so many seconds the keys are fetched again: a key that was withdrawn is good no longer. */
  AUTH_JWKS_MAX_AGE_S: integer("seconds", { min: 1, max: 86_400 }).default(300),
  /** What `iss` of tokens must be; unset: anything. */
  AUTH_ISSUER: z.string().min(1, "is empty").optional(),
  /** What `aud` of tokens must be. A login signs tokens for other services, too, with the keys of AUTH_JWKS_URL. */
  AUTH_AUDIENCE: z.string().min(1, "is empty").optional(),
  /** `tokens-for-other-services-are-accepted`: AUTH_JWKS_URL without AUTH_AUDIENCE. */
  WITHOUT_AUDIENCE: z.literal(anyAudiencePhrase, { error: `is not ${anyAudiencePhrase}` }).optional(),
  /** The claim that names the role, and the role of tokens without it. */
  AUTH_ROLE_CLAIM: z.string().default("role"),
  AUTH_DEFAULT_ROLE: role.default("viewer"),
  /** Secret of share links, at least 32 bytes; without it there are none. */
  SHARE_SECRET: z.string().min(32, "is shorter than 32 characters").optional(),
  /** `anyone-may-use-this-cluster`: serve others than this machine without authentication. */
  WITHOUT_AUTHENTICATION: z
    .enum([openAccessPhrase, openUnlessKeyPhrase], {
      error: `is neither ${openAccessPhrase} nor ${openUnlessKeyPhrase}`,
    })
    .optional(),
  /** Entries of the audit trail that a stream in Redis keeps as well, about; 0: none, the log alone has it. */
  AUDIT_STREAM: integer("entries", { max: 10_000_000 }).default(0),
  /** Most of each, by user or else by client address, as COUNT/SECONDS; unset: no limit, or where others can reach it `usualBounds`. */
  LIMIT_COMMANDS: rateLimit.optional(),
  LIMIT_CREATIONS: rateLimit.optional(),
  LIMIT_CONNECTIONS: rateLimit.optional(),
  /** Requests by HTTP that change nothing. Health, pages and the description of the api are not counted. */
  LIMIT_READS: rateLimit.optional(),
  /** Unwatched live instruments that the sessions of one user, or else of one address, may start. */
  LIMIT_INSTRUMENTS: rateLimit.optional(),
  /** Sessions in the cluster, of one user, and of those that one client address created; 0: any number. */
  MAX_SESSIONS: integer("sessions").optional(),
  MAX_SESSIONS_PER_USER: integer("sessions").optional(),
  MAX_SESSIONS_PER_ADDRESS: integer("sessions").optional(),
  /** Open sockets on one gateway of one user, and from one address; 0: any number. Behind proxies set TRUSTED_PROXIES, or all look like one. */
  MAX_SOCKETS_PER_USER: integer("sockets").optional(),
  MAX_SOCKETS_PER_ADDRESS: integer("sockets").optional(),
  /** Live instruments that the sessions of one user, or else of one address, may watch at a time; 0: any number. */
  MAX_INSTRUMENTS_PER_USER: integer("instruments").optional(),
} as const;

const shape = z.object(accessEnv);
export type AccessConfig = z.output<typeof shape>;

/**
 * Refuses what would let strangers in by oversight: a service that others can reach needs authentication, or the plain words.
 *
 * @throws ConfigError
 */
export function checkExposure(service: string, config: AccessConfig & { readonly HOST: string }): void {
  const { AUTH_JWT_SECRET, AUTH_JWKS_URL, AUTH_AUDIENCE, WITHOUT_AUDIENCE, WITHOUT_AUTHENTICATION, HOST } = config;
  const problem = (text: string) => new ConfigError(`${service} cannot start: ${text}`);
  if (AUTH_JWT_SECRET !== undefined && AUTH_JWKS_URL !== undefined) {
    throw problem("AUTH_JWT_SECRET and AUTH_JWKS_URL are both set; tokens are checked by one of them");
  }
  if (AUTH_JWKS_URL !== undefined && AUTH_AUDIENCE === undefined && WITHOUT_AUDIENCE === undefined) {
    throw problem(
      "AUTH_JWKS_URL is set and AUTH_AUDIENCE is not, so tokens that the login made for other services would be accepted. " +
        `Set AUTH_AUDIENCE, or WITHOUT_AUDIENCE=${anyAudiencePhrase} if that is meant`,
    );
  }
  const authenticates = AUTH_JWT_SECRET !== undefined || AUTH_JWKS_URL !== undefined;
  if (authenticates && WITHOUT_AUTHENTICATION === openAccessPhrase) {
    throw problem("WITHOUT_AUTHENTICATION is set, and so is a key of tokens; unset one of them");
  }
  if (authenticates || WITHOUT_AUTHENTICATION !== undefined || isLoopback(HOST)) return;
  throw problem(
    `HOST is ${HOST}, which others can reach, and nothing says who they may be. Set AUTH_JWT_SECRET or AUTH_JWKS_URL, ` +
      `or WITHOUT_AUTHENTICATION=${openAccessPhrase} if that is meant`,
  );
}
